"""What trying more learning rates buys, by scheme.

Question answered: if there is time for n rates only, drawn at random from the shared grid, how
good is the best of them to be expected?
Requires: `budget.csv`, `schemes.csv`, the constant predictor's validation loss.
"""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initsweep.core import numbers
from initsweep.core.records import BudgetRow, SchemeRow
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, marks, panels, responses, style
from initsweep.views.figures.palette import Look


def draw(
    budget: Sequence[BudgetRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    constant_loss: float,
    loss_name: str,
) -> Figure:
    """Return a figure with one line per trainable scheme and a band for the recommended one."""
    trainable = [row for row in schemes if row.trainable]
    if not trainable or not budget:
        return style.message_figure("No scheme is trainable, so trying more rates buys nothing.")
    height = max(4.2, 0.2 * len(trainable) + 1.3)
    ends = []
    with style.styled():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.075, 0.55 / height, 0.66, 1 - 1.0 / height))
        values = [row.expected_best for row in budget]
        scales.loss_axis(axes, [*values, constant_loss])
        responses.constant_line(axes, constant_loss)
        axes.set_xlim(0.8, max(row.n for row in budget) + 0.2)
        for scheme in reversed(trainable):
            rows = sorted((r for r in budget if r.scheme == scheme.scheme), key=lambda r: r.n)
            look, marked = looks[scheme.scheme], scheme.outcome == "recommended"
            before, xs = set(axes.get_children()), [row.n for row in rows]
            if marked:
                low, high = [row.low for row in rows], [row.high for row in rows]
                axes.fill_between(xs, low, high, color=look.colour, alpha=0.18, linewidth=0)
            axes.plot(
                xs, [row.expected_best for row in rows], color=look.colour, linestyle=look.dash,
                marker=look.marker, markersize=4, linewidth=2.4 if marked else 1.4, label="budget",
            )  # fmt: skip
            marks.tag_new(axes, before, scheme.scheme)
            for row in rows:
                marks.mark(axes, row.n, row.expected_best, row.scheme, _text(row))
            ends.append(
                labels.Label(
                    text=scheme.scheme, x=xs[-1], y=rows[-1].expected_best, colour=look.ink,
                    scheme=scheme.scheme, weight="bold" if marked else "normal",
                )
            )  # fmt: skip
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("rates tried, drawn at random from the shared grid")
        axes.set_ylabel(f"expected best validation {loss_name.replace('_', ' ')}")
        labels.name_ends(axes, ends, inches=2.05)
        panels.legend(
            figure,
            [
                panels.sample_line("expected best", marker="o", markersize=4),
                panels.sample_area("interval over seeds, recommended scheme", 0.18),
            ],
        )
    return figure


def _text(row: BudgetRow) -> str:
    return (
        f"{row.scheme}, {row.n} tried: {numbers.loss(row.expected_best)} "
        f"({numbers.interval(row.low, row.high)})"
    )
