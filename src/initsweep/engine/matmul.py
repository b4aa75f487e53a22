"""Which matrix products torch uses on the CPU, and what may be relied on.

Torch multiplies float32 matrices by MKL, which runs at half speed on processors that Intel did
not make. Allowed to use bfloat16, torch hands them to oneDNN instead, which is fast everywhere,
and which on most processors computes in float32 all the same. Where there are matrix units
for bfloat16 it may not, so nothing is taken for granted: every product that a training will need
is measured against float64 first, and the switch is part of the name that results are recorded
under.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

ERROR_LIMIT = 4 * 2.0**-24
"""Largest root-mean-square error of a product of k terms, relative to its size and to sqrt(k).
Float32 stays below a quarter of it, bfloat16 and TF32 are hundreds of times above it."""


@dataclass(frozen=True, slots=True, order=True)
class LinearShape:
    """A linear layer at work: `rows` examples of `inputs` values each to `outputs` values."""

    rows: int
    inputs: int
    outputs: int


@contextmanager
def onednn_matmul(*, enabled: bool = True) -> Iterator[None]:
    """Let oneDNN multiply float32 matrices inside the block, if `enabled`.

    Yields:
        Nothing.
    """
    if not enabled:
        yield
        return
    backend: Any = torch.backends.mkldnn  # its settings have no type
    setting = backend.matmul
    before = setting.fp32_precision
    setting.fp32_precision = "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found of a training's products: see the functions of the same names."""

    onednn: bool
    smallest_stack: int


@cache
def findings(
    shapes: frozenset[LinearShape],
    lanes: int,
    dtype: torch.dtype,
    threads: int,  # noqa: ARG001  part of what decides how torch multiplies
) -> Findings:
    """Return what is found of all products on the CPU, looking once in a process."""
    onednn = dtype == torch.float32 and onednn_is_exact(shapes, lanes)
    with onednn_matmul(enabled=onednn):
        return Findings(onednn, smallest_stack(shapes, lanes, dtype))


def onednn_is_exact(shapes: Iterable[LinearShape], lanes: int) -> bool:
    """Return whether oneDNN's products are as exact as float32 allows, for these layers.

    Source: Higham and Mary (2019), A new approach to probabilistic rounding error analysis, for
    errors that grow with the root of the number of terms.
    """
    backend: Any = torch.backends.mkldnn
    if not backend.is_available() or not hasattr(backend, "matmul"):  # torch has it since 2.9
        return False
    with onednn_matmul():
        return all(
            _error(product, left, right) <= ERROR_LIMIT * math.sqrt(left.shape[-1])
            for shape in sorted(set(shapes))
            for product, left, right in _products(shape, lanes)
        )


def smallest_stack(
    shapes: Iterable[LinearShape], lanes: int, dtype: torch.dtype = torch.float32
) -> int:
    """Return the smallest size from which on up to `lanes` a lane's products keep their bits.

    Which routine multiplies depends on shapes only, so one try of each shape settles it. Small
    products go to another routine when there are few of them; then this is more than 2.
    """
    smallest = min(2, lanes)
    for shape in sorted(set(shapes)):
        for product, left, right in _products(shape, lanes, dtype):
            smallest = smallest_for(product, (left, right), smallest)
    return smallest


def smallest_for(compute: Callable[..., Tensor], stacks: Sequence[Tensor], smallest: int) -> int:
    """Return the size from which on up to that of `stacks` a computation keeps a lane's bits.

    At least `smallest`.
    """
    whole = compute(*stacks)
    for size in range(len(whole) - 1, smallest - 1, -1):
        # The last lanes instead of the first ones, so that slots are compared as well.
        part = compute(*(stack[-size:].contiguous() for stack in stacks))
        if not torch.equal(part, whole[-size:]):
            return size + 1
    return smallest


Product = Callable[[Tensor, Tensor], Tensor]


def _products(
    shape: LinearShape, lanes: int, dtype: torch.dtype = torch.float32
) -> Sequence[tuple[Product, Tensor, Tensor]]:
    """Return the three products of a linear layer in the layouts in which `operations` uses them.

    Returns:
        Product, left factor and right factor; the left one's last axis is summed over.
    """
    generator = torch.Generator().manual_seed(0)

    def draw(*sizes: int) -> Tensor:
        lane = torch.randn(sizes, generator=generator, dtype=dtype)
        return lane.expand(lanes, *sizes).contiguous()

    signal, weight = draw(shape.rows, shape.inputs), draw(shape.outputs, shape.inputs)
    gradient = draw(shape.rows, shape.outputs)
    return (
        (lambda x, w: torch.bmm(x, w.mT), signal, weight),
        (torch.bmm, gradient, weight),
        (_transposed_left, gradient.mT, signal),
    )


def _transposed_left(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right, the left factor laid out as a transposed one whatever it was."""
    return torch.bmm(left.mT.contiguous().mT, right)


def _error(product: Product, left: Tensor, right: Tensor) -> float:
    """Return the root-mean-square error relative to the root mean square of the exact product.

    All lanes are multiplied, as their number may decide how; the last one is checked.
    """
    exact = product(left[-1:].double(), right[-1:].double())
    return float((product(left, right)[-1:] - exact).norm() / exact.norm())
