"""Text beside points and lines that does not cover other text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from initsweep.figures import style

Array = NDArray[np.float64]

_DISTANCES = (9, 16, 26, 38, 52, 68, 86)  # points
_DIRECTIONS = 16
_LEADER_FROM = 20  # points; nearer labels need no line to their point
_MAX_LENGTH = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text to be put near a point of the axes, in data coordinates."""

    text: str
    x: float
    y: float
    colour: str
    weight: str = "normal"


def shorten(name: str, length: int = _MAX_LENGTH) -> str:
    """Return a name with its end cut off if it is longer than `length`."""
    return name if len(name) <= length else name[: length - 1] + "…"


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


def name_ends(axes: Axes, ends: Sequence[Label], size: float = 8.5) -> None:
    """Name lines to the right of the axes, at the height where they end, without overlap.

    The axes' limits and position must be final.
    """
    frame = axes.get_window_extent()
    gap = 1.35 * size * axes.figure.dpi / 72
    heights = [float(axes.transData.transform((end.x, end.y))[1]) for end in ends]
    # A line that is off the axes is named at the edge it leaves by.
    heights = [min(max(height, frame.y0), frame.y1) for height in heights]
    for end, y in zip(ends, spread(heights, gap, frame.y0, frame.y1), strict=True):
        arrow = {"arrowstyle": "-", "color": end.colour, "lw": 0.6, "shrinkA": 1, "shrinkB": 3}
        axes.annotate(
            shorten(end.text),
            (end.x, end.y),
            (1.06, (y - frame.y0) / frame.height),
            xycoords="data",
            textcoords="axes fraction",
            va="center",
            fontsize=size,
            fontweight=end.weight,
            color=end.colour,
            arrowprops=arrow | {"relpos": (0, 0.5)},
            annotation_clip=False,
        )


def place(
    axes: Axes,
    labels: Sequence[Label],
    avoid: Sequence[tuple[float, float]] = (),
    size: float = 8.5,
) -> None:
    """Write each label next to its point, where it covers the least.

    Greedy: labels listed first get the better places. The axes' limits and position must be
    final.

    Args:
        axes: Where to write.
        labels: What to write, and beside which points.
        avoid: Further points, in data coordinates, that should stay visible.
        size: Of the text, in points.
    """
    scale = axes.figure.dpi / 72
    frame = np.asarray(axes.get_window_extent().extents)
    points = axes.transData.transform([(label.x, label.y) for label in labels]).reshape(-1, 2)
    free = axes.transData.transform(list(avoid)).reshape(-1, 2)
    taken = np.vstack([np.hstack([points - 5, points + 5]), np.hstack([free - 2, free + 2])])
    for label, point in zip(labels, points, strict=True):
        boxes, distances = _candidates(point, _extent(axes, label, size), scale)
        costs = _covered(boxes, taken) + 10 * _outside(boxes, frame)
        # Among places that cover nothing the nearest wins, then the more usual direction.
        best = int(np.argmin(costs + np.arange(len(boxes)) / 100))
        taken = np.vstack([taken, boxes[best]])
        _write(axes, label, boxes[best], size, leader=bool(distances[best] >= _LEADER_FROM))


def _extent(axes: Axes, label: Label, size: float) -> tuple[float, float]:
    probe = axes.text(0, 0, label.text, fontsize=size, fontweight=label.weight)
    extent = probe.get_window_extent(style.renderer(axes.get_figure(root=True)))  # type: ignore[arg-type]
    probe.remove()
    return extent.width, extent.height


def _candidates(point: Array, extent: tuple[float, float], scale: float) -> tuple[Array, Array]:
    """Return boxes around a point, shape (candidates, 4), and their distances in points."""
    turns = [2 * math.pi * i / _DIRECTIONS for i in range(_DIRECTIONS)]
    # Right first, then left, then ever steeper: where people look for a label.
    turns.sort(key=lambda a: (round(abs(math.sin(a)), 6), -math.cos(a), -math.sin(a)))
    towards = np.array([(math.cos(a), math.sin(a)) for a in turns])
    distances = np.repeat(np.array(_DISTANCES, dtype=float), _DIRECTIONS)
    towards = np.tile(towards, (len(_DISTANCES), 1))
    corner = point + towards * distances[:, None] * scale - np.array(extent) * (1 - towards) / 2
    return np.hstack([corner, corner + np.array(extent)]), distances


def _covered(boxes: Array, taken: Array) -> Array:
    """Return how much of the taken boxes each box covers, shape (boxes,)."""
    low = np.maximum(boxes[:, None, :2] - 1.5, taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:] + 1.5, taken[None, :, 2:])
    return np.asarray(np.prod(np.clip(high - low, 0, None), axis=2).sum(axis=1))


def _outside(boxes: Array, frame: Array) -> Array:
    """Return how much of each box lies outside the frame, shape (boxes,)."""
    low, high = np.maximum(boxes[:, :2], frame[:2]), np.minimum(boxes[:, 2:], frame[2:])
    inside = np.prod(np.clip(high - low, 0, None), axis=1)
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - inside)


def _write(axes: Axes, label: Label, box: Array, size: float, *, leader: bool) -> None:
    x, y = axes.transData.inverted().transform((box[:2] + box[2:]) / 2)
    arrow = {"arrowstyle": "-", "color": style.MUTED, "lw": 0.6, "shrinkA": 0, "shrinkB": 4}
    axes.annotate(
        label.text,
        (label.x, label.y),
        (float(x), float(y)),
        ha="center",
        va="center",
        fontsize=size,
        fontweight=label.weight,
        color=label.colour,
        arrowprops=arrow if leader else None,
    )
