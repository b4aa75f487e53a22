"""A scheme that may not train, and what could be tried with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from initsweep.core.records import DiagnosisRow
from initsweep.diagnosis.scales import Scaling
from initsweep.diagnosis.trial import USUAL, Bench, Outcome, State

DOWN = (0.1, 0.01, 1e-3, 1e-4)
UP = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)
HIGHEST = {"sgd": 1.0}
HIGHEST_SCALED = 0.1
"""Factors by which a rate is changed, and the highest rates to try: of those optimizers that scale
each step by the gradient's size the lower one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A scheme to explain.

    Attributes:
        bench: Where trials run, from the scheme's values.
        row: What was measured of it.
        rate: The rate that it will be trained with, None if that is not said.
        inputs: What could be done about the inputs.
        targets: What could be done about the targets.
        candidates: Returns the values of the schemes whose signals give no alarm, by name.
        keeps: Whether no scheme fills all weights of the network.
    """

    bench: Bench
    row: DiagnosisRow
    rate: float | None
    inputs: Sequence[Scaling]
    targets: Sequence[Scaling]
    candidates: Callable[[], Mapping[str, State]]
    keeps: Callable[[], bool]

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates that it should learn at."""
        return USUAL[self.bench.optimizer] if self.rate is None else (self.rate,)

    @property
    def highest(self) -> float:
        """The highest rate to try."""
        return HIGHEST.get(self.bench.optimizer, HIGHEST_SCALED)

    def others(self, outcome: Outcome) -> tuple[float, ...]:
        """Return rates to try where those have gone like this: lower ones if the loss has risen."""
        steps = DOWN[:2] if outcome.burst else UP[:2]
        return tuple(self.rates[0] * step for step in steps if self.rates[0] * step <= self.highest)
