"""How small a stack of `torch.func` may be: as small as leaves a lane's bits alone.

Which routines torch takes may depend on the size of a stack. So every size is tried first, on the
network itself: where bits differ, stacks are filled up to the full size.
"""

import math
import threading
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from initsweep.engine.lanes import Problem
from initsweep.engine.stack import Stack
from initsweep.engine.stackability import SCALES, NewStack, random_states

STEPS = 4
"""Sizes there are, at most: a trial of one costs as much as a step and a validation of it."""


Update = Callable[[Stack, Sequence[Tensor]], None]


class StackSizes:
    """The sizes that stacks of one network on one processor can have."""

    def __init__(
        self, problem: Problem, batch_size: int, slots: int, new_stack: NewStack, update: Update
    ) -> None:
        """Prepare; nothing is tried before it is asked for.

        Args:
            problem: With its data on the device.
            batch_size: Examples of one update.
            slots: The full size, whose bits count.
            new_stack: Builds a stack of lanes.
            update: Makes one update of a stack along its gradients.
        """
        self._problem, self._batch_size = problem, batch_size
        self._slots, self._new_stack, self._update = slots, new_stack, update
        self._step = max(1, slots // STEPS)
        self._found: dict[int, bool] = {}
        self._finding = threading.Lock()

    def fitting(self, lanes: int) -> int:
        """Return the smallest size with room for so many lanes, at most the full one."""
        fewest = self.most_stacks(lanes) * self._step
        with self._finding:
            sizes = range(fewest, self._slots, self._step)
            return next((size for size in sizes if self._keeps_bits(size)), self._slots)

    def most_stacks(self, lanes: int) -> int:
        """Return into how many stacks of the smallest size the lanes go, 1 if there are none."""
        return max(1, math.ceil(lanes / self._step))

    def _keeps_bits(self, size: int) -> bool:
        if size not in self._found:
            part = self._results(size)
            pairs = zip(part, self._whole, strict=True)
            self._found[size] = all(torch.equal(one, whole[-size:]) for one, whole in pairs)
        return self._found[size]

    @cached_property
    def _whole(self) -> Sequence[Tensor]:
        return self._results(self._slots)

    def _results(self, size: int) -> Sequence[Tensor]:
        """Return what the last lanes of a full stack give in one of this size."""
        problem, lanes = self._problem, range(self._slots - size, self._slots)
        states = random_states(problem.model, SCALES[0], self._slots)
        stack = self._new_stack([states[lane] for lane in lanes], lanes)
        generator = torch.Generator().manual_seed(0)
        order = [torch.randperm(problem.train.n, generator=generator) for _ in range(self._slots)]
        rows = torch.stack([order[lane][: self._batch_size] for lane in lanes])
        losses, gradients = stack.losses_and_gradients(
            problem.train.features, problem.train.targets, rows
        )
        examples = torch.arange(problem.validation.n).expand(size, -1)
        outputs = stack.predict(problem.validation.features, examples)
        found = [losses, *gradients, *stack.constants.values(), outputs]
        self._update(stack, gradients)
        return [*found, *stack.blocks]
