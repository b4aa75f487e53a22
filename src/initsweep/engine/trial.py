"""Runs a network on a few examples to see what it does: that decides how it is best trained."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.instancenorm import _InstanceNorm

from initsweep.graph.torch_generator import Done, private_draws
from initsweep.graph.twins import copy_of

EXAMPLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a network did.

    Attributes:
        slides: Whether layers see an example at many places: as an image or as tokens.
        channels_last: Whether images are better laid out so. On the CPU max-pooling and batch norm
            gain by it (a network of both takes 0.6 times as long), norms over an image's own
            values and means over it lose (1.3 times). What is drawn for every pixel would be
            drawn in another order.
        training: What it did in training mode.
        evaluation: What it did in evaluation mode.
    """

    slides: bool
    channels_last: bool
    training: Done
    evaluation: Done

    @property
    def draws(self) -> bool:
        """Whether it draws at random."""
        return bool(self.training.drawn or self.evaluation.drawn)

    @property
    def handles_generator(self) -> bool:
        """Whether it calls methods of the global generator."""
        return self.training.handled or self.evaluation.handled

    @property
    def draws_alike(self) -> bool:
        """Whether it draws nothing else in a stack than alone."""
        usual = all(in_order for _, in_order in self.training.drawn)
        return usual and not self.evaluation.drawn and not self.handles_generator

    @property
    def fused_attention(self) -> bool:
        """Whether it attends by torch's own kernel, which does its matrix products itself."""
        return any("flash_attention" in name for name in _names(self.training))


def try_out(model: nn.Module, features: Tensor) -> Trial:
    """Return what a network does with the first of some examples.

    A network that does not work raises its own error.
    """
    trial = copy_of(model)  # it may keep counts of its own
    modules, places = list(trial.modules()), list[int]()
    for module in modules:
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda _, __, output: places.append(output.dim()))
    runs = []
    for training in (True, False):
        with torch.no_grad(), private_draws(0) as done:
            trial.train(training)(features[:EXAMPLES].clone())
        runs.append(done)
    names = _names(runs[0])
    gains = "max_pool2d_with_indices" in names or _has(modules, nn.BatchNorm2d)
    loses = "native_group_norm" in names or _has(modules, _InstanceNorm)
    images = any(parameter.dim() > 3 for parameter in model.parameters())
    drawn = {shape for done in runs for shape, _ in done.drawn}
    loses |= any(len(shape) == 4 and shape[2:] != (1, 1) for shape in drawn)
    return Trial(
        slides=images or any(dimensions > features.dim() for dimensions in places),
        channels_last=gains and not loses,
        training=runs[0],
        evaluation=runs[1],
    )


def _names(done: Done) -> set[str]:
    return {operation.overloadpacket.__name__ for operation in done.operations}


def _has(modules: list[nn.Module], kind: type[nn.Module]) -> bool:
    return any(isinstance(module, kind) for module in modules)
