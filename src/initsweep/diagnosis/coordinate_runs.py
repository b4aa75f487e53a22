"""Some plain steps of a network on one batch, and what becomes of its layers' outputs."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.subject import failure
from initsweep.diagnosis.task import Task
from initsweep.graph.forms import answer, called, cast, outputs_in
from initsweep.graph.torch_generator import private_draws
from initsweep.probes.passing import checked_loss, typed
from initsweep.probes.trunk import SUMS, noted_sum, trunk_of

Signals = dict[str, Tensor]

OUTPUT = "(output)"
"""What the network's own output is called, where no layer's output is the very same."""

STREAM = "(stream)"
"""What sums on the trunk are called, with a number behind it: where a branch joins the stream."""

ROUNDING = 1e-6  # of a signal; less of a change is what float32 makes of sums


class Point(NamedTuple):
    """Mean absolute coordinate of a layer's output, and of its change since the start."""

    activation: float
    update: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What one run showed.

    Attributes:
        passes: What each layer gave, by name in the order of use: at the start and after each step.
        output: Name of the layer that gives the network's output.
        diverged_at: After how many steps numbers were not finite; None if they always were.
    """

    passes: list[dict[str, Point]]
    output: str
    diverged_at: int | None


def course(
    network: nn.Module,
    names: Iterable[str],
    task: Task,
    optimizer: torch.optim.Optimizer,
    steps: int,
    *,
    trunk: bool = False,
) -> Course:
    """Train a network, which is changed, on the batch of a task, the same in every step.

    Draws of the network, as of dropout, are the same in every step, too: what differs is what the
    steps have done.

    Args:
        network: The network.
        names: Its modules to look at.
        task: Batch and loss.
        optimizer: Of the network's parameters.
        steps: How many steps to take.
        trunk: Whether to look at the trunk alone, which is what every path from the first of these
            modules to the loss goes through, and at its sums too.

    Returns:
        What its layers gave.

    Raises:
        InitsweepError: If network or loss fail before the first step.
    """
    outputs = _Outputs({name: network.get_submodule(name) for name in names}, trunk=trunk)
    passes: list[dict[str, Point]] = []
    start: dict[str, Tensor] = {}
    for step in range(steps + 1):
        optimizer.zero_grad()
        try:
            value, signals = _forward(network, outputs, task)
        except Exception as error:  # the user's own code; losses refuse what is no number
            if step > 0:
                return Course(passes=passes, output=outputs.last, diverged_at=step)
            words = failure(network, task.features, error, with_loss=True)
            raise InitsweepError(words) from error
        start = start or signals
        points = {name: _point(one, start[name]) for name, one in signals.items() if name in start}
        seen = [float(value.detach()), *(one.activation for one in points.values())]
        if not all(map(math.isfinite, seen)):
            return Course(passes=passes, output=outputs.last, diverged_at=step)
        passes.append(points)
        if step < steps:
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return Course(passes=passes, output=outputs.last, diverged_at=None)


class _Outputs(TorchFunctionMode):
    """Keeps what modules give, and the sums of two signals, while a network runs.

    Attributes:
        last: Name of the module that gave the network's output in the last run.
    """

    def __init__(self, modules: Mapping[str, nn.Module], *, trunk: bool) -> None:
        super().__init__()
        self._trunk, self.last = trunk, OUTPUT
        # Each with a copy, because what follows may overwrite it.
        self._given: list[tuple[str, Tensor, Tensor]] = []
        for name, module in modules.items():
            module.register_forward_hook(partial(self._note, name))

    def _note(self, name: str, module: nn.Module, args: object, output: object) -> None:  # noqa: ARG002
        for one in outputs_in(output).values():
            if one.is_floating_point() and one.dim():
                self._keep(name, one)
                return

    def _keep(self, name: str, one: Tensor) -> None:
        self._given.append((name, one, one.detach().flatten().clone()))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Return what `func` returns, having kept it if it is a sum of two signals."""
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "").strip("_") in SUMS and noted_sum(args, result, after=0):
            self._keep(STREAM, result)
        return result

    def of(self, run: Callable[[], Any], loss: Callable[[Any], Tensor]) -> tuple[Tensor, Signals]:
        """Return the loss of a run, and what the network's layers gave, all calls in a row.

        The network's output is the last of them, unless a layer gives the very same.
        """
        self._given = []
        with self if self._trunk else nullcontext():
            returned = run()
        value, whole = loss(returned), answer(returned)[1]
        self.last = next((name for name, one, _ in self._given if one is whole), OUTPUT)
        if whole.dim() and self.last == OUTPUT:
            self._keep(OUTPUT, whole)
        found: dict[str, list[Tensor]] = {}
        for name, signal in self._on_trunk(value) if self._trunk else self._all():
            found.setdefault(name, []).append(signal)
        self._given = []
        return value, {name: torch.cat(parts) for name, parts in found.items()}

    def _all(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, copied) for name, _, copied in self._given)

    def _on_trunk(self, loss: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield names and copies of what is on the trunk; its sums are numbered."""
        first = next(one.grad_fn for name, one, _ in self._given if name != STREAM)
        nodes, sums = trunk_of(loss, (), first), count()
        for name, one, copied in self._given:
            if name == OUTPUT or one.grad_fn in nodes:
                yield f"{STREAM}.{next(sums)}" if name == STREAM else name, copied


def _forward(network: nn.Module, outputs: _Outputs, task: Task) -> tuple[Tensor, Signals]:
    own = dict(network.named_parameters())
    # Copies, which the network may overwrite.
    features, targets = typed(own, task.features, None), typed(own, task.targets, None)
    with torch.enable_grad(), private_draws(0):
        return outputs.of(
            lambda: called(network, cast(features, None)),
            lambda returned: checked_loss(task.loss(returned, targets)),
        )


def _point(now: Tensor, start: Tensor) -> Point:
    """Return the means; NaN as update where there are not as many numbers as at the start."""
    size = float(now.abs().mean(dtype=torch.float64))
    if now.shape != start.shape:
        return Point(size, math.nan)
    change = float((now - start).abs().mean(dtype=torch.float64))
    return Point(size, change if change > ROUNDING * size else 0.0)
