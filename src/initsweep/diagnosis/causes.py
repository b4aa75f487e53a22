"""What the search for causes needs to know of a scheme, and which other schemes it may try."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from torch import Tensor, nn

from initsweep.core.errors import InitsweepError, unheard
from initsweep.core.records import DiagnosisRow
from initsweep.diagnosis.findings import Finding
from initsweep.diagnosis.scales import unscaled_inputs, unscaled_targets
from initsweep.diagnosis.suspect import Case
from initsweep.diagnosis.task import Task
from initsweep.diagnosis.trial import LEARNS, STAYS, Bench
from initsweep.initializers import initial_states, layers_of, make_initializer
from initsweep.probes.judgement import HEALTHY, is_alarming

CANDIDATES = ("he_normal", "xavier_normal", "orthogonal", "lecun_normal", "torch_default")
"""Schemes to try where the network's own weights give an alarm."""

State = Mapping[str, Tensor]


def case_of(
    network: nn.Module,
    task: Task,
    row: DiagnosisRow,
    state: State,
    rate: float | None,
    optimizer: str,
    *,
    drawn: bool,
    verdict_of: Callable[[State], str],
) -> Case:
    """Return what `explained` needs to know of a scheme.

    Args:
        network: The network.
        task: What it is looked at on.
        row: What was measured of the scheme.
        state: The scheme's values under the first seed.
        rate: The rate that it will be trained with, None if that is not said.
        optimizer: The optimizer's name.
        drawn: Whether the targets were drawn at random.
        verdict_of: Returns the verdict on other values.
    """

    @cache
    def candidates() -> dict[str, State]:
        """Return the healthy ones first."""
        found: dict[str, State] = {}
        mild: dict[str, State] = {}
        for name in CANDIDATES:
            try:
                with unheard():  # what is kept is not what is asked
                    values = initial_states(
                        network, make_initializer(name, {}), inputs=task.features, unknown="keep"
                    )(0)  # fmt: skip
            except InitsweepError:  # it does not fill such a network
                continue
            verdict = verdict_of(values)
            if not is_alarming(verdict):
                (found if verdict == HEALTHY else mild)[name] = values
        return found | mild

    bench = Bench(
        network=network,
        features=task.features,
        targets=task.targets,
        loss=task.loss,
        optimizer=optimizer,
        bearable=STAYS if drawn else LEARNS,
        state=state,
    )
    return Case(
        bench=bench,
        row=row,
        rate=rate,
        inputs=unscaled_inputs(task.features),
        targets=unscaled_targets(task.targets),
        candidates=candidates,
        keeps=lambda: _keeps(network),
    )


def _keeps(network: nn.Module) -> bool:
    try:
        with unheard():
            layers_of(network)
    except InitsweepError:
        return True
    return False


def sort(findings: Sequence[Finding]) -> list[Finding]:
    """Return alarms before remarks, and each once."""
    return sorted(dict.fromkeys(findings), key=lambda one: not one.alarm)


def check_rate(rate: float | None) -> None:
    """Check a learning rate.

    Raises:
        InitsweepError: If it is no number above 0.
    """
    if rate is None or (isinstance(rate, int | float) and 0 < rate < math.inf):
        return
    raise InitsweepError(f"rate: received {rate!r}. Give a learning rate above 0, such as 0.01.")
