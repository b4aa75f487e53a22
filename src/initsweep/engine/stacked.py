"""Stacks that run the module itself: many lanes at once by `torch.func.vmap`, or one lane.

The forward pass of one network is mapped over stacked parameters. As lanes share nothing, one
ordinary backward pass of the *sum* of their losses gives every lane exactly its own gradient.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from initsweep.engine.lanes import FloatArray
from initsweep.engine.packing import ALIGNMENT
from initsweep.engine.recurrent import let_vmap_stack_recurrent_layers
from initsweep.engine.stack import Stack, padded_to, take
from initsweep.graph.torch_generator import draws_by_lane, private_draws
from initsweep.graph.twins import copy_of

EVALUATION_EXAMPLES = 1024
"""Examples evaluated at once: bounds memory on large validation sets."""

Loss = Callable[[Tensor, Tensor], Tensor]


class ModuleStack(Stack):
    """Differentiates by autograd what `_outputs` computes with the module."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        generators: Sequence[torch.Generator],
        *,
        handled: bool = False,
    ) -> None:
        self._model, self._loss, self._handled = model, loss, handled
        self.generators = generators
        self._leaves: Sequence[Tensor] = []

    def losses_and_gradients(
        self, features: Tensor, targets: Tensor, rows: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return losses (lanes,) and gradients per block; see `Stack`."""
        self._model.train()
        with self._drawing():
            losses = self._loss(self._outputs(take(features, rows)), take(targets, rows))
            gradients = torch.autograd.grad(
                losses.sum(), self._leaves, allow_unused=True, materialize_grads=True
            )
        return losses.detach(), [
            gradient.view_as(block) for gradient, block in zip(gradients, self.blocks, strict=True)
        ]

    @torch.no_grad()
    def predict(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs in evaluation mode, shape (lanes, m, n_outputs); see `Stack`."""
        self._model.eval()
        # A copy per lane, as one shared input would fold the lanes into a single matrix product.
        with self._drawing():
            outputs = [self._outputs(take(features, part)) for part in self._parts(rows)]
        return torch.cat(outputs, dim=1)[:, : rows.shape[1]]

    def _drawing(self) -> AbstractContextManager[object]:
        """Return a block in which every lane draws for itself."""
        if not self.generators:
            return nullcontext()
        if self._handled:
            return private_draws(self.generators[0])
        return draws_by_lane(self.generators)

    def _parts(self, rows: Tensor) -> Sequence[Tensor]:
        """Return the rows of examples that are evaluated at once."""
        # Whole vector registers for every lane: see `packing.spare_slots`.
        return torch.split(padded_to(rows, ALIGNMENT), EVALUATION_EXAMPLES, dim=1)

    def _outputs(self, features: Tensor) -> Tensor:
        """Return outputs (lanes, n, n_outputs) of features (lanes, n, ...)."""
        raise NotImplementedError


class VmapStack(ModuleStack):
    """Any number of lanes of any network that `torch.func` can stack."""

    def __init__(
        self,
        model: nn.Module,
        parameters: Mapping[str, Tensor],
        constants: Mapping[str, Tensor],
        loss: Loss,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        """Take the lanes' tensors.

        Args:
            model: The template, on the device.
            parameters: What is trained by name, (lanes, *shape).
            constants: Everything else by name, (lanes, *shape).
            loss: Outputs (lanes, n, n_outputs) and targets (lanes, n) to losses (lanes,).
            generators: What the lanes draw from, one each; none if they do not draw.
        """
        super().__init__(copy_of(model), loss, generators)
        let_vmap_stack_recurrent_layers()
        self._randomness = "different" if generators else "error"
        self.parameters = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        self.constants = {name: value.clone() for name, value in constants.items()}
        self.lanes = len(next(iter(self.parameters.values())))
        self.blocks = self._leaves = list(self.parameters.values())

    def _outputs(self, features: Tensor) -> Tensor:
        call = vmap(self._call, randomness=self._randomness)
        outputs: Tensor = call(self.parameters, self.constants, features)
        return outputs

    def _call(
        self, parameters: dict[str, Tensor], constants: dict[str, Tensor], features: Tensor
    ) -> Tensor:
        outputs: Tensor = functional_call(self._model, (parameters, constants), (features,))
        return outputs


class SingleStack(ModuleStack):
    """One lane, by the module as it is: for what gains nothing from being stacked, or cannot be."""

    def __init__(
        self,
        model: nn.Module,
        parameters: Mapping[str, Tensor],
        constants: Mapping[str, Tensor],
        loss: Loss,
        generators: Sequence[torch.Generator] = (),
        *,
        handled: bool = False,
        channels_last: bool = True,
        whole: bool = False,
    ) -> None:
        """Take the lane's tensors, (1, *shape); arguments as those of `VmapStack`.

        Args:
            model: The template, on the device.
            parameters: What is trained by name.
            constants: Everything else by name.
            loss: As for any stack.
            generators: What the lane draws from, if it does.
            handled: Whether it calls methods of the global generator itself.
            channels_last: Whether images are laid out so.
            whole: Whether all examples are evaluated at once, and no others, as what a network
                makes of one may depend on which are there.
        """
        super().__init__(copy_of(model), loss, generators, handled=handled)
        self._channels_last, self._whole = channels_last, whole
        if channels_last:
            self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.lanes, self.parameters, self.constants = 1, {}, {}
        tensors = [*self._model.named_parameters(), *self._model.named_buffers()]
        with torch.no_grad():
            for name, own in tensors:
                trained = name in parameters
                own.copy_((parameters if trained else constants)[name][0])
                (self.parameters if trained else self.constants)[name] = own.detach().unsqueeze(0)
        self._leaves = [own for name, own in tensors if name in parameters]
        self.blocks = list(self.parameters.values())

    def _outputs(self, features: Tensor) -> Tensor:
        (single,) = features
        if self._channels_last and single.dim() == 4:
            single = single.contiguous(memory_format=torch.channels_last)
        outputs: Tensor = self._model(single)
        return outputs.unsqueeze(0)

    def _parts(self, rows: Tensor) -> Sequence[Tensor]:
        return [rows] if self._whole else super()._parts(rows)


def to_numpy(values: Tensor) -> FloatArray:
    """Return the values as float64 on the CPU."""
    array: FloatArray = values.detach().to("cpu", torch.float64).numpy()
    return array
