"""Recognizes tensors that are not independent draws: constants, orthogonal and sparse matrices."""

import math

import torch
from torch import Tensor

from initsweep.core.numbers import plain
from initsweep.initializers.laws.matrices import at_the_centre
from initsweep.initializers.layers import Layer

_MOST_ROWS = 256
_FEWEST_ZEROS = 3


def structure_of(values: Tensor, layer: Layer, role: str) -> str:
    """Return what the tensor is in a few words, "" if it has no structure."""
    weight = values.detach().to("cpu", torch.float64)
    if not weight.numel():
        return "empty"
    if bool((weight == weight.flatten()[0]).all()) and (weight.numel() > 1 or not weight.any()):
        value = float(weight.flatten()[0])
        return f"constant {plain(value, 4)}" if value else "zeros"
    if role == "bias" or tuple(weight.shape) != layer.weight_shape:
        return ""  # a lookup table without its padding row
    coarse = values.is_floating_point() and torch.finfo(values.dtype).eps > 1e-5
    tolerance = 0.05 if coarse else 1e-4
    if gain := orthogonal_gain(weight.flatten(1), tolerance):
        is_identity = min(weight.flatten(1).shape) and _is_identity(weight, layer)
        return f"identity times {plain(gain)}" if is_identity else f"orthogonal, gain {plain(gain)}"
    return _with_zeros(weight, layer, tolerance)


def orthogonal_gain(matrix: Tensor, tolerance: float) -> float:
    """Return g if the shorter side of the matrix is orthonormal times g, 0 otherwise."""
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    if len(short) < 2:  # any single row is orthogonal
        return 0.0
    short = short[:_MOST_ROWS]  # rows of an orthogonal matrix are orthogonal too
    products = short @ short.T
    squared = float(products.diagonal().mean())
    ideal = squared * torch.eye(len(short), dtype=matrix.dtype)
    close = bool((products - ideal).abs().max() <= tolerance * squared)
    return math.sqrt(squared) if close else 0.0


def _is_identity(weight: Tensor, layer: Layer) -> bool:
    if layer.kind in {"embedding", "bilinear"}:
        return False
    groups, outputs, inputs, *_ = layer.block_shape
    eye = torch.eye(outputs, inputs, dtype=torch.float64).expand(groups, outputs, inputs)
    ideal = at_the_centre(eye, layer).to(torch.float64)
    peak = float(weight.max())
    return peak > 0 and bool(torch.allclose(weight, peak * ideal, rtol=1e-5, atol=1e-7))


def _with_zeros(weight: Tensor, layer: Layer, tolerance: float) -> str:
    zeros = int((weight == 0).sum())
    if zeros < _FEWEST_ZEROS:  # also what rounding makes of a few small numbers
        return ""
    if _is_identity(weight, layer):
        return f"identity times {plain(float(weight.max()))}"
    if layer.kind == "convolution" and layer.groups == 1 and layer.kernel:
        matrix = weight
        for side in layer.kernel:
            matrix = matrix.select(2, (side - 1) // 2)
        gain = orthogonal_gain(matrix, tolerance)
        if gain and int((matrix != 0).sum()) == int((weight != 0).sum()):
            return f"delta-orthogonal, gain {plain(gain)}"
    share = zeros / weight.numel()
    return f"sparse, {share:.0%} zeros" if share > 0.01 else ""
