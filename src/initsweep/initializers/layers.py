"""What an initializer needs to know about a layer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from initsweep.graph.vocabulary import CONVOLUTIONS, TRANSPOSED
from initsweep.initializers.place import Place

Activation = Callable[[Tensor], Tensor]
Kind = Literal[
    "linear", "convolution", "transposed", "embedding", "bilinear", "attention",
    "attention_output", "recurrent",
]  # fmt: skip
Neighbour = Literal["activation", "incoming"]
"""The two activations next to a layer, by the field of `Layer` that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer to initialize: a module, or one block of its rows (a projection, a gate).

    Attributes:
        name: Path of the module in the network ("hidden.0.linear"); blocks of rows are called
            "attention.q_proj" or "lstm.weight_ih_l0[forget]".
        weight_shape: Shape of the weight as torch keeps it; (out, in) for a linear layer.
        bias_shape: Shape of the bias, None for a layer without one.
        fan_in: Inputs of one output unit, averaged over positions; see `fans.compute_fans`.
        fan_out: Outputs that one input unit reaches, averaged over positions.
        activation: The activation applied to the layer's output, None for a linear output.
        incoming: The activation whose result the layer reads, None for anything else; known only
            to schemes that ask for it, see `Initializer.reads`.
        kind: What the layer computes. "attention" is the projection to queries, keys or values,
            "recurrent" one gate of a recurrent layer.
        groups: Groups of a convolution, 1 otherwise.
        stacked: How many such layers share one tensor: 3 in a packed attention, 4 in an LSTM.
        place: Where it stands in its network; known only to schemes that ask for it, see
            `Initializer.by_place`.

    Examples:
        >>> from torch import nn
        >>> from initsweep.initializers import layers_of
        >>> layer = layers_of(nn.Conv2d(16, 32, kernel_size=3))[0]
        >>> layer.weight_shape, layer.fan_in, layer.fan_out
        ((32, 16, 3, 3), 144.0, 288.0)
    """

    name: str
    weight_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None
    fan_in: float
    fan_out: float
    activation: Activation | None
    incoming: Activation | None = None
    kind: Kind = "linear"
    groups: int = 1
    stacked: int = 1
    place: Place = field(default_factory=Place)

    @property
    def stem(self) -> str:
        """The name without that of a block of rows."""
        return self.name.partition("[")[0]

    @property
    def kernel(self) -> tuple[int, ...]:
        """The spatial shape of a convolution's weight, () for all other layers."""
        return self.weight_shape[2:] if self.kind in {"convolution", "transposed"} else ()

    @property
    def block_shape(self) -> tuple[int, ...]:
        """The weight as maps from inputs to outputs: (groups, outputs, inputs, *kernel).

        A lookup table is the map from a row's number, as a one-hot vector, to the row.
        """
        first, second, *_ = self.weight_shape
        if self.kind == "transposed":
            return (self.groups, second, first // self.groups, *self.kernel)
        if self.kind == "embedding":
            return (1, second, first)
        if self.kind == "bilinear":
            return (1, first, prod(self.weight_shape[1:]))
        return (self.groups, first // self.groups, second, *self.kernel)

    def from_blocks(self, blocks: Tensor) -> Tensor:
        """Return `blocks`, shape `block_shape`, in the order of axes that torch keeps."""
        turned = self.kind in {"transposed", "embedding"}
        return (blocks.transpose(1, 2) if turned else blocks).reshape(self.weight_shape)


def kind_of(like: type[nn.Module]) -> Kind:
    """Return what a module with one weight computes, by its class."""
    kinds: dict[Kind, tuple[type[nn.Module], ...]] = {
        "convolution": CONVOLUTIONS,
        "transposed": TRANSPOSED,
        "embedding": (nn.Embedding, nn.EmbeddingBag),
        "bilinear": (nn.Bilinear,),
        "attention_output": (NonDynamicallyQuantizableLinear,),
    }
    return next((kind for kind, classes in kinds.items() if issubclass(like, classes)), "linear")
