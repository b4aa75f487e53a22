"""Stacks that run the module itself: many lanes at once by `torch.func.vmap`, or one lane.

The forward pass of one network is mapped over stacked parameters. As lanes share nothing, one
ordinary backward pass of the *sum* of their losses gives every lane exactly its own gradient.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from initsweep.core.multipliers import NONE, Multipliers
from initsweep.engine.lanes import FloatArray
from initsweep.engine.packing import ALIGNMENT
from initsweep.engine.recurrent import let_vmap_stack_recurrent_layers
from initsweep.engine.stack import NO_FACTORS, Factors, Stack, padded_to, take
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
        self._modules, self.generators = list(model.modules()), generators
        self._leaves: Sequence[Tensor] = []

    def losses_and_gradients(
        self, features: Tensor, targets: Tensor, rows: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return losses (lanes,) and gradients per block; see `Stack`."""
        self._set_mode(training=True)
        with self._drawing():
            losses = self._loss(self._outputs(take(features, rows)), take(targets, rows))
            gradients = torch.autograd.grad(
                losses.sum(), self._leaves, allow_unused=True, materialize_grads=True
            )
        return losses.detach(), self._in_blocks(gradients)

    @torch.no_grad()
    def predict(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs in evaluation mode, shape (lanes, m, n_outputs); see `Stack`."""
        self._set_mode(training=False)
        # A copy per lane, as one shared input would fold the lanes into a single matrix product.
        with self._drawing():
            outputs = [self._outputs(take(features, part)) for part in self._parts(rows)]
        return torch.cat(outputs, dim=1)[:, : rows.shape[1]]

    def _set_mode(self, *, training: bool) -> None:
        # Telling all modules at every step would take 1 % of it.
        if any(module.training is not training for module in self._modules):
            self._model.train(training)

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

    def _in_blocks(self, gradients: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the gradients of `_leaves` as those of `blocks`."""
        return gradients

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
        factors: Factors = NO_FACTORS,
    ) -> None:
        """Take the lanes' tensors.

        Args:
            model: The template, on the device.
            parameters: What is trained by name, (lanes, *shape).
            constants: Everything else by name, (lanes, *shape).
            loss: Outputs (lanes, n, n_outputs) and targets (lanes, n) to losses (lanes,).
            generators: What the lanes draw from, one each; none if they do not draw.
            factors: On rate and decay by parameter, for `multipliers`.
        """
        super().__init__(copy_of(model), loss, generators)
        # As it was given: what ran under vmap may hold remains of it.
        self._template = model
        let_vmap_stack_recurrent_layers()
        self._randomness = "different" if generators else "error"
        self.parameters = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        self.constants = {name: value.clone() for name, value in constants.items()}
        self.lanes = len(next(iter(self.parameters.values())))
        self.blocks = self._leaves = list(self.parameters.values())
        self._factors = factors
        self.multipliers = [factors.get(name, NONE) for name in self.parameters]
        self.names = [[name] for name in self.parameters]

    def keep(self, slots: Tensor) -> "VmapStack":
        """Return a stack of the networks in these slots; copies draw what their originals do."""

        def chosen(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: value.detach().index_select(0, slots) for name, value in values.items()}

        generators = [
            torch.Generator().set_state(self.generators[slot].get_state())
            for slot in (slots.tolist() if self.generators else ())
        ]
        tensors = chosen(self.parameters), chosen(self.constants)
        return VmapStack(self._template, *tensors, self._loss, generators, self._factors)

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
    """One lane, by the module as it is: for what gains nothing from being stacked, or cannot be.

    Its parameters are views of one block for each type of number and their factors, so that an
    update takes a few operations however many there are.
    """

    def __init__(
        self,
        model: nn.Module,
        parameters: Mapping[str, Tensor],
        constants: Mapping[str, Tensor],
        loss: Loss,
        generators: Sequence[torch.Generator] = (),
        factors: Factors = NO_FACTORS,
        *,
        apart: Set[str] = frozenset(),
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
            factors: On rate and decay by parameter, for `multipliers`.
            apart: Parameters that are a block each, of their own shape.
            handled: Whether it calls methods of the global generator itself.
            channels_last: Whether images are laid out so.
            whole: Whether all examples are evaluated at once, and no others, as what a network
                makes of one may depend on which are there.
        """
        super().__init__(copy_of(model), loss, generators, handled=handled)
        self._channels_last, self._whole = channels_last, whole
        if channels_last:
            self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        trained = {n: own for n, own in self._model.named_parameters() if n in parameters}
        self._leaves = list(trained.values())
        kinds = [
            (own.dtype, factors.get(name, NONE), name if name in apart else "")
            for name, own in trained.items()
        ]
        self.multipliers = [own for _, own, _ in dict.fromkeys(kinds)]
        self.names = [
            [name for name, own in zip(trained, kinds, strict=True) if own == kind]
            for kind in dict.fromkeys(kinds)
        ]
        self.blocks, views = _flat(self._leaves, kinds)
        self._gradients, self._parts_of_gradients = _flat(self._leaves, kinds)
        for own, view in zip(self._leaves, views, strict=True):
            own.data = view
        rest = [*self._model.named_parameters(), *self._model.named_buffers()]
        kept = {name: own for name, own in rest if name not in trained}
        self.lanes = 1
        self.parameters, self.constants = _filled(trained, parameters), _filled(kept, constants)

    def _in_blocks(self, gradients: Sequence[Tensor]) -> Sequence[Tensor]:
        torch._foreach_copy_(self._parts_of_gradients, list(gradients))
        return self._gradients

    def _outputs(self, features: Tensor) -> Tensor:
        (single,) = features
        if self._channels_last and single.dim() == 4:
            single = single.contiguous(memory_format=torch.channels_last)
        outputs: Tensor = self._model(single)
        return outputs.unsqueeze(0)

    def _parts(self, rows: Tensor) -> Sequence[Tensor]:
        return [rows] if self._whole else torch.split(rows, EVALUATION_EXAMPLES, dim=1)


def _flat(
    parameters: Sequence[Tensor], kinds: Sequence[tuple[torch.dtype, Multipliers, str]]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return zeros for each kind of parameter, and views of them laid out as parameters.

    They are (1, n), or of the shape of the parameter if there is only one, by its name.
    """
    sizes, views, begun = Counter[object](), list[Tensor](), Counter[object]()
    for one, kind in zip(parameters, kinds, strict=True):
        sizes[kind] += one.numel()
    blocks = {
        kind: parameters[0].new_zeros(1, sizes[kind], dtype=kind[0])
        for kind in dict.fromkeys(kinds)
    }
    for one, kind in zip(parameters, kinds, strict=True):
        views.append(blocks[kind].as_strided(one.shape, one.stride(), begun[kind]))
        begun[kind] += one.numel()
        if kind[2]:
            blocks[kind] = views[-1].unsqueeze(0)
    return list(blocks.values()), views


@torch.no_grad()
def _filled(own: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give tensors of a network the values of a lane (1, *shape).

    Returns:
        The tensors in that shape.
    """
    for name, tensor in own.items():
        tensor.copy_(values[name][0])
    return {name: tensor.detach().unsqueeze(0) for name, tensor in own.items()}


def to_numpy(values: Tensor) -> FloatArray:
    """Return the values as float64 on the CPU."""
    array: FloatArray = values.detach().to("cpu", torch.float64).numpy()
    return array
