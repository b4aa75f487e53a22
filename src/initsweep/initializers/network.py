"""A network as an initializer sees it when all layers are filled."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from initsweep.core.errors import InitsweepError
from initsweep.core.randomness import stream_seed, torch_stream
from initsweep.graph.forms import Inputs, arguments, mapped, split, tensors_in
from initsweep.graph.kinds import is_a
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.traces import Traces
from initsweep.graph.vocabulary import NORMS
from initsweep.initializers.parts import Slot


def as_examples(inputs: Inputs) -> Inputs:
    """Return examples as tensors: a tuple of arguments of `forward`, or in the form they have.

    NumPy's floats become float32, torch's default; tensors stay as they are.

    Raises:
        InitsweepError: As `as_tensors`; of other forms, if a number is not finite.
    """
    found: list[Any] = []
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    mapped(found.append, given)
    arrays = [one for one in found if isinstance(one, Tensor | np.ndarray)]
    if not arrays or all(isinstance(one, Tensor | np.ndarray) for one in given):
        return as_tensors(inputs)
    _check_finite(_as_tensor(one) for one in arrays if one.ndim)
    return mapped(
        lambda one: _as_tensor(one) if getattr(one, "ndim", 0) else one,
        dict(inputs) if isinstance(inputs, Mapping) else inputs,
    )


def as_tensors(inputs: Inputs) -> tuple[Tensor, ...]:
    """Return examples as one tensor per argument of `forward`.

    Raises:
        InitsweepError: If there are no examples, an argument is no array of numbers, two have
            different numbers of examples, or a number is not finite.
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    tensors = tuple(_as_tensor(one) for one in given)
    counts = sorted({len(one) for one in tensors})
    if len(counts) != 1 or counts[0] == 0:
        raise InitsweepError(
            "`inputs` must hold the same number of examples, one or more, for every argument of "
            f"`forward`; received shapes {[tuple(one.shape) for one in tensors]}."
        )
    _check_finite(tensors)
    return tensors


def _check_finite(tensors: Iterable[Tensor]) -> None:
    """Check the numbers of examples.

    Raises:
        InitsweepError: If there are none, or one is not finite.
    """
    for one in tensors:
        if not len(one):
            raise InitsweepError(f"`inputs` of shape {tuple(one.shape)} hold no examples.")
        if bad := int((~one.isfinite()).sum()):
            raise InitsweepError(
                f"`inputs` of shape {tuple(one.shape)} hold {bad} values that are not finite. "
                "Leave those examples out, or fill the gaps."
            )


def _as_tensor(one: object) -> Tensor:
    """Return an argument of `forward` as a tensor.

    Raises:
        InitsweepError: If it is no array of numbers, or has no axis of examples.
    """
    if isinstance(one, np.ndarray) and one.dtype.kind in "fiub":
        tensor = torch.from_numpy(np.ascontiguousarray(one))
        one = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
    if not isinstance(one, Tensor) or one.ndim == 0:
        kind = f"shape {tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
        dtype = f" of {one.dtype}" if isinstance(one, np.ndarray) else ""
        raise InitsweepError(
            "`inputs` must be a tensor or a NumPy array of numbers whose first axis counts "
            "examples, or several of them in the form that `forward` takes; received "
            f"{kind}{dtype}."
        )
    return one


def why_it_fails(model: nn.Module, inputs: Inputs, error: Exception) -> str:
    """Return on which examples, and why, a network's forward has failed."""
    sizes = ", ".join(str(tuple(one.shape)) for one in tensors_in(inputs))
    reason = " ".join(str(error).split()) or type(error).__name__
    return (
        f"{type(model).__name__} fails on examples of shape {sizes}: {reason}. `inputs` must be "
        "what its `forward` takes."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network, its parameters, and examples of its inputs if there are any.

    Attributes:
        model: A twin of the network, free to be changed; its parameter values mean nothing.
        traces: Returns the network's operations, read once.
        slots: Its parameters, each once.
        inputs: Examples, or a function from the run's seed to them, or None.
        seed: The run's seed.
    """

    model: nn.Module
    traces: Traces
    slots: tuple[Slot, ...]
    inputs: Inputs | Callable[[int], Inputs] | None
    seed: int

    @property
    def kept(self) -> frozenset[str]:
        """Names of the parameters whose values are not the initializer's to change."""
        return frozenset(slot.name for slot in self.slots if slot.kept)

    def examples(self, count: int) -> Inputs:
        """Return up to `count` examples, chosen at random by the run's seed alone.

        A tuple with one tensor per argument of `forward`; nested ones in their own form, and all
        of them where tensors do not agree on how many there are.

        Raises:
            InitsweepError: If no inputs were given, or no proper ones.
        """
        if self.inputs is None:
            raise InitsweepError(
                "This initializer measures signals and needs examples of the network's inputs: "
                "initialize_(model, scheme, seed, inputs=batch)."
            )
        given = self.inputs(self.seed) if callable(self.inputs) else self.inputs
        inputs = arguments(self.model, mapped(_as_float32, as_examples(given)))
        counts = {len(one) for one in tensors_in(inputs)}
        if len(counts) != 1:
            return inputs
        order = torch.randperm(counts.pop(), generator=torch_stream("examples", self.seed))
        chosen = order[:count]
        return mapped(lambda one: one[chosen] if getattr(one, "ndim", 0) else one, inputs)

    def run(self, state: Mapping[str, Tensor], inputs: Inputs) -> None:
        """Run the network forward with these parameters, for hooks to look at.

        On the CPU and in float32, whatever the network's own device and type of numbers; without
        dropout; batch normalization uses the batch's statistics, as in training. Buffers and
        torch's generators are left as they were.

        Raises:
            InitsweepError: If the network does not take these inputs.
        """
        buffers = {name: _as_float32(one).clone() for name, one in self.model.named_buffers()}
        for module in self.model.modules():
            module.training = is_a(module, NORMS)
        # A network with noise in it goes on with the stream of the layer that was filled last.
        parts = [part for slot in self.slots if not slot.kept for part in slot.parts]
        last = parts[-1].address if parts else ""
        try:
            with torch.no_grad(), private_draws(stream_seed("weights", self.seed, last)):
                functional_call(self.model, {**state, **buffers}, *split(inputs))
        except InitsweepError:
            raise
        except Exception as error:  # a user's forward may raise anything; it is chained
            raise InitsweepError(why_it_fails(self.model, inputs, error)) from error


def _as_float32(tensor: Any) -> Any:  # noqa: ANN401 - whatever is no tensor is handed on
    """Return the tensor on the CPU; numbers of other types than float32, but not integers, cast."""
    if not isinstance(tensor, Tensor):
        return tensor
    tensor = tensor.detach().cpu()
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor
