"""Matrices that several initializers are made of, in float64 on the CPU."""

import math

import torch
from torch import Tensor

from initsweep.initializers.layers import Layer


def haar(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Return a random (semi-)orthogonal matrix: the shorter side is orthonormal.

    Source: Saxe, McClelland and Ganguli 2013, section 3; sign correction after Mezzadri 2007,
        equation 5.3, without which QR does not give the uniform (Haar) law.
    """
    long, short = max(rows, columns), min(rows, columns)
    normal = torch.randn(long, short, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(normal)
    q = torch.where(r.diagonal() < 0, -q, q)
    return q if rows >= columns else q.T


def hadamard(order: int) -> Tensor:
    """Return Sylvester's Hadamard matrix of 2^order rows, entries ±1, symmetric.

    Source: Zhao et al. 2021, definition of the Hadamard matrix (Sylvester's doubling).
    """
    matrix = torch.ones(1, 1, dtype=torch.float64)
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    for _ in range(order):
        matrix = torch.kron(pair, matrix)
    return matrix


def at_the_centre(matrices: Tensor, layer: Layer) -> Tensor:
    """Return a float32 weight with these matrices at the centre of its kernel, zeros around.

    A linear layer is a kernel of one position. Of an even number of positions the lower of the
    two middle ones is the centre, as in JAX; torch's `dirac_` takes the upper one.

    Args:
        matrices: Shape (groups, outputs, inputs).
        layer: The layer to fill.
    """
    blocks = torch.zeros(layer.block_shape, dtype=torch.float64)
    centre: list[int | slice] = [(side - 1) // 2 for side in layer.kernel]
    blocks[tuple([slice(None)] * 3 + centre)] = matrices
    return layer.from_blocks(blocks).to(torch.float32)


def root_mean_square_at_the_centre(squared_norm: float, layer: Layer) -> float:
    """Return the root mean square of a weight whose groups' matrices have this squared norm."""
    groups = layer.block_shape[0]
    return math.sqrt(groups * squared_norm / math.prod(layer.weight_shape))


def refuse_tables(layer: Layer) -> str | None:
    """Return why a lookup table or a bilinear layer has no identity, None for other layers."""
    if layer.kind in {"embedding", "bilinear"}:
        what = {"embedding": "a lookup table", "bilinear": "a bilinear layer"}[layer.kind]
        return f"{what} has no identity map; choose a random scheme for this network."
    return None
