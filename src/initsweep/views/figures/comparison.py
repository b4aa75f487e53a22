"""Paired differences of all trainable schemes to the recommended one, on test data.

Question answered: how much worse or better than the recommended scheme is each other one on
rows that no choice was made on, and is the difference of practical interest?
Requires: the test family of `pairs.csv`, the practical margin on test.
"""

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.core.records import Outcome, PairRow
from initsweep.views.figures import labels, marks, panels, style
from initsweep.views.figures.palette import Look

MARKERS: dict[Outcome, str] = {
    "better": "v",
    "worse": "^",
    "equivalent": "s",
    "inconclusive": "o",
}
_WIDTH, _ROW, _TOP, _BOTTOM = 9.2, 0.29, 0.5, 0.6  # inches
# A difference of more margins than this would hide the ones that matter; it becomes an arrow.
_MOST_MARGINS = 12


def draw(
    pairs: Sequence[PairRow], looks: Mapping[str, Look], *, margin: float, loss_name: str
) -> Figure:
    """Return a figure with one line per compared scheme, the smallest difference on top."""
    rows = sorted(
        (pair for pair in pairs if pair.family == "test"),
        key=lambda pair: (pair.mean_difference, pair.scheme),
    )
    if not rows:
        return style.message_figure("No two trainable schemes, so there is nothing to compare.")
    height = _TOP + _ROW * len(rows) + _BOTTOM
    with style.styled():
        figure = style.new_figure(_WIDTH, height)
        box = (0.215, _BOTTOM / height, 0.425, _ROW * len(rows) / height)
        axes = figure.add_axes(box)
        low, high = limits(rows, margin)
        axes.set_xlim(low, high)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvspan(-margin, margin, color=style.MUTED, alpha=0.18, linewidth=0, label="margin")
        axes.axvline(0, color=style.MUTED, linewidth=1)
        for place, row in enumerate(rows):
            before = set(axes.get_children())
            _line(axes, place, row, looks[row.scheme].colour)
            marks.tag_new(axes, before, row.scheme)
        compared = [rows[0].reference, *(row.scheme for row in rows)]
        names = labels.called(compared, 22, inches=box[0] * _WIDTH - 0.1)
        _annotate(axes, rows, names, looks)
        axes.set_xlabel(
            f"test {loss_name.replace('_', ' ')} minus that of {names[rows[0].reference]} "
            "(right: worse)"
        )
        axes.locator_params(axis="x", nbins=6)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        panels.legend(figure, _legend(rows))
    return figure


def limits(rows: Sequence[PairRow], margin: float) -> tuple[float, float]:
    """Return the ends of the axis: zero, the margin, and all differences but the huge ones."""
    typical = statistics.median(abs(row.mean_difference) for row in rows)
    bound = max(_MOST_MARGINS * margin, 2 * typical)
    highs = [row.high for row in rows if row.mean_difference <= bound]
    lows = [row.low for row in rows if row.mean_difference >= -bound]
    high = max([min(value, 1.3 * bound) for value in highs] + [1.5 * margin])
    low = min([max(value, -1.3 * bound) for value in lows] + [-1.5 * margin])
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def _line(axes: Axes, place: int, row: PairRow, colour: str) -> None:
    low, high = axes.get_xlim()
    if not low <= row.mean_difference <= high:
        right = row.mean_difference > high
        axes.plot(
            [high if right else low], [place], marker=">" if right else "<", color=colour,
            markersize=8, clip_on=False, linestyle="", label=f"beyond-{row.scheme}",
        )  # fmt: skip
        return
    axes.hlines(place, row.low, row.high, color=colour, linewidth=2.2)
    filled = row.outcome != "inconclusive"
    axes.plot(
        [row.mean_difference], [place], marker=MARKERS[row.outcome], color=colour, markersize=7,
        markerfacecolor=colour if filled else style.PAPER, markeredgewidth=1.5, linestyle="",
        label=f"pair-{row.scheme}",
    )  # fmt: skip


def _annotate(
    axes: Axes, rows: Sequence[PairRow], names: Mapping[str, str], looks: Mapping[str, Look]
) -> None:
    axes.set_yticks(range(len(rows)), [names[row.scheme] for row in rows])
    axes.tick_params(axis="y", length=0)
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(looks[row.scheme].ink)
        marks.tag(tick, row.scheme)
    for place, row in enumerate(rows):
        before = set(axes.get_children())
        interval = f"[{numbers.difference(row.low)}, {numbers.difference(row.high)}]"
        for x, text in ((14, numbers.difference(row.mean_difference)), (62, interval)):
            axes.annotate(
                text, (1, place), (x, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=8.5,
            )  # fmt: skip
        axes.annotate(
            row.outcome, (1, place), (233, 0), xycoords=("axes fraction", "data"), ha="right",
            textcoords="offset points", va="center", fontsize=8.5, color=style.MUTED,
        )  # fmt: skip
        marks.tag_new(axes, before, row.scheme)


def _legend(rows: Sequence[PairRow]) -> list[Artist]:
    present = [outcome for outcome in MARKERS if any(row.outcome == outcome for row in rows)]
    samples = [
        panels.sample_line(
            outcome,
            marker=MARKERS[outcome],
            markerfacecolor=style.PAPER if outcome == "inconclusive" else style.INK,
            markersize=6,
            linestyle="",
        )
        for outcome in present
    ]
    interval = panels.sample_line("95 % interval", linewidth=2.2)
    return [*samples, interval, panels.sample_area("of no practical interest", 0.18)]
