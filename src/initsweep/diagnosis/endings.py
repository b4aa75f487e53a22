"""What a network ends with, read from the graph of its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.graph.forms import Inputs, called
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of
from initsweep.probes.passing import typed

RANGES: Mapping[str, tuple[float, float]] = {
    "softmax": (0.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "ReLU": (0.0, inf),
}
"""Where an ending keeps the outputs."""

_KINDS = {
    "SoftmaxBackward": "softmax",
    "LogSoftmaxBackward": "log-softmax",
    "SigmoidBackward": "sigmoid",
    "TanhBackward": "tanh",
    "ReluBackward": "ReLU",
    "HardtanhBackward": "ReLU6",
}
_SHAPES = ("View", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Permute", "Select", "Slice",
           "Alias", "Clone", "T", "ToCopy", "Expand")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """The last operation that changes numbers.

    Attributes:
        kind: Its name.
        axis: The axis of a softmax.
    """

    kind: str
    axis: int | None = None


def with_graph(network: nn.Module, features: Inputs) -> Any:  # noqa: ANN401 - whatever it returns
    """Return the outputs of a twin with the graph that they come out of."""
    with private_draws(0), torch.enable_grad():
        return called(copy_of(network), typed(dict(network.named_parameters()), features, None))


def ending_of(outputs: Tensor) -> Ending | None:
    """Return what outputs come out of; None if it is none of the known ends."""
    node = outputs.grad_fn
    while node is not None and _stem(node.name()).removesuffix("Backward").rstrip("_") in _SHAPES:
        node = node.next_functions[0][0]
    kind = _KINDS.get(_stem(node.name())) if node is not None else None
    if node is not None and kind is not None:
        axis = getattr(node, "_saved_dim", None)
        # Saved without a sign.
        return Ending(kind, axis if axis is None or axis < 2**32 else axis - 2**64 + outputs.dim())
    return Ending("softmax") if are_probabilities(outputs) else None


def are_probabilities(outputs: object, unit: float = 1e-6) -> bool:
    """Return whether outputs are 0 or more and sum to 1 over their last axis.

    Args:
        outputs: What a network returns.
        unit: How far each of them may be off.
    """
    if not isinstance(outputs, Tensor) or outputs.dim() < 2 or bool((outputs < 0).any()):
        return False
    beside = (outputs.double().sum(dim=-1) - 1).abs()
    return bool((beside <= outputs.shape[-1] * unit).all())


def _stem(name: str) -> str:
    return name.rstrip("0123456789")
