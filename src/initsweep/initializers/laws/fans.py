"""Counts the connections of a layer: fan_in and fan_out, from the layer itself.

The shape of the weight alone does not tell: a transposed convolution keeps its weight the other
way round, groups cut connections, and a stride thins them out.
"""

from dataclasses import dataclass
from math import prod

from torch import nn
from torch.nn.parameter import UninitializedParameter

from initsweep.core.errors import InitsweepError
from initsweep.graph.kinds import likeness_of
from initsweep.initializers.layers import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fans:
    """Connections per unit. Fractional where a stride does not divide the kernel."""

    fan_in: float
    fan_out: float


def compute_fans(module: nn.Module, name: str = "", parameter: str = "weight") -> Fans:
    """Return how many inputs feed one output, and how many outputs one input feeds.

    Convolutions are counted away from the border and averaged over positions. With k the number
    of kernel entries, s the product of the strides and g the groups:

        linear                   fan_in = in              fan_out = out
        convolution              fan_in = in/g · k        fan_out = out/g · k / s
        transposed convolution   fan_in = in/g · k / s    fan_out = out/g · k
        lookup table             fan_in = 1               fan_out = entries of a row
        bilinear                 fan_in = in1 · in2       fan_out = out · (in1 + in2) / 2

    A lookup table is linear in the one-hot vector of the row's number, of which one entry counts.
    A bilinear layer sends out · in2 terms back to each entry of its first input and out · in1 to
    each of its second; fan_out is their mean. The projections of attention and the gates of
    recurrent layers are linear layers each; see `slots`.

    Args:
        module: The layer.
        name: Its path in the network, for error messages.
        parameter: Its weight.

    Returns:
        Both fans.

    Raises:
        InitsweepError: If the layer is of a type whose connections are not known here, or a
            lazy one without a shape yet.

    Source: Glorot and Bengio 2010, section 4.2 (linear); He et al. 2015, section 2.2
        (convolution); strides and groups follow from counting the terms of the sum.
    """
    refuse_lazy(module, name)
    if (likeness := likeness_of(module)) is None or likeness.like is None:
        raise InitsweepError(f"{_called(module, name)} is no layer whose connections are known.")
    kind = kind_of(likeness.like)
    first, second, *rest = likeness.shape(getattr(module, parameter), f"{name}.{parameter}")
    if kind == "embedding":
        return Fans(fan_in=1, fan_out=second)
    if kind == "bilinear":
        return Fans(fan_in=second * rest[0], fan_out=first * (second + rest[0]) / 2)
    if not rest:
        return Fans(fan_in=second, fan_out=first)
    groups, stride = getattr(module, "groups", 1), getattr(module, "stride", 1)
    strides = stride ** len(rest) if isinstance(stride, int) else prod(stride)
    over, to = first / groups * prod(rest) / strides, float(second * prod(rest))
    return Fans(fan_in=over, fan_out=to) if kind == "transposed" else Fans(fan_in=to, fan_out=over)


def refuse_lazy(module: nn.Module, name: str) -> None:
    """Refuse a layer whose sizes only a run tells.

    Raises:
        InitsweepError: If it is one.
    """
    if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
        raise InitsweepError(
            f"{_called(module, name)} has no shape yet. Let one run find it, `initialize_(model, "
            "scheme, seed, inputs=batch)`, or give its sizes instead of a lazy layer."
        )


def _called(module: nn.Module, name: str) -> str:
    return f"'{name or '(the network itself)'}' ({type(module).__name__})"
