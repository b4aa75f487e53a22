"""How much the first steps change each layer of networks of several sizes.

Question answered: do activations and updates stay what they are as a network grows, so that a
learning rate carries over, and if not, in which layers?
Requires: coordinate checks, one for each scheme.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, palette, panels, style

_WIDTH, _HEIGHT = 2.7, 1.9  # of one panel, inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.85, 1.5, 0.48, 0.48
_ACROSS, _BETWEEN = 0.3, 0.3
_FARTHEST = 1e30  # what lies beyond has overflowed

Quantity = Literal["activations", "updates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One quantity of one layer.

    Attributes:
        layer: Its name.
        values: By size, one for each seed.
        step: After how many steps.
        against: Whether it stands against a rate's carrying over.
    """

    layer: str
    values: Mapping[int, Sequence[float]]
    step: int
    against: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What is shown of one scheme."""

    scheme: str
    verdict: str
    vary: str
    activations: Sequence[Line]
    updates: Sequence[Line]


def draw(columns: Sequence[Column]) -> Figure:
    """Return a figure with a column for each scheme, and a line for each layer."""
    width = _LEFT + len(columns) * (_WIDTH + _ACROSS) - _ACROSS + _RIGHT
    height = _TOP + 2 * _HEIGHT + _BETWEEN + _BOTTOM
    layers = dict.fromkeys(line.layer for one in columns for line in one.activations)
    looks = palette.looks([*layers])
    rows: tuple[tuple[Quantity, str], ...] = (
        ("activations", "mean |activation|"), ("updates", "mean |change|"),
    )  # fmt: skip
    with style.styled():
        figure = style.new_figure(width, height)
        for row, (quantity, name) in enumerate(rows):
            bounds = _bounds([line for one in columns for line in _lines(one, quantity)])
            for column, one in enumerate(columns):
                left = _LEFT + column * (_WIDTH + _ACROSS)
                bottom = _BOTTOM + (1 - row) * (_HEIGHT + _BETWEEN)
                axes = figure.add_axes(
                    (left / width, bottom / height, _WIDTH / width, _HEIGHT / height)
                )
                axes.tick_params(labelbottom=row == 1, labelleft=column == 0)
                _panel(axes, _lines(one, quantity), looks, bounds, last=one is columns[-1])
                if row == 0:
                    panels.head(axes, one.scheme, one.verdict, style.INK)
                else:
                    axes.set_xlabel(one.vary)
                if column == 0:
                    steps = _steps(_lines(one, quantity))
                    axes.set_ylabel(f"{name}\n{steps}" if steps else name)
    return figure


def _lines(column: Column, quantity: Quantity) -> Sequence[Line]:
    """Return what can be drawn on a logarithmic axis."""
    lines = column.activations if quantity == "activations" else column.updates
    return [line for line in lines if all(min(seeds) > 0 for seeds in line.values.values())]


def _steps(lines: Sequence[Line]) -> str:
    """Return after how many steps, where that is the same for all layers."""
    steps = {line.step for line in lines}
    if len(steps) != 1:
        return ""
    (step,) = steps
    return f"after {step} step{'s' * (step != 1)}"


def _bounds(lines: Sequence[Line]) -> tuple[float, float]:
    every = [one for line in lines for seeds in line.values.values() for one in seeds] or [1.0]
    low = max(min(every) / 1.4, 1 / _FARTHEST)
    return low, max(min(max(every) * 1.4, _FARTHEST), 10 * low)


def _panel(
    axes: Axes,
    lines: Sequence[Line],
    looks: Mapping[str, palette.Look],
    bounds: tuple[float, float],
    *,
    last: bool,
) -> None:
    """Draw the layers of one scheme; what stands against it is drawn thick."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(*bounds)
    ticks = scales.log_ticks(*bounds)
    axes.set_yticks(ticks, [scales.tick_text(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
    ends = []
    for line in lines:
        sizes, look = list(line.values), looks[line.layer]
        means = [math.exp(np.log(seeds).mean()) for seeds in line.values.values()]
        axes.fill_between(
            sizes, [*map(min, line.values.values())], [*map(max, line.values.values())],
            color=look.colour, alpha=0.12, linewidth=0,
        )  # fmt: skip
        axes.plot(
            sizes, means, color=look.colour, marker=look.marker, markersize=3.5,
            linestyle=look.dash, linewidth=2.4 if line.against else 1.1, label=line.layer,
        )  # fmt: skip
        axes.set_xticks(sizes, [numbers.trimmed(size, 6) for size in sizes])
        axes.set_xticks([], minor=True)
        weight = "bold" if line.against else "normal"
        ends.append(
            labels.Label(text=line.layer, x=sizes[-1], y=means[-1], colour=look.ink, weight=weight)
        )
    if last and ends:
        labels.name_ends(axes, ends, inches=_RIGHT - 0.25, size=8)
