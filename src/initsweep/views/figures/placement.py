"""Labels beside points that cover neither text, nor markers, nor the lines to be seen."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray

from initsweep.views.figures import marks, style
from initsweep.views.figures.labels import Label

Array = NDArray[np.float64]

_DISTANCES = (10, 17, 26, 38, 52, 68, 86, 106, 128)  # points
_DIRECTIONS = 24
_LEADER_FROM = 20  # points; nearer labels need no line to their point
_MARKER = 8.0  # half the side of the box around a marker, pixels
_LINE = 1.5  # half the side of the boxes along lines, pixels
_CLEAR = 3.0  # free space around a label, pixels
_ROUNDS = 4
_AT_ONCE = 16  # places whose lines are looked at together
_STEPS = np.linspace(0, 1, 40)


def place(
    axes: Axes,
    labels: Sequence[Label],
    avoid: Sequence[tuple[float, float]] = (),
    size: float = 8.5,
) -> None:
    """Write each label next to its point, where it covers the least.

    Labels listed first choose first; then each may move again, knowing where the others are.
    The axes' limits and position must be final.

    Args:
        axes: Where to write.
        labels: What to write, and beside which points.
        avoid: Further points, in data coordinates, that should stay visible.
        size: Of the text, in points.
    """
    points = _pixels(axes, [(label.x, label.y) for label in labels])
    fixed = np.vstack([_around(points, _MARKER), _around(_pixels(axes, avoid), _LINE)])
    frame = np.asarray(axes.get_window_extent().extents)
    options = [
        _candidates(point, _extent(axes, label, size), axes.figure.dpi / 72)
        for label, point in zip(labels, points, strict=True)
    ]
    # What does not move is looked at once.
    always = [_covered(boxes, fixed) + 10 * _outside(boxes, frame) for boxes, _ in options]
    chosen: dict[int, int] = {}
    for _ in range(_ROUNDS):
        before = dict(chosen)
        for index, (boxes, leaders) in enumerate(options):
            others = [options[i] for i in chosen if i != index]
            places = [chosen[i] for i in chosen if i != index]
            texts = [option[0][at] for option, at in zip(others, places, strict=True)]
            lines = [_line(option[1][at]) for option, at in zip(others, places, strict=True)]
            taken = np.vstack([np.empty((0, 4)), *(box[None] for box in texts), *lines])
            cost = always[index] + _covered(boxes, taken)
            obstacles = np.vstack([np.delete(_around(points, _MARKER - 2), index, axis=0), taken])
            # Among places that cover nothing the nearest wins, then the more usual direction.
            chosen[index] = _cheapest(cost + np.arange(len(boxes)) / 100, leaders, obstacles)
        if chosen == before:
            break
    for index, label in enumerate(labels):
        boxes, leaders = options[index]
        _write(axes, label, boxes[chosen[index]], leaders[chosen[index]], size)


def _pixels(axes: Axes, points: Sequence[tuple[float, float]]) -> Array:
    return np.asarray(axes.transData.transform(list(points)), dtype=float).reshape(-1, 2)


def _around(points: Array, half: float) -> Array:
    """Return boxes around points, shape (points, 4): left, bottom, right, top."""
    return np.hstack([points - half, points + half])


def _extent(axes: Axes, label: Label, size: float) -> tuple[float, float]:
    probe = axes.text(0, 0, label.text, fontsize=size, fontweight=label.weight)
    extent = probe.get_window_extent(style.renderer(axes.get_figure(root=True)))  # type: ignore[arg-type]
    probe.remove()
    return extent.width, extent.height


def _candidates(point: Array, extent: tuple[float, float], scale: float) -> tuple[Array, Array]:
    """Return boxes around a point, shape (candidates, 4), and lines from them to the point.

    A line is a row of points, shape (candidates, steps, 2); all NaN where none is needed.
    """
    turns = [2 * math.pi * i / _DIRECTIONS for i in range(_DIRECTIONS)]
    # Right first, then left, then ever steeper: where people look for a label.
    turns.sort(key=lambda a: (round(abs(math.sin(a)), 6), -math.cos(a), -math.sin(a)))
    towards = np.tile([(math.cos(a), math.sin(a)) for a in turns], (len(_DISTANCES), 1))
    distances = np.repeat(np.array(_DISTANCES, dtype=float), _DIRECTIONS)[:, None]
    corner = point + towards * distances * scale - np.array(extent) * (1 - towards) / 2
    boxes = np.hstack([corner, corner + np.array(extent)])
    nearest = np.clip(point, boxes[:, :2], boxes[:, 2:])
    leaders = nearest[:, None] + _STEPS[None, :, None] * (point - nearest)[:, None]
    leaders[distances[:, 0] < _LEADER_FROM] = np.nan
    return boxes, leaders


def _line(leader: Array) -> Array:
    return _around(leader[~np.isnan(leader[:, 0])], _LINE)


def _covered(boxes: Array, taken: Array) -> Array:
    """Return how much of the taken boxes each box covers, shape (boxes,)."""
    low, high = boxes[:, :2].min(axis=0) - _CLEAR, boxes[:, 2:].max(axis=0) + _CLEAR
    taken = taken[((taken[:, 2:] > low) & (taken[:, :2] < high)).all(axis=1)]
    sides = [
        np.minimum(boxes[:, None, side + 2] + _CLEAR, taken[:, side + 2])
        - np.maximum(boxes[:, None, side] - _CLEAR, taken[:, side])
        for side in (0, 1)
    ]
    return np.asarray((sides[0].clip(0) * sides[1].clip(0)).sum(axis=1))


def _cheapest(cost: Array, leaders: Array, obstacles: Array) -> int:
    """Return the place of the lowest cost, to which what its line crosses is added.

    The cheapest are looked at first, because few of hundreds can still win once one is known.
    """
    order, found = np.argsort(cost, kind="stable"), (math.inf, 0)
    for start in range(0, len(order), _AT_ONCE):
        places = order[start : start + _AT_ONCE]
        if cost[places[0]] > found[0]:
            break
        total = cost[places] + 20 * _crossed(leaders[places], obstacles)
        found = min(found, *zip(total.tolist(), places.tolist(), strict=True))
    return int(found[1])


def _crossed(leaders: Array, obstacles: Array) -> Array:
    """Return how many of each line's points lie in an obstacle, shape (lines,)."""
    x, y = leaders[:, :, :1], leaders[:, :, 1:]
    left, bottom, right, top = obstacles.T
    inside = (x > left - 1) & (x < right + 1) & (y > bottom - 1) & (y < top + 1)
    return np.asarray(inside.sum(axis=(1, 2)), dtype=float)


def _outside(boxes: Array, frame: Array) -> Array:
    """Return how much of each box lies outside the frame, shape (boxes,)."""
    low, high = np.maximum(boxes[:, :2], frame[:2]), np.minimum(boxes[:, 2:], frame[2:])
    inside = np.prod(np.clip(high - low, 0, None), axis=1)
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - inside)


def _write(axes: Axes, label: Label, box: Array, leader: Array, size: float) -> None:
    to_data = axes.transData.inverted()
    x, y = to_data.transform((box[:2] + box[2:]) / 2)
    written = axes.text(
        float(x), float(y), label.text, ha="center", va="center", fontsize=size,
        fontweight=label.weight, color=label.colour,
    )  # fmt: skip
    drawn: list[Artist] = [written]
    if not np.isnan(leader[0, 0]):
        ends = to_data.transform(leader[[0, -1]])
        drawn += axes.plot(ends[:, 0], ends[:, 1], color=label.colour, linewidth=0.7, zorder=2.5)
    if label.scheme:
        for artist in drawn:
            marks.tag(artist, label.scheme)
