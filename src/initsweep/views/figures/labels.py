"""Text beside points and lines that does not cover other text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from initsweep.core.spelling import distinct
from initsweep.views.figures import marks

_LENGTH = 26
_FEWEST = 4
_DPI = 72
_ASIDE = 1.06  # where names begin right of the axes, in widths of these
_CLEAR = 3  # points between a name or a line's end and what leads from one to the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text to be put near a point of the axes, in data coordinates.

    `scheme` is the scheme it belongs to, if any.
    """

    text: str
    x: float
    y: float
    colour: str
    weight: str = "normal"
    scheme: str = ""


def called(
    names: Iterable[str],
    length: int = _LENGTH,
    *,
    inches: float,
    size: float = 8.5,
    weight: str = "normal",
) -> dict[str, str]:
    """Return what to call each of several names in so many letters, and so many inches.

    No two are called alike. To be used inside `style.styled`, whose font counts.
    """
    names = list(names)
    for most in range(length, _FEWEST, -1):
        told = distinct(names, most)
        if longest(told.values(), size, weight) <= inches:
            break
    return told


def longest(texts: Iterable[str], size: float, weight: str = "normal") -> float:
    """Return how long the longest text is, in inches; 0 if there is none."""
    font, renderer = FontProperties(size=size, weight=weight), RendererAgg(1, 1, _DPI)  # type: ignore[no-untyped-call]
    measured = renderer.get_text_width_height_descent
    return max((measured(one, font, ismath=False)[0] for one in texts), default=0.0) / _DPI  # type: ignore[no-untyped-call]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions at least `gap` apart, in order, near where they want to be.

    If they do not all fit between `low` and `high`, the gap shrinks until they do.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    blocks: list[tuple[float, int]] = []  # (start, members), merged while they overlap
    for index in order:
        start, members = wanted[index], 1
        while blocks and start < blocks[-1][0] + gap * blocks[-1][1]:
            before, count = blocks.pop()
            centre = before * count + (start - gap * count) * members
            start, members = centre / (count + members), count + members
        start = min(max(start, low), high - gap * (members - 1))
        blocks.append((start, members))
    flat = [start + gap * i for start, members in blocks for i in range(members)]
    for i in range(len(flat) - 2, -1, -1):
        flat[i] = min(flat[i], flat[i + 1] - gap)
    for i in range(1, len(flat)):
        flat[i] = max(flat[i], flat[i - 1] + gap)
    placed = [0.0] * len(wanted)
    for position, index in zip(flat, order, strict=True):
        placed[index] = position
    return placed


def name_ends(axes: Axes, ends: Sequence[Label], *, inches: float, size: float = 8.5) -> None:
    """Name lines to the right of the axes, at the height where they end, without overlap.

    The axes' limits and position must be final; beside them there is room for so many inches.
    """
    frame = axes.get_window_extent()
    gap = 1.35 * size * axes.figure.dpi / 72
    heights = [float(axes.transData.transform((end.x, end.y))[1]) for end in ends]
    # A line that is off the axes is named at the edge it leaves by.
    heights = [min(max(height, frame.y0), frame.y1) for height in heights]
    weight = "bold" if any(end.weight == "bold" for end in ends) else "normal"
    names = called((end.text for end in ends), inches=inches, size=size, weight=weight)
    clear = _CLEAR * axes.figure.dpi / 72
    to_axes = axes.transAxes.inverted()
    for end, y in zip(ends, spread(heights, gap, frame.y0, frame.y1), strict=True):
        name = axes.text(
            _ASIDE, (y - frame.y0) / frame.height, names[end.text], transform=axes.transAxes,
            va="center", fontsize=size, fontweight=end.weight, color=end.colour,
        )  # fmt: skip
        start = np.array((frame.x0 + _ASIDE * frame.width - clear, y))
        stop = axes.transData.transform((end.x, end.y))
        way = stop - start
        stop -= way * min(clear / np.hypot(*way), 0.5)
        # A line: the arrow of an annotation takes ten times as long to draw.
        (leader,) = axes.plot(
            *to_axes.transform([start, stop]).T, transform=axes.transAxes, clip_on=False,
            color=end.colour, linewidth=0.6, label="leader",
        )  # fmt: skip
        if end.scheme:
            marks.tag(name, end.scheme)
            marks.tag(leader, end.scheme)
