"""The whole learning-rate response of every scheme, one panel each.

Question answered: how good is each scheme at every learning rate, and over how many rates is
its mean loss within the basin tolerance of its best?
Requires: `response.csv`, `schemes.csv`, the constant predictor's validation loss.
"""

from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.core.records import ResponseRow, SchemeRow
from initsweep.views.figures import axes as scales
from initsweep.views.figures import marks, panels, responses, style
from initsweep.views.figures.palette import Look


def draw(
    response: Sequence[ResponseRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    constant_loss: float,
    loss_name: str,
) -> Figure:
    """Return a figure with one panel per scheme, in the order given, on common axes."""
    rows = {scheme.scheme: responses.of_scheme(response, scheme.scheme) for scheme in schemes}
    lines = {name: responses.line(of_one) for name, of_one in rows.items()}
    losses = [row.best_loss for row in response] + [row.worst_loss for row in response]
    with style.styled():
        figure, panel_axes = panels.grid(len(schemes))
        names = panels.names(scheme.scheme for scheme in schemes)
        for axes, scheme in zip(panel_axes, schemes, strict=True):
            look = looks[scheme.scheme]
            axes.set_label(scheme.scheme)
            marks.tag(axes, scheme.scheme)
            panels.others(axes, [line for name, line in lines.items() if name != scheme.scheme])
            responses.constant_line(axes, constant_loss)
            responses.basin(axes, scheme, look)
            responses.draw(axes, rows[scheme.scheme], _chosen(scheme), look)
            scales.rate_axis(axes, [row.learning_rate for row in response], every=2)
            scales.loss_axis(axes, [*losses, constant_loss])
            responses.mark(axes, rows[scheme.scheme])
            panels.head(
                axes, names[scheme.scheme], _detail(scheme), look.ink,
                marked=scheme.outcome == "recommended",
            )  # fmt: skip
        panels.name_axes(figure, "learning rate", f"validation {loss_name.replace('_', ' ')}")
        panels.legend(figure, _legend(raced=bool(responses.left_race(response))))
    return figure


def _chosen(scheme: SchemeRow) -> float | None:
    # Judged by loss, no rate of an untrainable scheme stands out; marking one would mislead.
    return scheme.learning_rate if scheme.trainable else None


def _detail(scheme: SchemeRow) -> str:
    if not scheme.trainable:
        return "untrainable"
    width = numbers.width(scheme.basin_width, scheme.basin_censored)
    return f"best at {numbers.rate(scheme.learning_rate)}, basin {width} dec."


def _legend(*, raced: bool) -> list[Artist]:
    left = panels.sample_line(
        "left", marker="o", markersize=4, linestyle="", markerfacecolor=style.PAPER
    )
    return [
        panels.sample_line("mean over seeds"),
        panels.sample_area("best to worst seed", responses.BAND + 0.1),
        panels.sample_area("basin", 0.13),
        panels.sample_line("chosen rate", marker="o", markersize=7, linestyle=""),
        panels.sample_line("refined", marker="o", markersize=2.5, linestyle=""),
        *([left] if raced else []),
        panels.sample_line("a run failed", marker="x", markersize=5, linestyle=""),
        panels.sample_line(
            "constant predictor", color=style.MUTED, linewidth=1, linestyle=(0, (4, 3))
        ),
        panels.sample_line("other schemes", color=style.PALE, linewidth=1),
    ]
