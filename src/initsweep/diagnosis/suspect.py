"""A scheme that may not train, and what could be tried with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from initsweep.core.errors import InitsweepError, unheard
from initsweep.core.records import DiagnosisRow
from initsweep.diagnosis.few_steps import USUAL, Bench, Outcome, State
from initsweep.diagnosis.scales import Scaling, unscaled_inputs, unscaled_targets
from initsweep.initializers import initial_states, layers_of, make_initializer
from initsweep.probes.judgement import HEALTHY, is_alarming

CANDIDATES = ("he_normal", "xavier_normal", "lecun_normal", "torch_default")
"""Schemes to try where the network's own weights give an alarm: those without options."""

DOWN = (0.1, 0.01, 1e-3, 1e-4)
UP = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)
HIGHEST = {"sgd": 1.0}
HIGHEST_SCALED = 0.1
"""Factors by which a rate is changed, and the highest rates to try: of those optimizers that scale
each step by the gradient's size the lower one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A scheme to explain.

    Attributes:
        bench: Where trials run, from the scheme's values.
        row: What was measured of it.
        rate: The rate that it will be trained with, None if that is not said.
        verdict_of: Returns the verdict on other values.
    """

    bench: Bench
    row: DiagnosisRow
    rate: float | None
    verdict_of: Callable[[State], str]

    @cached_property
    def inputs(self) -> list[Scaling]:
        """What could be done about the inputs."""
        return [] if self._compared else unscaled_inputs(self.bench.features)

    @cached_property
    def targets(self) -> list[Scaling]:
        """What could be done about the targets."""
        return [] if self._compared else unscaled_targets(self.bench.targets)

    @property
    def _compared(self) -> bool:
        """Whether the loss takes the inputs, and what scaling these does to it is not known."""
        return self.bench.targets is self.bench.features

    @cached_property
    def candidates(self) -> dict[str, State]:
        """The values of the schemes whose signals give no alarm, by name, healthy ones first."""
        network, features = self.bench.network, self.bench.features
        found: dict[str, State] = {}
        mild: dict[str, State] = {}
        for name in CANDIDATES:
            scheme = make_initializer(name, {})
            try:
                with unheard():  # what is kept is not what is asked
                    values = initial_states(network, scheme, inputs=features, unknown="keep")(0)
            except InitsweepError:  # it does not fill such a network
                continue
            verdict = self.verdict_of(values)
            if not is_alarming(verdict):
                (found if verdict == HEALTHY else mild)[name] = values
        return found | mild

    @cached_property
    def keeps(self) -> bool:
        """Whether no scheme fills all weights of the network."""
        try:
            with unheard():
                layers_of(self.bench.network)
        except InitsweepError:
            return True
        return False

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
