"""The learning-rate responses of all schemes in one picture, and their basins below it.

Question answered: how different is the dependence on the learning rate between the schemes, and
which rates suit whom?
Requires: `response.csv`, `schemes.csv`, the constant predictor's validation loss.
"""

from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.core.records import ResponseRow, SchemeRow
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, marks, panels, responses, style
from initsweep.views.figures.palette import Look

_WIDTH, _LEFT, _RIGHT = 6.5, 1.5, 0.12  # inches
_TOP, _CURVES, _BETWEEN, _ROW, _BOTTOM = 0.42, 2.5, 0.1, 0.165, 0.5


def draw(
    response: Sequence[ResponseRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    constant_loss: float,
    loss_name: str,
    linear: bool = False,
) -> Figure:
    """Return a figure with all lines on one pair of axes, and one bar per scheme below them."""
    bars = _ROW * len(schemes)
    height = _TOP + _CURVES + _BETWEEN + bars + _BOTTOM
    wide = 1 - (_LEFT + _RIGHT) / _WIDTH
    with style.styled():
        figure = style.new_figure(_WIDTH, height)
        low = (_BOTTOM + bars + _BETWEEN) / height
        curves = figure.add_axes((_LEFT / _WIDTH, low, wide, _CURVES / height))
        basins = figure.add_axes((_LEFT / _WIDTH, _BOTTOM / height, wide, bars / height))
        rates = [row.learning_rate for row in response]
        _curves(curves, response, schemes, looks, constant_loss, linear=linear)
        _basins(basins, schemes, looks)
        for axes in (curves, basins):
            scales.rate_axis(axes, rates)
        curves.tick_params(labelbottom=False)
        curves.set_ylabel(f"validation {loss_name.replace('_', ' ')}")
        basins.set_xlabel("learning rate")
        panels.legend(figure, _legend())
    return figure


def _curves(
    axes: Axes,
    response: Sequence[ResponseRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    constant_loss: float,
    *,
    linear: bool,
) -> None:
    responses.constant_line(axes, constant_loss)
    scales.loss_axis(axes, [*(row.mean_loss for row in response), constant_loss], linear=linear)
    for scheme in reversed(schemes):  # the recommended one last, on top
        rows = responses.of_scheme(response, scheme.scheme)
        look, marked = looks[scheme.scheme], scheme.outcome == "recommended"
        before = set(axes.get_children())
        if marked:
            responses.basin(axes, scheme, look)
        axes.plot(
            *responses.line(rows), color=look.colour, linestyle=look.dash,
            linewidth=2.8 if marked else 1.3, label="response", zorder=4 if marked else 3,
        )  # fmt: skip
        if scheme.trainable:
            responses.chosen(axes, rows, scheme.learning_rate, look, 8 if marked else 6)
        marks.tag_new(axes, before, scheme.scheme)
        responses.mark(axes, rows)


def _basins(axes: Axes, schemes: Sequence[SchemeRow], looks: Mapping[str, Look]) -> None:
    axes.set_label("basins")
    axes.set_ylim(len(schemes) - 0.5, -0.5)
    for place, scheme in enumerate(schemes):
        look, before = looks[scheme.scheme], set(axes.get_children())
        low, high = scheme.basin_low, scheme.basin_high
        if low is not None and high is not None:
            low, high = (low, high) if low < high else (low / 1.12, high * 1.12)
            axes.fill_between(
                [low, high], place - 0.33, place + 0.33, color=look.colour, alpha=0.35, linewidth=0
            )
        if scheme.trainable:
            axes.plot(
                [scheme.learning_rate], [place], marker=look.marker, color=look.colour,
                markersize=5.5, markeredgecolor=style.PAPER, linestyle="", label="chosen",
            )  # fmt: skip
            width = numbers.width(scheme.basin_width, scheme.basin_censored)
            text = f"{scheme.scheme}: {numbers.rate(scheme.learning_rate)}, {width} decades"
            marks.mark(axes, scheme.learning_rate, place, scheme.scheme, text)
        marks.tag_new(axes, before, scheme.scheme)
    _name_rows(axes, schemes, looks)


def _name_rows(axes: Axes, schemes: Sequence[SchemeRow], looks: Mapping[str, Look]) -> None:
    scheme_names = [scheme.scheme for scheme in schemes]
    names = labels.called(scheme_names, 23, inches=_LEFT - 0.1, size=7.5, weight="bold")
    axes.set_yticks(range(len(schemes)), list(names.values()), fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for tick, scheme in zip(axes.get_yticklabels(), schemes, strict=True):
        tick.set_color(looks[scheme.scheme].ink)
        tick.set_fontweight("bold" if scheme.outcome == "recommended" else "normal")
        marks.tag(tick, scheme.scheme)


def _legend() -> list[Artist]:
    return [
        panels.sample_line("mean over seeds"),
        panels.sample_area("basin", 0.35),
        panels.sample_line("chosen rate", marker="o", markersize=6, linestyle=""),
        panels.sample_line(
            "constant predictor", color=style.MUTED, linewidth=1, linestyle=(0, (4, 3))
        ),
    ]
