"""How good a scheme can be against what a learning rate chosen blindly costs.

Question answered: which schemes are good when tuned, which forgive a badly chosen learning
rate, and which are both? By its point estimates no scheme beats one on the front in both.
Requires: `schemes.csv`.
"""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.core.records import SchemeRow
from initsweep.core.spelling import shorten
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, marks, placement, style
from initsweep.views.figures.palette import Look


def draw(
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    loss_name: str,
    linear: bool = False,
) -> Figure:
    """Return a figure with the trainable schemes; the others have no place, and are named."""
    trainable = [row for row in schemes if row.trainable]
    if not trainable:
        return style.message_figure("No scheme is trainable, so there is no trade-off to show.")
    left_out = [row.scheme for row in schemes if not row.trainable]
    with style.styled():
        figure = style.new_figure(6.5, 5.0)
        axes = figure.add_axes((0.1, 0.18 if left_out else 0.115, 0.88, 0.795))
        _scales(axes, trainable, linear=linear)
        words = loss_name.replace("_", " ")
        axes.set_xlabel("regret: what a rate drawn blindly costs (left: more forgiving)")
        axes.set_ylabel(f"tuned validation {words} (lower: better)")
        front = _front(axes, [row for row in trainable if row.pareto])
        for row in trainable:
            before = set(axes.get_children())
            _point(axes, row, looks[row.scheme])
            marks.tag_new(axes, before, row.scheme)
            marks.mark(axes, row.regret, row.validation_loss, row.scheme, _text(row))
        names = labels.called((row.scheme for row in trainable), inches=2.5, weight="bold")
        ordered = _by_importance(trainable)
        named = [_label(row, names[row.scheme], looks[row.scheme]) for row in ordered]
        placement.place(axes, named, avoid=[*front, *_bars(axes, trainable)])
        if left_out:
            text = "Untrainable, so without a place here: " + ", ".join(left_out)
            lines = "\n".join(textwrap.wrap(shorten(text, 190), 95))
            figure.text(0.012, 0.012, lines, fontsize=8.5, color=style.MUTED, va="bottom")
    return figure


def _scales(axes: Axes, rows: Sequence[SchemeRow], *, linear: bool) -> None:
    values = [value for row in rows for value in (row.validation_low, row.validation_high)]
    low, high = min(values), max(values)
    # Good schemes crowd at the bottom, so there is room for names below them.
    values.append(low * (low / high) ** 0.12 if low > 0 else low)
    scales.loss_axis(axes, values, linear=linear)
    regrets = [row.regret for row in rows]
    # A lone scheme, or equal ones, still need an axis with a width.
    spread = max(max(regrets) - min(regrets), 0.1 * abs(max(regrets)), 1e-12)
    axes.set_xlim(min(regrets) - 0.18 * spread, max(regrets) + 0.14 * spread)


def _front(axes: Axes, rows: Sequence[SchemeRow]) -> list[tuple[float, float]]:
    """Return points along the front, after drawing it."""
    ordered = sorted(rows, key=lambda row: (row.regret, -row.validation_loss))
    if not ordered:
        return []
    bottom, top = axes.get_ylim()
    right = axes.get_xlim()[1]
    xs = [ordered[0].regret, *(row.regret for row in ordered), right]
    ys = [top, *(row.validation_loss for row in ordered), ordered[-1].validation_loss]
    axes.plot(
        xs, ys, drawstyle="steps-post", color=style.MUTED, linewidth=1.1, zorder=1.5, label="front"
    )
    axes.annotate(
        "Pareto front (names in bold)", (xs[0], top), (5, -3), textcoords="offset points", va="top",
        fontsize=8, color=style.MUTED, fontstyle="italic",
    )  # fmt: skip
    axes.set_ylim(bottom, top)
    corners = [(x, y) for x, *ends in zip(xs[1:], ys, ys[1:], strict=False) for y in ends]
    return _along(axes, [(xs[0], ys[0]), *corners])


def _along(axes: Axes, path: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    corners = axes.transData.transform(path)
    steps = np.linspace(0, 1, 60)[:, None]
    pixels = [start + steps * (end - start) for start, end in pairwise(corners)]
    return [(float(x), float(y)) for x, y in axes.transData.inverted().transform(np.vstack(pixels))]


def _bars(axes: Axes, rows: Sequence[SchemeRow]) -> list[tuple[float, float]]:
    """Return points along the rows' intervals."""
    ends = [[(r.regret, r.validation_low), (r.regret, r.validation_high)] for r in rows]
    return [point for pair in ends for point in _along(axes, pair)]


def _point(axes: Axes, row: SchemeRow, look: Look) -> None:
    axes.vlines(
        row.regret, row.validation_low, row.validation_high, color=look.colour,
        linewidth=1.4, zorder=2,
    )  # fmt: skip
    recommended = row.outcome == "recommended"
    axes.plot(
        [row.regret], [row.validation_loss], marker=look.marker, color=look.colour,
        markersize=10 if recommended else 7.5, linestyle="", zorder=4 if recommended else 3,
        markeredgecolor=style.INK if recommended else style.PAPER,
        markeredgewidth=1.6 if recommended else 0.8, label=f"point-{row.scheme}",
    )  # fmt: skip


def _text(row: SchemeRow) -> str:
    return (
        f"{row.scheme}: {numbers.loss(row.validation_loss)} "
        f"({numbers.interval(row.validation_low, row.validation_high)}), regret "
        f"{numbers.loss(row.regret)}"
    )


def _by_importance(rows: Sequence[SchemeRow]) -> list[SchemeRow]:
    return sorted(rows, key=lambda row: (row.outcome != "recommended", not row.pareto))


def _label(row: SchemeRow, name: str, look: Look) -> labels.Label:
    recommended = row.outcome == "recommended"
    return labels.Label(
        text=f"{name}{' (recommended)' if recommended else ''}",
        x=row.regret,
        y=row.validation_loss,
        colour=look.ink,
        scheme=row.scheme,
        weight="bold" if row.pareto or recommended else "normal",
    )
