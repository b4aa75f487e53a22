"""Optimizers over stacked parameters whose weight decay shrinks the weights beside the update."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.engine.optimizers import StackedOptimizer, StackedSgd


class StackedSgdW(StackedSgd):
    """SGD whose weight decay does not join the gradient.

    Source: Loshchilov and Hutter (2019), algorithm 1, in the form of `torch.optim.AdamW`, where
    the rate multiplies the decay, too.
    """

    decoupled: ClassVar[bool] = True


class StackedLion(StackedOptimizer):
    """Lion: steps of one size, in the direction of the sign.

    Source: Chen et al. (2023), Symbolic discovery of optimization algorithms (arXiv:2302.06675),
    algorithm 2, in the form of `lion_pytorch.Lion`.
    """

    decoupled: ClassVar[bool] = True

    @property
    def moments(self) -> int:
        """Mean, room to work in."""
        return 2

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates."""
        return (rates,)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its mean in place."""
        beta1, beta2 = self.settings.beta1, self.settings.beta2
        direction = torch.mul(moments[0], beta1, out=moments[1])
        direction.add_(gradient, alpha=1 - beta1).sign_()
        block.addcmul_(direction, factors[0], value=-1)
        moments[0].mul_(beta2).add_(gradient, alpha=1 - beta2)
