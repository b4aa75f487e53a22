"""The diagnosis for other people's networks: one call, any `nn.Module`, one batch.

```python
from initsweep import assert_healthy, diagnose

print(diagnose(model, batch, targets))
assert_healthy(model, batch, targets)  # in a test suite
```
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError, UnhealthyError
from initsweep.initializers import initial_state, make_initializer
from initsweep.probes.reading import Loss, Reading, read
from initsweep.probes.summary import diagnosis, layer_table
from initsweep.probes.task import Numbers, Task, checked_batch, make_task
from initsweep.probes.verdict import is_alarming
from initsweep.records import DiagnosisRow, LayerRow

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
    """

    schemes: list[DiagnosisRow]
    layers: list[LayerRow]
    notes: list[str]

    @property
    def healthy(self) -> bool:
        """Whether no scheme gives an alarm; mild findings are none."""
        return not any(is_alarming(row.verdict) for row in self.schemes)

    def __str__(self) -> str:
        lines = [f"{row.scheme}: {row.verdict}. {row.reason}" for row in self.schemes]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


def diagnose(
    model: nn.Module | Callable[[], nn.Module],
    batch: Numbers,
    targets: Numbers | None = None,
    loss: Loss | None = None,
    *,
    schemes: Sequence[str] = (),
    optimizer: str = "sgd",
    seeds: Sequence[int] = SEEDS,
) -> Diagnosis:
    """Look at a network before any training, on one batch, without changing it.

    Args:
        model: The network as it is, or a function that builds one: it is then called once per
            seed, with torch's generator seeded, and numbers get a range over seeds.
        batch: Inputs, shape (batch, ...).
        targets: Class numbers, shape (batch, ...), or numbers to predict. Without them, targets
            are drawn at random: classes if the network has several outputs.
        loss: Mean loss from outputs and targets. By default cross-entropy for whole-numbered
            targets and the mean squared error for others.
        schemes: Names of initializers to look at instead of the network's own weights.
        optimizer: What the network will be trained with: "sgd", or another that scales each step
            by the gradient's size; those bear much smaller gradients.
        seeds: Seeds for the weights.

    Returns:
        Verdicts, numbers, notes. `print` it.

    Raises:
        InitsweepError: If the batch cannot be used, the network fails on it, or has no layer that
            can be looked at.
    """
    if not seeds:
        raise InitsweepError("seeds: at least one is needed.")
    if not isinstance(model, nn.Module) and not callable(model):
        raise InitsweepError(f"The model must be a network or build one, received {model!r}.")
    network = model if isinstance(model, nn.Module) else _built(model, seeds[0])
    network = _on_cpu(network)
    task = make_task(network, checked_batch(batch), targets, loss)
    rows: list[DiagnosisRow] = []
    layers: list[LayerRow] = []
    for scheme in schemes or (AS_BUILT,):
        readings = [
            _read(network, state, task) for state in _states(model, network, scheme, seeds, task)
        ]
        rows.append(diagnosis(scheme, readings, task.constant_loss, optimizer))
        layers.extend(layer_table(scheme, readings))
    if rows[0].unseen:
        task.notes.append(f"not looked at: {rows[0].unseen}")
    if all(row.forward_predicted is None for row in layers):
        task.notes.append("theory predicts nothing here: not traceable, or weights not centred")
    if isinstance(model, nn.Module) and not schemes:
        task.notes.append("one draw of the weights; pass a function to see the range over seeds")
    return Diagnosis(schemes=rows, layers=layers, notes=task.notes)


def assert_healthy(
    model: nn.Module | Callable[[], nn.Module],
    batch: Numbers,
    targets: Numbers | None = None,
    loss: Loss | None = None,
    *,
    allow: Sequence[str] = (),
    optimizer: str = "sgd",
    seeds: Sequence[int] = SEEDS,
) -> Diagnosis:
    """Fail where a network is not expected to train; for test suites.

    Args:
        model: As for `diagnose`.
        batch: As for `diagnose`.
        targets: As for `diagnose`.
        loss: As for `diagnose`.
        allow: Verdicts to let pass, such as "exploding". Mild ones pass anyway.
        optimizer: As for `diagnose`.
        seeds: As for `diagnose`.

    Returns:
        The diagnosis.

    Raises:
        UnhealthyError: If there is an alarm; an `AssertionError` that names layer and number.
    """
    found = diagnose(model, batch, targets, loss, optimizer=optimizer, seeds=seeds)
    row = found.schemes[0]
    if is_alarming(row.verdict) and row.verdict not in allow:
        raise UnhealthyError(f"The untrained network is {row.verdict}. {row.reason}.")
    return found


def _states(
    model: nn.Module | Callable[[], nn.Module],
    network: nn.Module,
    scheme: str,
    seeds: Sequence[int],
    task: Task,
) -> list[Mapping[str, Tensor]]:
    if scheme != AS_BUILT:
        initializer = make_initializer(scheme, {})
        return [initial_state(network, initializer, seed, inputs=task.features) for seed in seeds]
    if isinstance(model, nn.Module):
        return [dict(network.named_parameters())]
    return [dict(_on_cpu(_built(model, seed)).named_parameters()) for seed in seeds]


def _built(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            network = build()
        except Exception as error:  # the user's own code may raise anything; it is chained
            raise InitsweepError(
                f"The function that builds the network fails: {type(error).__name__}: {error}"
            ) from error
    if not isinstance(network, nn.Module):
        raise InitsweepError(f"The model must be a torch.nn.Module, received {network!r}.")
    return network


def _on_cpu(network: nn.Module) -> nn.Module:
    elsewhere = any(parameter.device.type != "cpu" for parameter in network.parameters())
    return copy.deepcopy(network).cpu() if elsewhere else network


def _read(network: nn.Module, state: Mapping[str, Tensor], task: Task) -> Reading:
    try:
        reading = read(network, state, task.features, task.targets, task.loss)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:  # of the user's own code
        first = str(error).partition("\n")[0]
        raise InitsweepError(
            f"{type(network).__name__} or its loss fails on a batch of shape "
            f"{tuple(task.features.shape)}: {first}"
        ) from error
    if reading is None:
        raise InitsweepError(
            f"{type(network).__name__} has no layer that can be looked at: torch's Linear, Conv1d "
            "to Conv3d and MultiheadAttention, and what is derived from them."
        )
    return reading


__all__ = ["AS_BUILT", "Diagnosis", "assert_healthy", "diagnose"]
