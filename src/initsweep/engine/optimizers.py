"""Optimizers over stacked parameters: one update moves all lanes, each at its own rate.

They compute what `torch.optim` computes. Scalars are Python floats and learning rates
are float64 until they meet a parameter: 1 - beta2 in float32 would cost Adam three digits.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.params import Optimizer

CLIP_EPSILON = 1e-6
"""What `torch.nn.utils.clip_grad_norm_` adds to a norm before dividing by it."""


class StackedOptimizer(ABC):
    """State and update rule for tensors of shape (lanes, ...).

    Attributes:
        decoupled: Whether weight decay shrinks the weights beside the update, instead of joining
            the gradient. Source: Loshchilov and Hutter (2019), algorithms 1 and 2, in the form of
            `torch.optim.AdamW`, where the rate multiplies the decay, too.
    """

    decoupled: ClassVar[bool] = False

    def __init__(
        self, blocks: Sequence[Tensor], settings: Optimizer, *, carried: bool = False
    ) -> None:
        """Start with all moments at zero.

        Args:
            blocks: Everything to train, as tensors of shape (lanes, ...), changed in place.
            settings: The optimizer's settings, the same for every lane.
            carried: Whether the gradients given are already added to `carry_of` of the previous.
        """
        self.settings, self.carried = settings, carried
        self.steps = 0
        self._blocks = blocks
        self._moments = [[torch.zeros_like(p) for _ in range(self.moments)] for p in blocks]

    @property
    @abstractmethod
    def moments(self) -> int:
        """How many tensors are kept for each block: running averages, then room to work in."""

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Make one update.

        Args:
            gradients: One per block, of its shape; left as they are.
            rates: Learning rate of each lane, float64, shape (lanes,). A lane at rate 0 keeps
                its parameters.
        """
        self.steps += 1
        factors, decay = self.factors(rates), self.settings.weight_decay
        for block, gradient, moments in zip(self._blocks, gradients, self._moments, strict=True):
            if decay and self.decoupled:
                block.mul_(per_lane(1 - rates * decay, block))
            shaped = [per_lane(factor, block) for factor in factors]
            self.update(block, gradient, moments, shaped)

    def keep(self, slots: Tensor, blocks: Sequence[Tensor]) -> None:
        """Go on with the lanes in these slots only, whose parameters are now in `blocks`."""
        self._blocks = blocks
        self._moments = [[m.index_select(0, slots) for m in each] for each in self._moments]

    def averaged(self) -> AbstractContextManager[None]:
        """Return a block in which the parameters are what is to be evaluated."""
        return nullcontext()

    def memory(self) -> list[Tensor]:
        """Return all moments; what is written into them counts."""
        return [moment for each in self._moments for moment in each]

    @abstractmethod
    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return what `update` needs to know of each lane, float64, each (lanes,)."""

    @abstractmethod
    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its moments in place.

        Args:
            block: Parameters, shape (lanes, ...).
            gradient: Of the same shape.
            moments: Of the same shape.
            factors: Those of `factors`, shaped to broadcast over the block.
        """

    def _with_decay(self, block: Tensor, gradient: Tensor) -> Tensor:
        """Return the gradient of the loss plus that of the L2 penalty, unless that is decoupled."""
        decay = self.settings.weight_decay
        return gradient.add(block, alpha=decay) if decay and not self.decoupled else gradient


class StackedSgd(StackedOptimizer):
    """Stochastic gradient descent with momentum.

    Source: Sutskever et al. (2013), eq. 1 to 4, in the form of `torch.optim.SGD`, where the rate
    multiplies the velocity and dampening is 0.
    """

    @property
    def moments(self) -> int:
        """The velocity, unless the gradients are it already."""
        return 0 if self.carried or not self.settings.momentum else 1

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates."""
        return (rates,)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its velocity in place."""
        direction, momentum = self._with_decay(block, gradient), self.settings.momentum
        if moments:
            velocity = moments[0].mul_(momentum).add_(direction)
            nesterov = self.settings.nesterov
            direction = direction.add(velocity, alpha=momentum) if nesterov else velocity
        block.addcmul_(direction, factors[0], value=-1)


class StackedAdam(StackedOptimizer):
    """Adam with bias correction; weight decay joins the gradient.

    Source: Kingma and Ba (2015), algorithm 1, in the form of `torch.optim.Adam`.
    """

    @property
    def moments(self) -> int:
        """Mean, mean square, room to work in."""
        return 3

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates with the bias corrections of mean and root mean square."""
        return (rates * self._root_correction / (1 - self.settings.beta1**self.steps),)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and both moments in place."""
        gradient = self._with_decay(block, gradient)
        beta1, beta2 = self.settings.beta1, self.settings.beta2
        mean = moments[0].lerp_(gradient, 1 - beta1)
        square = moments[1].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = torch.sqrt(square, out=moments[2])
        # The correction of the root is part of the rate: one pass over memory less than torch.
        spread.add_(self.settings.epsilon * self._root_correction)
        block.addcmul_(torch.div(mean, spread, out=spread), factors[0], value=-1)

    @property
    def _root_correction(self) -> float:
        return math.sqrt(1 - self.settings.beta2**self.steps)


class StackedAdamW(StackedAdam):
    """Adam with decoupled weight decay.

    Source: Loshchilov and Hutter (2019), algorithm 2, in the form of `torch.optim.AdamW`.
    """

    decoupled: ClassVar[bool] = True


class StackedRmsprop(StackedOptimizer):
    """RMSprop, smoothing squared gradients with beta2.

    Source: Tieleman and Hinton (2012), lecture 6.5, in the form of `torch.optim.RMSprop`.
    """

    @property
    def moments(self) -> int:
        """Mean square, room to work in."""
        return 2

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates."""
        return (rates,)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its mean square in place."""
        gradient, beta2 = self._with_decay(block, gradient), self.settings.beta2
        square = moments[0].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = torch.sqrt(square, out=moments[1]).add_(self.settings.epsilon)
        block.addcmul_(torch.div(gradient, spread, out=spread), factors[0], value=-1)


def carry_of(settings: Optimizer, gradient_clip: float | None) -> float:
    """Return how much of the previous gradients may be carried along by whoever computes them.

    With plain momentum the velocity is the gradient plus a share of the last velocity, which a
    matrix product can add up itself. Clipping, decay and Nesterov's form need the gradient alone.
    """
    plain = settings.name == "sgd" and not settings.nesterov and not settings.weight_decay
    return settings.momentum if plain and gradient_clip is None else 0.0


def per_lane(values: Tensor, parameter: Tensor) -> Tensor:
    """Return values (lanes,) in the parameter's dtype, shaped to broadcast over (lanes, ...)."""
    return values.to(parameter.dtype).view(-1, *[1] * (parameter.dim() - 1))


def clip_gradients(gradients: Sequence[Tensor], largest_norm: float) -> list[Tensor]:
    """Return gradients scaled so that no lane's global norm exceeds `largest_norm`.

    Source: Pascanu et al. (2013), algorithm 1, in the form of `torch.nn.utils.clip_grad_norm_`.

    Args:
        gradients: One per block, each of shape (lanes, ...).
        largest_norm: The bound on the Euclidean norm over all of one lane.

    Returns:
        New tensors of the same shapes.
    """
    norms = torch.stack([torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients])
    total = torch.linalg.vector_norm(norms, dim=0)
    scale = (largest_norm / (total + CLIP_EPSILON)).clamp(max=1.0)
    return [gradient * per_lane(scale, gradient) for gradient in gradients]
