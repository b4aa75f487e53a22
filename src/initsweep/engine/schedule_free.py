"""Schedule-free optimizers over stacked parameters: weights are averaged, rates need not fall."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from initsweep.core.params import Optimizer
from initsweep.engine.optimizers import StackedOptimizer


class StackedScheduleFreeSgd(StackedOptimizer):
    """Schedule-free SGD.

    The blocks are where gradients are taken (y), the first moments where steps lead (z); evaluated
    is the average of those (x), weighted by the square of the highest rate so far.

    Source: Defazio et al. (2024), The road less scheduled (arXiv:2405.15682), section 2 and
    algorithm 1, in the form of the package schedulefree, which works x out of y and z.
    """

    def __init__(
        self, blocks: Sequence[Tensor], settings: Optimizer, *, carried: bool = False
    ) -> None:
        super().__init__(blocks, settings, carried=carried)
        with torch.no_grad():
            for block, moments in zip(blocks, self._moments, strict=True):
                moments[0].copy_(block)
        self._highest, self._weights = torch.zeros(
            2, len(blocks[0]), dtype=torch.float64, device=blocks[0].device
        )

    @property
    def moments(self) -> int:
        """Where steps lead."""
        return 1

    @property
    def share(self) -> float:
        """How much of y is x; the rest is z."""
        return self.settings.momentum

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Have the averages in the blocks inside this.

        Yields:
            Nothing.
        """
        self._lean(1 - 1 / self.share)
        yield
        self._lean(1 - self.share)

    @torch.no_grad()
    def _lean(self, weight: float) -> None:
        for block, moments in zip(self._blocks, self._moments, strict=True):
            block.lerp_(moments[0], weight)

    def keep(self, slots: Tensor, blocks: Sequence[Tensor]) -> None:
        """Go on with the lanes in these slots only, whose parameters are now in `blocks`."""
        super().keep(slots, blocks)
        self._highest, self._weights = self._highest[slots], self._weights[slots]

    def memory(self) -> list[Tensor]:
        """Return all moments, and what the average weighs; what is written into them counts."""
        return [*super().memory(), self._highest, self._weights]

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates, how much z weighs in the average, and the factor on y's own step."""
        torch.maximum(self._highest, rates, out=self._highest)
        weight = self._highest.square()
        self._weights += weight
        part = torch.where(self._weights > 0, weight / self._weights, 0.0)
        return rates, part, rates * (self.share * (1 - part) - 1)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its moments in place."""
        direction = self.direction(block, gradient, moments)
        block.lerp_(moments[0], factors[1]).addcmul_(direction, factors[2])
        moments[0].addcmul_(direction, factors[0], value=-1)

    def direction(self, block: Tensor, gradient: Tensor, _: Sequence[Tensor]) -> Tensor:
        """Return what the rate multiplies."""
        return self._with_decay(block, gradient)


class StackedScheduleFreeAdamW(StackedScheduleFreeSgd):
    """Schedule-free AdamW, whose weight decay is taken at the point of the gradient.

    Source: as `StackedScheduleFreeSgd`.
    """

    @property
    def moments(self) -> int:
        """Where steps lead, mean square, room to work in."""
        return 3

    @property
    def share(self) -> float:
        """How much of y is x; the rest is z."""
        return self.settings.beta1

    def direction(self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor]) -> Tensor:
        """Return the gradient over its size, and the decay."""
        beta2 = self.settings.beta2
        square = moments[1].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = torch.sqrt(square, out=moments[2]).div_(math.sqrt(1 - beta2**self.steps))
        scaled = torch.div(gradient, spread.add_(self.settings.epsilon), out=spread)
        return self._with_decay(block, scaled)
