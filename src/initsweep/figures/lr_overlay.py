"""The learning-rate responses of a few notable schemes in one picture.

Question answered: how different is the dependence on the learning rate between the recommended
scheme and the ones people would otherwise use?
Requires: `response.csv`, `schemes.csv`, the constant predictor's validation loss.
"""

from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.figures import axes as scales
from initsweep.figures import labels, panels, responses, style
from initsweep.figures.palette import Look
from initsweep.records import ResponseRow, SchemeRow

_MOST = 6


def notable(schemes: Sequence[SchemeRow], best: str | None) -> list[SchemeRow]:
    """Return up to six schemes that tell the story, in the order given.

    The recommended one, the best on validation, PyTorch's default, the trainable schemes with
    the narrowest basin and the largest regret, and one that is untrainable.
    """
    trainable = [row for row in schemes if row.trainable]
    picked = [row for row in schemes if row.outcome == "recommended"]
    picked += [row for row in schemes if row.scheme in {best, "torch_default"}]
    picked += sorted(trainable, key=lambda row: row.basin_width or 0.0)[:1]
    picked += sorted(trainable, key=lambda row: -row.regret)[:1]
    picked += [row for row in schemes if not row.trainable][:1]
    names = list(dict.fromkeys(row.scheme for row in (*picked, *schemes)))[:_MOST]
    return [row for row in schemes if row.scheme in names]


def draw(
    response: Sequence[ResponseRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    constant_loss: float,
    loss_name: str,
) -> Figure:
    """Return a figure with the given schemes on one pair of axes, named in a legend beside it."""
    names = {scheme.scheme for scheme in schemes}
    shown = [row for row in response if row.scheme in names]
    losses = [row.best_loss for row in shown] + [row.worst_loss for row in shown]
    with style.styled():
        figure = style.new_figure(9.2, 4.6)
        axes = figure.add_axes((0.075, 0.125, 0.66, 0.79))
        responses.constant_line(axes, constant_loss)
        for scheme in schemes:
            rows = responses.of_scheme(shown, scheme.scheme)
            chosen = scheme.learning_rate if scheme.trainable else None
            responses.draw(axes, rows, chosen, looks[scheme.scheme], alone=False)
        rates = [row.learning_rate for row in shown]
        scales.rate_axis(axes, rates)
        scales.loss_axis(axes, [*losses, constant_loss])
        axes.set_xlabel("learning rate")
        axes.set_ylabel(f"validation {loss_name.replace('_', ' ')}")
        _name_lines(axes, schemes, looks)
        panels.legend(figure, _legend())
    return figure


def _name_lines(axes: Axes, schemes: Sequence[SchemeRow], looks: Mapping[str, Look]) -> None:
    """Name the lines beside the axes: at either end of the rates most of them coincide."""
    samples: list[Artist] = [_sample(scheme, looks[scheme.scheme]) for scheme in schemes]
    samples.append(
        panels.sample_line(
            "constant predictor", color=style.MUTED, linewidth=1, linestyle=(0, (4, 3))
        )
    )
    legend = axes.legend(
        handles=samples, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0,
        handlelength=3.2, labelspacing=0.9, labelcolor="linecolor",
    )  # fmt: skip
    for text, scheme in zip(legend.get_texts(), schemes, strict=False):
        text.set_fontweight("bold" if scheme.outcome == "recommended" else "normal")


def _sample(scheme: SchemeRow, look: Look) -> Artist:
    return panels.sample_line(
        labels.shorten(scheme.scheme, 23), color=look.colour, linestyle=look.dash, markersize=6.5,
        marker=look.marker if scheme.trainable else "",
    )  # fmt: skip


def _legend() -> list[Artist]:
    return [
        panels.sample_line("mean over seeds"),
        panels.sample_area("best to worst seed", responses.BAND + 0.1),
        panels.sample_line("chosen rate", marker="o", markersize=7, linestyle=""),
        panels.sample_line("refined", marker="o", markersize=2.5, linestyle=""),
        panels.sample_line("a run failed", marker="x", markersize=5, linestyle=""),
    ]
