"""Builds, initializes and trains the networks of a coordinate check."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast, get_args

import torch
from torch import nn

from initsweep.core.errors import InitsweepError, shown
from initsweep.core.multipliers import Multipliers, in_groups
from initsweep.core.registry import did_you_mean
from initsweep.diagnosis.coordinate_places import Vary, watched
from initsweep.diagnosis.coordinate_runs import Course, course
from initsweep.diagnosis.few_steps import TORCH_OPTIMIZERS, State
from initsweep.diagnosis.subject import subject
from initsweep.diagnosis.task import Targets, Task, make_task
from initsweep.graph.forms import Inputs
from initsweep.graph.twins import copy_of
from initsweep.initializers import Initializer, initial_states, multipliers_under
from initsweep.probes.passing import Loss

Optimizer = Callable[[nn.Module], torch.optim.Optimizer]
FEWEST = 3  # sizes: of two, a slope has no interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Size:
    """The network of one size, its runs by seed, and what to note of them."""

    network: nn.Module
    courses: list[Course]
    notes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What is to be run, as for `coordinate_check`."""

    build: Callable[[int], nn.Module]
    scheme: Initializer | None
    optimizer: str | Optimizer
    rate: float | None
    features: Inputs
    targets: Targets | None
    loss: Loss | None
    steps: int
    seeds: int
    vary: Vary

    def of(self, size: int) -> Size:
        """Return the runs of one size."""
        network, notes = subject(partial(self.build, size), 0)
        task = make_task(network, self.features, self.targets, self.loss)
        make = self._maker(network)
        courses = []
        for state in self._states(size, network, task):
            twin = copy_of(network).train()
            with torch.no_grad():
                for name, own in twin.named_parameters():
                    own.copy_(state[name])
            trunk = self.vary == "depth"
            names = watched(twin)
            courses.append(course(twin, names, task, make(twin), self.steps, trunk=trunk))
        return Size(network=network, courses=courses, notes=[*task.notes, *notes])

    def _states(self, size: int, network: nn.Module, task: Task) -> Iterator[State]:
        if self.scheme is not None:
            state_of = initial_states(network, self.scheme, inputs=task.features, unknown="keep")
            yield from map(state_of, range(self.seeds))
            return
        for seed in range(self.seeds):
            yield dict(subject(partial(self.build, size), seed)[0].named_parameters())

    def _maker(self, network: nn.Module) -> Optimizer:
        """Return what makes the optimizer of a copy of a network."""
        if not isinstance(self.optimizer, str):
            return partial(_made_by, self.optimizer)
        made, rate = TORCH_OPTIMIZERS[self.optimizer], cast(float, self.rate)
        factors: Mapping[str, Multipliers] = {}
        if self.scheme is not None:
            factors = multipliers_under(network, self.scheme, self.optimizer, unknown="keep")

        def plain(twin: nn.Module) -> torch.optim.Optimizer:
            trained = [(name, one) for name, one in twin.named_parameters() if one.requires_grad]
            return made(in_groups(trained, factors, learning_rate=rate, weight_decay=0.0))

        return plain


def _made_by(maker: Optimizer, twin: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that the user's function makes.

    Raises:
        InitsweepError: If it makes something else.
    """
    made: object = maker(twin)
    if isinstance(made, torch.optim.Optimizer):
        return made
    raise InitsweepError(
        f"optimizer: the function returned {shown(made)}. Return a torch.optim.Optimizer over the "
        "parameters of the network that it is given."
    )


def checked_optimizer(optimizer: str | Optimizer, rate: float | None) -> str | Optimizer:
    """Return the optimizer.

    Raises:
        InitsweepError: If there is none of this name, or the rate does not go with it.
    """
    if callable(optimizer):
        if rate is not None:
            raise InitsweepError(
                f"learning_rate: received {shown(rate)}, but the function given as optimizer sets "
                "the rates. Leave one of the two out."
            )
        return optimizer
    if optimizer not in TORCH_OPTIMIZERS:
        raise InitsweepError(
            f"optimizer: received {shown(optimizer)}."
            f"{did_you_mean(str(optimizer), list(TORCH_OPTIMIZERS))} Use "
            f"{', '.join(TORCH_OPTIMIZERS)}, or a function that makes the optimizer of a network."
        )
    if not isinstance(rate, int | float) or not 0 < rate < math.inf:
        received = "missing" if rate is None else f"received {shown(rate)}"
        raise InitsweepError(f"learning_rate: {received}. Give a number above 0, such as 0.01.")
    return optimizer


def checked_sizes(sizes: Sequence[int], steps: int, seeds: int, vary: str) -> list[int]:
    """Return the sizes in ascending order.

    Raises:
        InitsweepError: If one of the arguments is not what it should be.
    """
    try:
        found = sorted({operator.index(size) for size in sizes})
    except TypeError:
        found = []
    if len(found) < FEWEST or found[0] < 1:
        raise InitsweepError(
            f"sizes: received {shown(sizes)}. Give {FEWEST} or more different whole numbers from "
            "1, such as [64, 128, 256, 512]."
        )
    for name, count in (("steps", steps), ("seeds", seeds)):
        if not isinstance(count, int) or count < 1:
            raise InitsweepError(f"{name}: received {shown(count)}. Give a whole number from 1.")
    if vary not in get_args(Vary):
        raise InitsweepError(f"vary: received {shown(vary)}. Use 'width' or 'depth'.")
    return found


def check_differ(networks: Mapping[int, nn.Module]) -> None:
    """Check that the networks are of different sizes.

    Raises:
        InitsweepError: If two are of the same.
    """
    seen: dict[tuple[object, ...], int] = {}
    for size, network in networks.items():
        shapes = tuple((name, tuple(one.shape)) for name, one in network.named_parameters())
        if shapes in seen:
            raise InitsweepError(
                f"The networks of size {seen[shapes]} and {size} have the same parameters: what "
                "builds them must take the size."
            )
        seen[shapes] = size
