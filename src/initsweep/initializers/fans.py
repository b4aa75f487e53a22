"""Counts the connections of a layer: fan_in and fan_out, from the layer itself.

The shape of the weight alone does not tell: a transposed convolution keeps its weight the other
way round, groups cut connections, and a stride thins them out.
"""

from dataclasses import dataclass
from math import prod

from torch import nn
from torch.nn.parameter import UninitializedParameter

from initsweep.errors import InitsweepError
from initsweep.initializers.layers import CONVOLUTIONS, TRANSPOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Fans:
    """Connections per unit. Fractional where a stride does not divide the kernel."""

    fan_in: float
    fan_out: float


def compute_fans(module: nn.Module, name: str = "") -> Fans:
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

    Returns:
        Both fans.

    Raises:
        InitsweepError: If the layer is of a type whose connections are not known here, or a
            lazy one without a shape yet.

    Source: Glorot and Bengio 2010, section 4.2 (linear); He et al. 2015, section 2.2
        (convolution); strides and groups follow from counting the terms of the sum.
    """
    where = f"'{name or '(the network itself)'}' ({type(module).__name__})"
    if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
        raise InitsweepError(
            f"{where} has no shape yet. Let one run find it, `initialize_(model, scheme, seed, "
            "inputs=batch)`, or give its sizes instead of a lazy layer."
        )
    if isinstance(module, nn.Linear):
        return Fans(fan_in=module.in_features, fan_out=module.out_features)
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return Fans(fan_in=1, fan_out=module.embedding_dim)
    if isinstance(module, nn.Bilinear):
        both = module.in1_features, module.in2_features
        return Fans(fan_in=prod(both), fan_out=module.out_features * sum(both) / 2)
    if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)):
        per_input = module.in_channels / module.groups * prod(module.kernel_size)
        per_output = module.out_channels / module.groups * prod(module.kernel_size)
        strides = prod(module.stride)
        if isinstance(module, TRANSPOSED):
            return Fans(fan_in=per_input / strides, fan_out=per_output)
        return Fans(fan_in=per_input, fan_out=per_output / strides)
    raise InitsweepError(
        f"{where} has parameters that no initializer knows how to fill. Known are torch's linear, "
        "bilinear, convolutional, lookup, attention and recurrent layers, and normalization "
        "layers, which start at 1 and 0. Build the network from these, or make the parameter a "
        "buffer if it is not trained."
    )
