"""Layers that share one tensor: projections of attention, gates of recurrent layers."""

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from torch import Tensor, nn

from initsweep.initializers.laws.fans import Fans
from initsweep.initializers.layers import Kind, Layer
from initsweep.initializers.parts import Part

GATES: Mapping[int, tuple[str, ...]] = {
    1: ("",),
    3: ("[reset]", "[update]", "[new]"),
    4: ("[input]", "[forget]", "[cell]", "[output]"),
}
"""Names of the gates in torch's order: of a plain recurrent layer, a GRU and an LSTM."""


def attention_parts(module: nn.MultiheadAttention, path: str, name: str) -> Iterator[Part]:
    """Yield the projections in one parameter; packed or separate, they have the same addresses.

    Yields:
        One part, or three for a packed parameter.
    """
    prefix = f"{path}." if path else ""
    width = module.embed_dim
    inputs = {"q": width, "k": module.kdim, "v": module.vdim}
    packed = name.startswith("in_proj")
    for letter in "qkv" if packed else name.removeprefix("bias_")[:1]:
        role: Literal["weight", "bias"] = "bias" if "bias" in name else "weight"
        layer = plain_layer(
            f"{prefix}{letter}_proj",
            Fans(fan_in=inputs[letter], fan_out=width),
            (width, inputs[letter]),
            "attention",
            biased=role == "bias" or module.in_proj_bias is not None,
            # The weights decide; packed biases go with separate weights too.
            stacked=1 if module.in_proj_weight is None else 3,
        )
        end = f"[{letter}]" if packed else ""
        address = f"{prefix}{letter}_proj_weight" if role == "weight" else f"{prefix}{name}{end}"
        yield Part(layer=layer, role=role, address=address, rows=width if packed else None)


def recurrent_parts(module: nn.Module, where: str, name: str) -> Iterator[Part]:
    """Yield the gates in one parameter, or the projection of an LSTM's output.

    Yields:
        One part per gate.
    """
    hidden = cast(int, module.hidden_size)
    role: Literal["weight", "bias"] = "bias" if name.startswith("bias") else "weight"
    weight = cast(Tensor, getattr(module, name.replace("bias", "weight")))
    if name.startswith("weight_hr"):
        fans = Fans(fan_in=hidden, fan_out=weight.shape[0])
        yield Part(layer=plain_layer(where, fans, tuple(weight.shape)), role=role, address=where)
        return
    gates = GATES[weight.shape[0] // hidden]
    fans = Fans(fan_in=weight.shape[1], fan_out=hidden)
    shape, stem = (hidden, weight.shape[1]), where.replace("bias", "weight")
    for gate in gates:
        layer = plain_layer(
            stem + gate, fans, shape, "recurrent", biased=bool(module.bias), stacked=len(gates)
        )
        yield Part(layer=layer, role=role, address=where + gate, rows=hidden)


def plain_layer(
    name: str,
    fans: Fans,
    shape: tuple[int, ...],
    kind: Kind = "linear",
    *,
    biased: bool = False,
    stacked: int = 1,
) -> Layer:
    """Return a layer without an activation beside it."""
    return Layer(
        name=name,
        weight_shape=shape,
        bias_shape=shape[:1] if biased else None,
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=None,
        kind=kind,
        stacked=stacked,
    )
