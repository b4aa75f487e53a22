"""Optimizers over stacked parameters: one update moves all lanes, each at its own rate.

They follow `torch.optim` operation by operation. Scalars are Python floats and learning rates
are float64 until they meet a parameter: 1 - beta2 in float32 would cost Adam three digits.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from initsweep.params import Optimizer

CLIP_EPSILON = 1e-6
"""What `torch.nn.utils.clip_grad_norm_` adds to a norm before dividing by it."""


class StackedOptimizer(ABC):
    """State and update rule for parameters of shape (lanes, ...)."""

    moments: int

    def __init__(self, parameters: Sequence[Tensor], settings: Optimizer) -> None:
        """Start with all moments at zero.

        Args:
            parameters: Tensors of shape (lanes, ...), changed in place by `step`.
            settings: The optimizer's settings, the same for every lane.
        """
        self.settings = settings
        self.steps = 0
        self._parameters = parameters
        self._moments = [[torch.zeros_like(p) for _ in range(self.moments)] for p in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Make one update.

        Args:
            gradients: One per parameter, of its shape; left as they are.
            rates: Learning rate of each lane, float64, shape (lanes,). A lane at rate 0 keeps
                its parameters.
        """
        self.steps += 1
        for parameter, gradient, moments in zip(
            self._parameters, gradients, self._moments, strict=True
        ):
            self.update(parameter, gradient, moments, rates)

    @abstractmethod
    def update(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        """Update one parameter and its moments in place."""

    def _with_decay(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        """Return the gradient of the loss plus that of the L2 penalty."""
        decay = self.settings.weight_decay
        return gradient.add(parameter, alpha=decay) if decay else gradient


class StackedSgd(StackedOptimizer):
    """Stochastic gradient descent with momentum.

    Source: Sutskever et al. (2013), eq. 1 to 4, in the form of `torch.optim.SGD`, where the rate
    multiplies the velocity and dampening is 0.
    """

    moments = 1

    def update(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        """Update one parameter and its velocity in place."""
        direction, momentum = self._with_decay(parameter, gradient), self.settings.momentum
        if momentum:
            velocity = moments[0].mul_(momentum).add_(direction)
            nesterov = self.settings.nesterov
            direction = direction.add(velocity, alpha=momentum) if nesterov else velocity
        parameter.addcmul_(direction, per_lane(rates, parameter), value=-1)


class StackedAdam(StackedOptimizer):
    """Adam with bias correction; weight decay joins the gradient.

    Source: Kingma and Ba (2015), algorithm 1, in the form of `torch.optim.Adam`.
    """

    moments = 2

    def update(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        """Update one parameter and both moments in place."""
        self._adapt(parameter, self._with_decay(parameter, gradient), moments, rates)

    def _adapt(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        beta1, beta2 = self.settings.beta1, self.settings.beta2
        mean = moments[0].lerp_(gradient, 1 - beta1)
        square = moments[1].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = square.sqrt().div_(math.sqrt(1 - beta2**self.steps)).add_(self.settings.epsilon)
        size = per_lane(rates / (1 - beta1**self.steps), parameter)
        parameter.addcmul_(torch.div(mean, spread, out=spread), size, value=-1)


class StackedAdamW(StackedAdam):
    """Adam with decoupled weight decay.

    Source: Loshchilov and Hutter (2019), algorithm 2, in the form of `torch.optim.AdamW`.
    """

    def update(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        """Shrink one parameter, then update it and both moments in place."""
        if self.settings.weight_decay:
            parameter.mul_(per_lane(1 - rates * self.settings.weight_decay, parameter))
        self._adapt(parameter, gradient, moments, rates)


class StackedRmsprop(StackedOptimizer):
    """RMSprop, smoothing squared gradients with beta2.

    Source: Tieleman and Hinton (2012), lecture 6.5, in the form of `torch.optim.RMSprop`.
    """

    moments = 1

    def update(
        self, parameter: Tensor, gradient: Tensor, moments: Sequence[Tensor], rates: Tensor
    ) -> None:
        """Update one parameter and its mean square in place."""
        gradient, beta2 = self._with_decay(parameter, gradient), self.settings.beta2
        square = moments[0].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = square.sqrt().add_(self.settings.epsilon)
        parameter.addcmul_(
            torch.div(gradient, spread, out=spread), per_lane(rates, parameter), value=-1
        )


STACKED_OPTIMIZERS: dict[str, type[StackedOptimizer]] = {
    "sgd": StackedSgd,
    "adam": StackedAdam,
    "adamw": StackedAdamW,
    "rmsprop": StackedRmsprop,
}


def per_lane(values: Tensor, parameter: Tensor) -> Tensor:
    """Return values (lanes,) in the parameter's dtype, shaped to broadcast over (lanes, ...)."""
    return values.to(parameter.dtype).view(-1, *[1] * (parameter.dim() - 1))


def clip_gradients(gradients: Sequence[Tensor], largest_norm: float) -> list[Tensor]:
    """Return gradients scaled so that no lane's global norm exceeds `largest_norm`.

    Source: Pascanu et al. (2013), algorithm 1, in the form of `torch.nn.utils.clip_grad_norm_`.

    Args:
        gradients: One per parameter, each of shape (lanes, ...).
        largest_norm: The bound on the Euclidean norm over all parameters of one lane.

    Returns:
        New tensors of the same shapes.
    """
    norms = torch.stack([torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients])
    total = torch.linalg.vector_norm(norms, dim=0)
    scale = (largest_norm / (total + CLIP_EPSILON)).clamp(max=1.0)
    return [gradient * per_lane(scale, gradient) for gradient in gradients]
