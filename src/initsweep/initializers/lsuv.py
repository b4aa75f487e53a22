"""LSUV: orthogonal weights, rescaled until every layer's output has unit variance on real data."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from initsweep.errors import InitsweepWarning
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.layers import RECURRENT, WEIGHTED, Layer
from initsweep.initializers.matrices import haar
from initsweep.initializers.network import Network
from initsweep.params import Count

# Below this share of the largest output a spread is rounding noise of a constant.
_NOISE = 1e-6


@INITIALIZERS.register("lsuv")
class Lsuv(Initializer):
    """Orthogonal weights divided by the standard deviation of what they give; biases zero.

    One forward pass is enough: a layer's output is linear in its weight, so each is divided by
    its standard deviation over examples, units and positions when the pass reaches it, and the
    pass goes on with the rescaled output. Layers therefore come in the order of execution. A
    layer that is called more than once, or tied, is rescaled at its first call. Projections of
    attention are rescaled each; weights of recurrent layers stay orthogonal, because there no one
    scale serves all time steps. A layer whose output does not vary is left as it is and named in
    a warning.

    Source: Mishkin and Matas 2015, "All you need is a good init", algorithm 1.
    """

    summary: ClassVar[str] = "Orthogonal, then each layer's output scaled to variance 1 on data."
    reference: ClassVar[str] = "Mishkin and Matas 2015, algorithm 1."
    conditions: ClassVar[str] = (
        "Any activation. Needs examples, whose features should be standardized; the scale holds "
        "for data like them."
    )
    needs_inputs: ClassVar[bool] = True

    batch_size: Count = 256

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return an orthogonal matrix, of the shape of the weight."""
        rows = layer.weight_shape[0]
        columns = torch.Size(layer.weight_shape[1:]).numel()
        return haar(rows, columns, generator).reshape(layer.weight_shape).to(torch.float32)

    def weight_mean(self, layer: Layer) -> None:  # noqa: ARG002
        """Return None: the law depends on the data."""
        return

    def complete(self, network: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights rescaled by what up to `batch_size` examples give."""
        scaled = {name: value.clone() for name, value in state.items()}
        examples = network.examples(self.batch_size)
        still: list[str] = []
        with _hooked(network.model, still):
            network.run(scaled, examples)
        if still:
            warnings.warn(
                "LSUV left these layers as they were, because their output does not vary over "
                f"the examples: {', '.join(still)}.",
                InitsweepWarning,
                stacklevel=2,
            )
        return scaled


@contextmanager
def _hooked(model: nn.Module, still: list[str]) -> Iterator[None]:
    done: set[int] = set()  # weights that have their scale
    handles = []
    for path, module in model.named_modules():
        if isinstance(module, WEIGHTED) and not isinstance(module, RECURRENT):
            handles.append(module.register_forward_hook(_rescaler(path, done, still)))
        if isinstance(module, nn.MultiheadAttention):
            before = _projection_rescaler(path, done, still)
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rescaler(path: str, done: set[int], still: list[str]) -> Callable[..., Any]:
    """Return a forward hook that rescales a layer's weight and its output alike."""

    def rescale(module: nn.Module, _: tuple[Tensor, ...], output: Any) -> Any:  # noqa: ANN401
        attention = isinstance(module, nn.MultiheadAttention)
        layer: Any = module.out_proj if attention else module
        signal: Tensor = output[0] if attention else output
        factor = _rescale(layer.weight, signal, path, done, still)
        if factor == 1.0:
            return output
        bias: Tensor | None = getattr(layer, "bias", None)
        offset = 0.0 if bias is None else _beside(bias, layer, signal)
        signal = (signal - offset) * factor + offset
        return (signal, *output[1:]) if attention else signal

    return rescale


def _projection_rescaler(
    path: str, done: set[int], still: list[str]
) -> Callable[[nn.MultiheadAttention, tuple[Tensor, ...], dict[str, Tensor]], None]:
    """Return a hook that rescales the projections before attention uses them."""

    def rescale(
        module: nn.MultiheadAttention, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]
    ) -> None:
        given = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
        packed = module.in_proj_weight
        for index, (letter, name) in enumerate(zip("qkv", ("query", "key", "value"), strict=True)):
            weight = (
                getattr(module, f"{letter}_proj_weight")
                if packed is None
                else packed.chunk(3)[index]
            )
            signal = functional.linear(given[name], weight)
            _rescale(weight, signal, f"{path}.{letter}_proj", done, still)

    return rescale


def _rescale(weight: Tensor, signal: Tensor, name: str, done: set[int], still: list[str]) -> float:
    """Divide the weight, in place, by the signal's standard deviation.

    Returns:
        The factor: 1 where the weight has its scale or the signal does not vary.
    """
    if weight.data_ptr() in done:
        return 1.0
    done.add(weight.data_ptr())
    values = signal.double()
    spread = float(values.std(correction=0))
    if not _NOISE * float(values.abs().max()) < spread < float("inf"):
        still.append(f"'{name}'")
        return 1.0
    weight.div_(spread)
    return 1 / spread


def _beside(bias: Tensor, layer: nn.Module, signal: Tensor) -> Tensor:
    """Return the bias in a shape that adds to the signal."""
    if isinstance(layer, nn.Linear | nn.Bilinear):
        return bias
    batched = signal.ndim == cast(Tensor, layer.weight).ndim
    return bias.reshape(-1, *[1] * (signal.ndim - 1 - batched))
