"""A network as an initializer sees it when all layers are filled."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from initsweep.errors import InitsweepError
from initsweep.initializers.layers import NORMS
from initsweep.initializers.slots import Slot
from initsweep.randomness import torch_stream

Inputs = Tensor | tuple[Tensor, ...]
"""Examples of what `forward` takes, the first axis counting examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network, its parameters, and examples of its inputs if there are any.

    Attributes:
        model: The network; its own parameter values mean nothing.
        slots: Its parameters, each once.
        inputs: Examples, or None.
        seed: The run's seed.
    """

    model: nn.Module
    slots: tuple[Slot, ...]
    inputs: Inputs | None
    seed: int

    def examples(self, count: int) -> tuple[Tensor, ...]:
        """Return up to `count` examples, chosen at random by the run's seed alone.

        Raises:
            InitsweepError: If no inputs were given.
        """
        if self.inputs is None:
            raise InitsweepError(
                "This initializer measures signals and needs examples of the network's inputs: "
                "initialize_(model, scheme, seed, inputs=batch)."
            )
        inputs = self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)
        order = torch.randperm(len(inputs[0]), generator=torch_stream("examples", self.seed))
        return tuple(_as_float32(one)[order[:count]] for one in inputs)

    def run(self, state: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> None:
        """Run the network forward with these parameters, for hooks to look at.

        On the CPU and in float32, whatever the network's own device and type of numbers; without
        dropout; batch normalization uses the batch's statistics, as in training. Modes, buffers
        and torch's generators are left as they were.
        """
        modes = {module: module.training for module in self.model.modules()}
        buffers = {name: _as_float32(one).clone() for name, one in self.model.named_buffers()}
        try:
            for module in modes:
                module.training = isinstance(module, NORMS)
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                functional_call(self.model, {**state, **buffers}, inputs)
        finally:
            for module, training in modes.items():
                module.training = training


def _as_float32(tensor: Tensor) -> Tensor:
    """Return the tensor on the CPU; numbers of other types than float32, but not integers, cast."""
    tensor = tensor.detach().cpu()
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor
