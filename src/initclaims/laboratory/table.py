"""Measurements in long form, and the few ways in which judges and pictures look at them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import Interval, rounded
from initsweep.statistics.intervals import mean_interval

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number that was measured.

    Attributes:
        arm: What is compared: a scheme, an activation, a formula.
        quantity: What was measured.
        setting: Where along the horizontal axis: a depth, a rate, a layer; 0 if there is none.
        seed: The replicate; measurements of one seed are paired over arms.
        value: The number.
    """

    arm: str
    quantity: str
    setting: float
    seed: int
    value: float

    @classmethod
    def of(
        cls, arm: str, quantity: str, value: float, *, seed: int = 0, setting: float = 0.0
    ) -> "Measurement":
        """Return a number, also one of numpy's, of an arm."""
        return cls(
            arm=arm, quantity=quantity, setting=float(setting), seed=seed, value=float(value)
        )


class Table:
    """All measurements of one experiment."""

    def __init__(self, rows: Sequence[Measurement]) -> None:
        # As they are read from a file: judges name settings as they were measured.
        self.rows = [replace(row, setting=rounded(row.setting)) for row in rows]

    def arms(self, quantity: str | None = None) -> list[str]:
        """Return the arms, in the order in which they were measured."""
        return list(dict.fromkeys(r.arm for r in self.rows if quantity in (None, r.quantity)))

    def settings(self, quantity: str, arm: str | None = None) -> list[float]:
        """Return the settings at which something was measured, in ascending order."""
        found = {r.setting for r in self.rows if r.quantity == quantity and arm in (None, r.arm)}
        return sorted(found)

    def values(self, quantity: str, arm: str, setting: float | None = None) -> Values:
        """Return values in the order of their seeds, shape (seeds,).

        Without a setting: of the only one, or of all, setting by setting.

        Raises:
            KeyError: If nothing of the kind was measured.
        """
        at = None if setting is None else rounded(setting)
        found = [
            row
            for row in self.rows
            if (row.quantity, row.arm) == (quantity, arm) and at in (None, row.setting)
        ]
        if not found:
            raise KeyError(f"nothing measured of {quantity} for {arm} at {setting}")
        found.sort(key=lambda row: (row.setting, row.seed))
        return np.array([row.value for row in found], dtype=np.float64)

    def mean(self, quantity: str, arm: str, setting: float | None = None) -> Interval:
        """Return the mean over seeds with its 95 % interval."""
        return mean_interval(self.values(quantity, arm, setting))

    def difference(
        self,
        quantity: str,
        arm: str,
        other: str,
        setting: float | None = None,
        other_setting: float | None = None,
    ) -> Interval:
        """Return the mean of `arm` minus `other`, paired by seed, with its 95 % interval.

        Both at the same setting unless `other_setting` says where the other one stands.
        """
        beside = setting if other_setting is None else other_setting
        first, second = self.values(quantity, arm, setting), self.values(quantity, other, beside)
        return mean_interval(first - second)

    def curve(self, quantity: str, arm: str) -> tuple[Values, Values]:
        """Return settings and the means over seeds at each, both shape (settings,)."""
        settings = self.settings(quantity, arm)
        means = [float(self.values(quantity, arm, setting).mean()) for setting in settings]
        return np.array(settings), np.array(means)


def exactly(value: float) -> Interval:
    """Return a number that nothing random went into, as an interval of width zero."""
    return Interval(low=value, estimate=value, high=value)
