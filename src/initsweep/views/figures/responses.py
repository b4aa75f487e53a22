"""How one scheme's learning-rate response is drawn, wherever it is drawn."""

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from initsweep.core import numbers
from initsweep.core.records import ResponseRow, SchemeRow
from initsweep.views.figures import marks, style
from initsweep.views.figures.palette import UNTRAINABLE, Look

BAND = 0.18


def of_scheme(rows: Sequence[ResponseRow], scheme: str) -> list[ResponseRow]:
    """Return one scheme's rows by ascending rate."""
    return sorted((row for row in rows if row.scheme == scheme), key=lambda row: row.learning_rate)


def line(rows: Sequence[ResponseRow]) -> tuple[list[float], list[float]]:
    """Return rates and mean losses."""
    return [row.learning_rate for row in rows], [row.mean_loss for row in rows]


def draw(axes: Axes, rows: Sequence[ResponseRow], rate: float | None, look: Look) -> None:
    """Draw the line through all rates, the range over seeds, refined and failed ones, the chosen.

    A scheme alone in its panel needs no dash and marker to be told from others; only an
    untrainable one keeps its dash.
    """
    xs, ys = line(rows)
    axes.fill_between(
        # The mean of a rate that left a race may lie outside of what its own seeds span.
        xs, [min(row.best_loss, row.mean_loss) for row in rows],
        [max(row.worst_loss, row.mean_loss) for row in rows],
        color=look.colour, alpha=BAND, linewidth=0, zorder=2,
    )  # fmt: skip
    dash = look.dash if look is UNTRAINABLE else "-"
    axes.plot(xs, ys, color=look.colour, linestyle=dash, zorder=3, label="response")
    refined = [row for row in rows if row.kind == "refinement"]
    axes.plot(
        *line(refined), linestyle="", marker="o", markersize=2.2, color=look.colour, alpha=0.75,
        zorder=3, label="refinement",
    )  # fmt: skip
    if left := left_race(rows):
        axes.plot(
            *line(left), linestyle="", marker="o", markersize=4, color=look.colour,
            markerfacecolor=style.PAPER, zorder=3.5, label="left the race",
        )  # fmt: skip
    failing = [row for row in rows if row.failure_rate > 0]
    axes.plot(
        *line(failing), linestyle="", marker="x", markersize=4.5, markeredgewidth=1.1,
        color=style.INK, zorder=4, label="failures",
    )  # fmt: skip
    chosen(axes, rows, rate, replace(look, marker="o"), 7.5)


def left_race(rows: Sequence[ResponseRow]) -> list[ResponseRow]:
    """Return the rates that were trained on fewer seeds than others."""
    most = max((row.seeds for row in rows), default=0)
    return [row for row in rows if row.seeds < most]


def chosen(
    axes: Axes, rows: Sequence[ResponseRow], rate: float | None, look: Look, size: float
) -> None:
    """Mark the chosen rate."""
    axes.plot(
        *line([row for row in rows if row.learning_rate == rate]), linestyle="",
        marker=look.marker, markersize=size, color=look.colour, markeredgecolor=style.PAPER,
        markeredgewidth=1.2, zorder=5, label="chosen",
    )  # fmt: skip


def basin(axes: Axes, scheme: SchemeRow, look: Look) -> None:
    """Shade a scheme's basin over the whole height."""
    low, high = scheme.basin_low, scheme.basin_high
    if low is None or high is None:
        return
    if low == high:  # a single rate still deserves to be seen
        low, high = low / 1.12, high * 1.12
    axes.axvspan(low, high, color=look.colour, alpha=0.13, linewidth=0, zorder=0, label="basin")


def mark(axes: Axes, rows: Sequence[ResponseRow]) -> None:
    """Let every point of a scheme say its rate, its loss and what failed."""
    left = left_race(rows)
    for row in rows:
        text = (
            f"{row.scheme} at {numbers.rate(row.learning_rate)}: {numbers.loss(row.mean_loss)} "
            f"({numbers.interval(row.low, row.high)})"
        )
        if row.failure_rate:
            text += f", {numbers.percent(row.failure_rate)} failed"
        if row in left:
            text += f", left the race after {row.seeds} seed{'s' * (row.seeds > 1)}"
        marks.mark(axes, row.learning_rate, row.mean_loss, row.scheme, text)


def constant_line(axes: Axes, loss: float) -> None:
    """Draw the constant predictor's loss: knowing the training targets and no feature."""
    axes.axhline(loss, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
