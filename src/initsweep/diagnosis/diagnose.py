"""The diagnosis for other people's networks: one call, any `nn.Module`, one batch.

```python
from initsweep import assert_healthy, diagnose

print(diagnose(model, batch, targets))
assert_healthy(model, batch, targets)  # in a test suite
```
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from initsweep.core.errors import InitsweepError, UnhealthyError, UnknownNameError
from initsweep.core.records import DiagnosisRow, LayerRow
from initsweep.core.registry import did_you_mean
from initsweep.diagnosis.any_batch import reading_of
from initsweep.diagnosis.few_steps import LEARNS, STAYS, USUAL, Bench, State
from initsweep.diagnosis.findings import FAULTS, Cause, Finding
from initsweep.diagnosis.remedies import explained
from initsweep.diagnosis.scales import constants
from initsweep.diagnosis.subject import subject
from initsweep.diagnosis.suspect import Case
from initsweep.diagnosis.targets import Kind
from initsweep.diagnosis.task import Batch, Targets, Task, checked_batch, make_task
from initsweep.diagnosis.wiring import wiring
from initsweep.initializers import (
    Initializer,
    Multipliers,
    initial_states,
    make_initializer,
    multipliers_under,
)
from initsweep.probes.averages import diagnosis, layer_table
from initsweep.probes.judgement import HEALTHY, MILD, VERDICTS
from initsweep.probes.passing import Loss
from initsweep.probes.reading import Reading

SEEDS = (0, 1, 2, 3, 4)
AS_BUILT = "as_built"
"""What the network's own weights are called, beside the schemes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found: one row per scheme, and one per scheme and layer.

    Attributes:
        schemes: Verdicts, in the order asked for.
        layers: The layers' numbers.
        notes: What limits them, in sentences.
        findings: What is wrong, whose fault it is and what helps, alarms first; empty rows where a
            fault of wiring keeps the layers from being looked at.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import diagnose, initialize_
        >>> network = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
        >>> batch = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
        >>> found = diagnose(initialize_(network, "zeros", seed=0), batch)
        >>> found.healthy, found.cause, found.remedy
        (False, 'initialization', 'initialize_(model, "he_normal", 0)')
    """

    schemes: list[DiagnosisRow]
    layers: list[LayerRow]
    notes: list[str]
    findings: list[Finding] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing gives an alarm; mild findings and remarks are none."""
        return not any(one.alarm for one in self.findings)

    @property
    def spotless(self) -> bool:
        """Whether nothing is found of any scheme, nothing mild either."""
        return self.healthy and all(row.verdict == HEALTHY for row in self.schemes)

    @property
    def cause(self) -> Cause | None:
        """Where the first alarm is to be mended; None if there is none."""
        return next((one.cause for one in self.findings if one.alarm), None)

    @property
    def remedy(self) -> str | None:
        """What helps against the first alarm; None if there is none."""
        return next((one.remedy for one in self.findings if one.alarm), None)

    def __str__(self) -> str:
        lines = [". ".join(one.lines[:2]) + "".join(f"\n{more}" for more in one.lines[2:])
                 for one in self.findings]  # fmt: skip
        known = {one.scheme for one in self.findings if one.alarm}
        lines += [f"{row.scheme}: {row.verdict}. {row.reason}" for row in self.schemes
                  if row.scheme not in known]  # fmt: skip
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


def diagnose(
    model: nn.Module | Callable[[], nn.Module],
    batch: Batch,
    targets: Targets | None = None,
    loss: Loss | None = None,
    *,
    task: Kind | None = None,
    schemes: Sequence[str] | Mapping[str, Initializer] | str = (),
    optimizer: str = "sgd",
    rate: float | None = None,
    seeds: Sequence[int] = SEEDS,
) -> Diagnosis:
    """Look at a network before any training, on one batch, without changing it.

    Args:
        model: The network as it is, or a function that builds one: it is then called once per
            seed, with torch's generator seeded, and numbers get a range over seeds.
        batch: Inputs, shape (batch, ...); a tuple of such for a `forward` of several arguments, a
            dictionary for one of named arguments. What is in them may be nested: dictionaries,
            lists, dataclasses, sequences of different lengths.
        targets: Class numbers, shape (batch, ...), or numbers to predict, one per output. Without
            them, targets are drawn at random: classes if the network has several outputs. Outputs
            have their classes on axis 1, as for torch's `cross_entropy`, or on the last one.
        loss: Mean loss from what the network returns and the targets; without targets, from what
            it returns and the batch. By default cross-entropy for whole-numbered targets and the
            mean squared error for others; without targets, the loss that a network computes
            itself. What of a batch `forward` has no argument for is left to a loss that takes it.
        task: "classification" if the targets are class numbers, "regression" if they are numbers
            to predict. By default whole numbers are classes and others are not.
        schemes: Names of initializers to look at instead of the network's own weights; for those
            with options, a mapping from what to call them to what `make_initializer` returns.
        optimizer: What the network will be trained with: "sgd", or another that scales each step
            by the gradient's size; those bear much smaller gradients.
        rate: The learning rate that it will be trained with: it is tried, for some steps on the
            batch by a copy, and so are remedies.
        seeds: Seeds for the weights.

    Returns:
        Verdicts, numbers, notes. `print` it.

    Raises:
        InitsweepError: If the batch cannot be used, the network fails on it, or has no layer that
            can be looked at.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import diagnose
        >>> network = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
        >>> batch = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
        >>> found = diagnose(network, batch, schemes=["he_normal", "zeros"])
        >>> {row.scheme: row.verdict for row in found.schemes}
        {'he_normal': 'healthy', 'zeros': 'symmetric'}
        >>> def loss(outputs, batch):
        ...     rows, wanted = batch  # `forward` takes the first
        ...     return nn.functional.cross_entropy(outputs, wanted, label_smoothing=0.1)
        >>> diagnose(network, (batch, torch.arange(32) % 3), loss=loss).healthy
        True
    """
    seeds = _checked_seeds(seeds)
    _check_rate(rate)
    _check_optimizer(optimizer)
    network, wrapped = subject(model, seeds[0])
    made = make_task(network, checked_batch(batch), targets, loss, task)
    found = [*constants(made), *wiring(network, made)]
    wired = any(one.alarm for one in found)
    bearable = STAYS if made.compared_with == "random targets" else LEARNS
    verdict_of = partial(_verdict, network, made, optimizer)
    rows: list[DiagnosisRow] = []
    layers: list[LayerRow] = []
    for scheme, initializer in (_initializers(schemes) or {AS_BUILT: None}).items():
        states = _states(model, network, initializer, seeds, made)
        try:
            readings = [_read(network, state, made) for state in states]
        except InitsweepError:
            if wired:  # which is why
                return Diagnosis(schemes=[], layers=[], notes=made.notes, findings=_sorted(found))
            raise
        factors = _factors(network, initializer, optimizer)
        rows.append(
            diagnosis(scheme, readings, made.constant_loss, optimizer, one_rate=not factors)
        )
        layers.extend(layer_table(scheme, readings))
        bench = Bench(
            network=network, features=made.features, targets=made.targets, loss=made.loss,
            optimizer=optimizer, bearable=bearable, state=states[0], multipliers=factors,
        )  # fmt: skip
        case = Case(bench=bench, row=rows[-1], rate=rate, verdict_of=verdict_of)
        found += explained(case, wired=wired)
        made.notes.extend({one.lowered: None for one in readings if one.lowered})
    if readings[0].attentions and optimizer == "sgd":
        made.notes.append("SGD often does not get a transformer going: silence is no promise")
    made.notes.extend(wrapped)
    if rows[0].unseen:
        made.notes.append(f"not looked at: {rows[0].unseen}")
    if all(row.forward_predicted is None for row in layers):
        made.notes.append("theory predicts nothing here: not traceable, or weights not centred")
    if isinstance(model, nn.Module) and not schemes:
        made.notes.append("one draw of the weights; pass a function to see the range over seeds")
    return Diagnosis(schemes=rows, layers=layers, notes=made.notes, findings=_sorted(found))


def assert_healthy(
    model: nn.Module | Callable[[], nn.Module],
    batch: Batch,
    targets: Targets | None = None,
    loss: Loss | None = None,
    *,
    task: Kind | None = None,
    allow: Sequence[str] | str = (),
    strict: bool = False,
    optimizer: str = "sgd",
    rate: float | None = None,
    seeds: Sequence[int] = SEEDS,
) -> Diagnosis:
    """Fail where a network is not expected to train; for test suites.

    Args:
        model: As for `diagnose`.
        batch: As for `diagnose`.
        targets: As for `diagnose`.
        loss: As for `diagnose`.
        task: As for `diagnose`.
        allow: Verdicts to let pass, such as "exploding".
        strict: Whether mild verdicts fail too, such as "mildly exploding"; otherwise they pass.
        optimizer: As for `diagnose`.
        rate: As for `diagnose`.
        seeds: As for `diagnose`.

    Returns:
        The diagnosis.

    Raises:
        InitsweepError: As for `diagnose`, and if `allow` names no verdict.
        UnhealthyError: If there is an alarm, or a mild verdict and `strict`; an `AssertionError`
            that names layer and number.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import assert_healthy, initialize_
        >>> layers = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(10)]
        >>> network = nn.Sequential(*layers, nn.Linear(64, 3))
        >>> batch = torch.randn(32, 64, generator=torch.Generator().manual_seed(0))
        >>> assert_healthy(initialize_(network, "he_normal", seed=0), batch).healthy
        True
        >>> small = initialize_(network, lambda layer, draw: torch.randn(
        ...     layer.weight_shape, generator=draw) / 100, seed=0)
        >>> assert_healthy(small, batch)
        Traceback (most recent call last):
        initsweep.core.errors.UnhealthyError: The untrained network is vanishing. ...
    """
    allowed = _checked_verdicts(allow)
    found = diagnose(
        model, batch, targets, loss, task=task, optimizer=optimizer, rate=rate, seeds=seeds
    )
    for one in found.findings:
        if one.alarm and one.verdict not in allowed:
            raise UnhealthyError(_failed(one))
    for row in found.schemes:
        wrong = strict and row.verdict != HEALTHY
        if wrong and row.verdict.removeprefix(f"{MILD} ") not in allowed:
            raise UnhealthyError(f"The untrained network is {row.verdict}. {row.reason}.")
    return found


def _failed(finding: Finding) -> str:
    about = "The untrained network is" if finding.cause == "initialization" else finding.cause + ":"
    remedy = f" Remedy: {finding.remedy}." if finding.remedy else ""
    return f"{about} {finding.verdict}. {finding.reason}.{remedy}"


def _verdict(network: nn.Module, task: Task, optimizer: str, state: State) -> str:
    reading = _read(network, state, task, with_sharpness=False)
    return diagnosis("", [reading], task.constant_loss, optimizer).verdict


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    """Return alarms before remarks, and each once."""
    return sorted(dict.fromkeys(findings), key=lambda one: not one.alarm)


def _check_rate(rate: float | None) -> None:
    """Check a learning rate.

    Raises:
        InitsweepError: If it is no number above 0.
    """
    if rate is not None and not (isinstance(rate, int | float) and 0 < rate < math.inf):
        raise InitsweepError(
            f"rate: received {rate!r}. Give a learning rate above 0, such as 0.01."
        )


def _check_optimizer(optimizer: str) -> None:
    """Check that an optimizer is one that trials are made with.

    Raises:
        UnknownNameError: If it is not.
    """
    if optimizer not in USUAL:
        raise UnknownNameError(
            f"Unknown optimizer '{optimizer}'.{did_you_mean(optimizer, list(USUAL))} Known: "
            f"{', '.join(USUAL)}; any that scales each step by the gradient's size is like adam."
        )


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds.

    Raises:
        InitsweepError: If there is none, or one that is no whole number from 0.
    """
    try:
        numbers = tuple(operator.index(seed) for seed in seeds)
    except TypeError:
        numbers = (-1,)
    if not numbers or min(numbers) < 0 or max(numbers) >= 2**63:
        raise InitsweepError(
            f"seeds: received {seeds!r}. Give one or more whole numbers from 0, such as [0, 1, 2]."
        )
    return numbers


def _checked_verdicts(allow: Sequence[str] | str) -> tuple[str, ...]:
    """Return the verdicts to let pass.

    Raises:
        InitsweepError: If one does not exist.
    """
    names = (allow,) if isinstance(allow, str) else tuple(allow)
    for name in names:
        if name not in (known := [*VERDICTS, *FAULTS]):
            raise InitsweepError(
                f"allow: there is no verdict {name!r}.{did_you_mean(str(name), known)} "
                f"Known: {', '.join(known)}."
            )
    return names


def _initializers(
    schemes: Sequence[str] | Mapping[str, Initializer] | str,
) -> dict[str, Initializer | None]:
    if isinstance(schemes, Mapping):
        return dict(schemes)
    names = (schemes,) if isinstance(schemes, str) else schemes
    return {name: make_initializer(name, {}) for name in names}


def _factors(
    network: nn.Module, initializer: Initializer | None, optimizer: str
) -> dict[str, Multipliers]:
    """Return a scheme's factors on rates and decays; of weights as they are none is known."""
    if initializer is None:
        return {}
    return multipliers_under(network, initializer, optimizer, unknown="keep")


def _states(
    model: nn.Module | Callable[[], nn.Module],
    network: nn.Module,
    initializer: Initializer | None,
    seeds: Sequence[int],
    task: Task,
) -> list[State]:
    if initializer is not None:
        state = initial_states(network, initializer, inputs=task.features, unknown="keep")
        return [*map(state, seeds)]
    if isinstance(model, nn.Module):
        return [dict(network.named_parameters())]
    return [dict(subject(model, seed)[0].named_parameters()) for seed in seeds]


def _read(network: nn.Module, state: State, task: Task, *, with_sharpness: bool = True) -> Reading:
    given = (network, state, task.features, task.targets, task.loss)
    return reading_of(*given, with_sharpness=with_sharpness)


__all__ = ["AS_BUILT", "Diagnosis", "assert_healthy", "diagnose"]
