"""Scales that follow from a layer's size: which of them a fitted law has."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from initsweep.explanation.families import Fit
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.gains import forward_gain
from initsweep.initializers.layers import Layer
from initsweep.initializers.schemes.torch_default import TorchDefault

_TANH_GAIN = 5 / 3  # torch.nn.init.calculate_gain("tanh")


class Rule(NamedTuple):
    """A named law: the family and the standard deviation it has for this layer."""

    name: str
    family: Distribution
    std: float


def matching_rules(fit: Fit, layer: Layer, role: str) -> list[Rule]:
    """Return the rules whose scale the fit has, plain ones before those with a gain."""
    if fit.centre:
        return []
    rules = _biases(layer) if role == "bias" else _weights(layer)
    return [rule for rule in rules if rule.family == fit.family and has_scale(fit, rule.std)]


def has_scale(fit: Fit, std: float) -> bool:
    """Return whether the fit may come from a law of this standard deviation."""
    if std == 0:
        return False
    if fit.family == "uniform":
        # The largest of n draws falls short of the bound b by more than 12 b / n once in 160,000
        # times, and never exceeds it but by rounding.
        share = fit.reach / (math.sqrt(3) * std)
        return 1 - 12 / fit.count - fit.precision < share < 1 + 2 * fit.precision + 1e-6
    return abs(fit.std / std - 1) < 4 * fit.error + fit.precision


def may_be_torch_default(biases: Tensor, layer: Layer) -> bool:
    """Return whether a few biases lie as PyTorch's default would put them."""
    bound = math.sqrt(3) * TorchDefault().bias_std(layer)
    largest = float(biases.abs().max())
    return 1 - 12 / len(biases) < largest / bound < 1 + 1e-6 if bound else False


def _biases(layer: Layer) -> Iterator[Rule]:
    yield Rule(torch_name(layer), "uniform", TorchDefault().bias_std(layer))


def _weights(layer: Layer) -> Iterator[Rule]:
    family: Distribution = "normal" if layer.kind == "embedding" else "uniform"
    yield Rule(torch_name(layer), family, TorchDefault().weight_std(layer))
    families: tuple[Distribution, ...] = ("normal", "uniform", "truncated_normal")
    for distribution in families:
        for stem, end, std in _scales(layer):
            yield Rule(f"{stem}_{distribution}{end}", distribution, std)


def _scales(layer: Layer) -> Iterator[tuple[str, str, float]]:
    """Yield scheme, an addition to its name, and the standard deviation it asks for.

    Yields:
        First by the layer's own fans, then by those that torch reads off the weight's shape.
    """
    ours = layer.fan_in, layer.fan_out
    theirs = torch_fans(layer)
    for (fan_in, fan_out), end in ((ours, ""), (theirs, ", torch's fans")):
        if end and ours == theirs:
            continue
        yield "he", end, math.sqrt(2 / fan_in)
        yield "xavier", end, math.sqrt(2 / (fan_in + fan_out))
        yield "lecun", end, math.sqrt(1 / fan_in)
        yield "he", f" fan_out{end}", math.sqrt(2 / fan_out)
        yield "xavier", f", gain √2{end}", math.sqrt(4 / (fan_in + fan_out))
        yield "xavier", f", gain 5/3{end}", _TANH_GAIN * math.sqrt(2 / (fan_in + fan_out))
    for phi, name in ((layer.activation, "auto"), (layer.incoming, "incoming")):
        if phi is not None:
            yield "lecun", f", gain {name}", forward_gain(phi) / math.sqrt(layer.fan_in)


def torch_fans(layer: Layer) -> tuple[float, float]:
    """Return fan_in and fan_out as `torch.nn.init` reads them off the whole weight's shape."""
    first, second, *kernel = layer.weight_shape
    return second * math.prod(kernel), first * layer.stacked * math.prod(kernel)


def torch_name(layer: Layer) -> str:
    """Return what PyTorch's own default is for this layer, in words."""
    if layer.kind == "embedding":
        return "torch default N(0, 1)"
    if layer.kind == "attention":
        return "torch default Xavier" + (", packed" if layer.stacked > 1 else "")
    if layer.kind == "recurrent":
        return "torch default U(±1/√hidden)"
    return "torch default U(±1/√fan_in)"
