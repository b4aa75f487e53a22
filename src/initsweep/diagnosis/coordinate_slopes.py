"""How fast something grows with the size of a network, and whether that is growth at all."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from initsweep.statistics.student import student_quantile

Quantity = Literal["activations", "updates"]
Trend = Literal["flat", "growing", "shrinking", "cannot tell", "still"]

LEVEL = 0.9
"""Of intervals: what lies beyond one end of them is refused at 5 %."""

UNIT = 0.5
"""In the limit of infinite width the exponents of published parametrizations are multiples of this.

Source: Yang and Hu 2021, "Feature learning in infinite-width neural networks", table 1.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinateRow:
    """How one quantity of one layer depends on the size of the network.

    Attributes:
        layer: Path of the module.
        quantity: Mean absolute "activations" after the last step that all runs reached, or mean
            absolute "updates", their change by the first step that changes them.
        step: After how many steps that is.
        output: Whether the layer gives the network's output.
        exponent: By size to the power of this it grows: +1 doubles it where the size is doubled.
            None where it is 0 in some run.
        low: End of the exponent's 90 % interval.
        high: End of the exponent's 90 % interval.
        trend: The nearest multiple of 1/2, if the interval leaves out the next ones: "flat" is 0,
            "growing" and "shrinking" are the others; else "cannot tell". "still" where nothing
            changes at any size.
    """

    layer: str
    quantity: Quantity
    step: int
    output: bool
    exponent: float | None
    low: float | None
    high: float | None
    trend: Trend

    @property
    def against(self) -> bool:
        """Whether it stands against a rate's carrying over.

        Activations and updates should be flat; those of the output may start at nothing.

        Source: Yang et al. 2022, "Tensor programs V", the desiderata of muP: coordinates of
        activations are of the same size at every width, those of outputs not larger, and updates
        as large as that allows.
        """
        if not (self.output and self.quantity == "activations"):
            return self.trend not in {"flat", "still"}
        may_grow = self.trend == "cannot tell" and self.high is not None and self.high >= UNIT
        return self.trend == "growing" or may_grow


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatePoint:
    """What one layer of one network gave.

    Attributes:
        layer: Path of the module; "(output)" for the network's output where no layer gives it,
            "(stream).middle" for a sum on the trunk of networks of several depths.
        size: Size of the network.
        seed: Seed of its weights.
        step: After how many steps.
        activation: Mean absolute coordinate of the layer's output.
        update: Mean absolute change of that since the start, on the same inputs.
    """

    layer: str
    size: int
    seed: int
    step: int
    activation: float
    update: float


def rows_of(
    points: Sequence[CoordinatePoint], last: int, runs: int, outputs: Collection[str]
) -> list[CoordinateRow]:
    """Return how the layers' quantities depend on the size.

    Activations after the last step that all runs reached; updates after the first that moves the
    layer in each, when nothing has grown so much that it drowns the rest. Layers whose output does
    not have as many numbers in every step are left out.

    Args:
        points: What they are based on.
        last: The last step that all runs reached.
        runs: How many runs there are.
        outputs: The layers that give the network's output.
    """
    rows = []
    for layer in dict.fromkeys(point.layer for point in points):
        of = [point for point in points if point.layer == layer and point.step <= last]
        steps = [[point for point in of if point.step == step] for step in range(last + 1)]
        if any(len(passed) < runs or not _comparable(passed) for passed in steps):
            continue
        moving = [min(point.update for point in passed) > 0 for passed in steps]
        first = moving.index(True) if True in moving else last
        judged: list[tuple[Quantity, int]] = [("activations", last), ("updates", first)]
        for quantity, step in judged[: 1 + (last > 0)]:
            trend, fitted = _fitted(by_size(steps[step], quantity))
            exponent, low, high = fitted or (None, None, None)
            rows.append(
                CoordinateRow(
                    layer=layer, quantity=quantity, step=step, output=layer in outputs,
                    exponent=exponent, low=low, high=high, trend=trend,
                )
            )  # fmt: skip
    return rows


def _comparable(points: Sequence[CoordinatePoint]) -> bool:
    return not any(math.isnan(point.update) for point in points)


def by_size(points: Sequence[CoordinatePoint], quantity: Quantity) -> dict[int, list[float]]:
    """Return one quantity by size, one number for each seed."""
    found: dict[int, list[float]] = {}
    for one in points:
        value = one.activation if quantity == "activations" else one.update
        found.setdefault(one.size, []).append(value)
    return found


def _fitted(
    values: Mapping[int, Sequence[float]],
) -> tuple[Trend, tuple[float, float, float] | None]:
    """Return the trend of values by size, and the exponent with its interval if there is one."""
    every = [one for seeds in values.values() for one in seeds]
    if min(every) <= 0:
        return ("still" if max(every) <= 0 else "cannot tell"), None
    exponent, half = slope(
        [math.log2(size) for size, seeds in values.items() for _ in seeds],
        [math.log2(one) for one in every],
    )
    low, high = exponent - half, exponent + half
    return trend_of(exponent, low, high), (exponent, low, high)


def trend_of(exponent: float, low: float, high: float) -> Trend:
    """Return what an exponent and its interval say."""
    if abs(exponent) <= UNIT / 2:
        return "flat" if low > -UNIT and high < UNIT else "cannot tell"
    if low > 0 or high < 0:
        return "growing" if exponent > 0 else "shrinking"
    return "cannot tell"


def slope(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return the slope of the least-squares line and half the width of its 90 % interval.

    What scatters about the line is the seeds and whatever is no power law: both count.

    Source: Student's t with n - 2 degrees of freedom, e.g. Draper and Smith 1998, section 1.4.
    """
    across, up = np.asarray(x) - np.mean(x), np.asarray(y) - np.mean(y)
    spread = float(across @ across)
    found = float(across @ up) / spread
    left, degrees = up - found * across, len(x) - 2
    error = math.sqrt(float(left @ left) / degrees / spread)
    return found, student_quantile((1 + LEVEL) / 2, degrees) * error
