"""What trainings come to, whoever did them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from initsweep.core.records import CurveRow, RunRow

State = dict[str, Tensor] | None
"""Parameters and buffers by name; None of a run that diverged or kept none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A batch of runs: rows, epoch curves, and the final states if they were asked for.

    Attributes:
        states: Of each run where they were asked for; an own loop's are read when one is chosen.
        test_rows: The loss of every test row, shape (runs, rows), where the trainings measured
            them; of no row where that is done afterwards.
    """

    runs: list[RunRow]
    curves: list[CurveRow]
    states: Sequence[State]
    engine: str
    test_rows: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def finite(value: float | np.floating) -> float | None:
    """Return a plain float, or None where the value is NaN or infinite."""
    return float(value) if np.isfinite(value) else None
