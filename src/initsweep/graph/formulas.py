"""Functions that a network writes out in several operations, such as z sigmoid(z) or a norm."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from initsweep.graph.torch_generator import private_draws


@dataclass(frozen=True, slots=True)
class Formula:
    """A function in several operations.

    Attributes:
        source: What stands for its argument.
        steps: Nodes and what they call; other nodes in their arguments stand for earlier results.
    """

    source: fx.Node
    steps: tuple[tuple[fx.Node, Callable[..., Any]], ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Return what the last step gives."""
        values: dict[fx.Node, Any] = {self.source: z}
        for node, function in self.steps:
            args, kwargs = fx.map_arg((node.args, node.kwargs), lambda one: values[one])
            values[node] = function(*args, **kwargs)
        return next(reversed(values.values()))  # type: ignore[no-any-return]


def needed(last: fx.Node, source: fx.Node) -> set[fx.Node]:
    """Return the nodes that `last` is computed by, from a source, which is left out."""
    found, waiting = set[fx.Node](), [last]
    while waiting:
        one = waiting.pop()
        if one is not source and one not in found:
            found.add(one)
            waiting.extend(one.all_input_nodes)
    return found


SHAPES = ((6, 8), (6, 5, 8), (6, 8, 5, 4), (6, 8, 3, 4, 5))


def normalizes(function: Callable[[Tensor], Tensor], shapes: Iterable[tuple[int, ...]]) -> bool:
    """Return whether a function brings a signal of one of some shapes to a scale of its own.

    Of a signal that is twice as large it makes the same, and not just a few different numbers.
    """
    return any(_forgets_scale(function, shape) for shape in shapes)


def _forgets_scale(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> bool:
    draws = torch.Generator().manual_seed(0)
    # Far above the small number that keeps a norm from dividing by zero.
    signal = 30 * torch.randn(shape, generator=draws, dtype=torch.float64)
    try:
        with torch.no_grad(), private_draws(0):
            once, twice = function(signal.clone()), function(2 * signal)
            return (
                once.shape == signal.shape
                and bool(once.isfinite().all())
                and 2 * len(torch.unique(once)) > once.numel()
                and torch.allclose(once.double(), twice.double(), 1e-4, 1e-4)
            )
    except Exception:  # noqa: BLE001 - a signal of another shape may be what it wants
        return False
