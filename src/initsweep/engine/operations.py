"""Forward and backward of single operations on stacks, values having shape (lanes, batch, ...).

Written out rather than left to autograd: results go into memory that is kept from step to step,
activations overwrite what they read, and a weight's gradient can be added to its momentum by
the product that computes it. Together that is worth a factor of two on small networks.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from initsweep.engine.workspace import Workspace


class StackedOperation(ABC):
    """One operation of a plan. `backward` refers to the last `forward` in training mode."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @abstractmethod
    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return the result, in memory that the next call with its shape reuses."""

    @abstractmethod
    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Store the parameters' gradients and return those of the inputs.

        Args:
            gradient: Of the loss with respect to the result; may be overwritten.
            needed: For each input whether its gradient is asked for.

        Returns:
            One per input, None where it is not needed. `gradient` itself may be one of them.
        """


class Linear(StackedOperation):
    """x W' + b in every lane.

    Args of the constructor: weight (lanes, outputs, inputs), bias (lanes, outputs) or None,
    tensors of their shapes for their gradients, and the factor that these keep of what they held.
    """

    def __init__(
        self,
        workspace: Workspace,
        weight: Tensor,
        bias: Tensor | None,
        gradients: Sequence[Tensor],
        carry: float,
    ) -> None:
        super().__init__(workspace)
        self._weight, self._bias = weight, bias
        self._gradients, self._carry = gradients, carry

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return shape (lanes, batch, outputs)."""
        (x,) = inputs
        if training:
            self._x = x
        out = self.workspace.held(self, (*x.shape[:2], self._weight.shape[1]))
        if self._bias is None:
            return torch.bmm(x, self._weight.mT, out=out)
        return torch.baddbmm(self._bias.unsqueeze(1), x, self._weight.mT, out=out)

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return the gradient of the input, having stored those of weight and bias."""
        into, carry = self._gradients, self._carry
        if carry:
            torch.baddbmm(into[0], gradient.mT, self._x, beta=carry, out=into[0])
        else:
            torch.bmm(gradient.mT, self._x, out=into[0])
        if self._bias is not None:
            store_sum(gradient, into[1], carry)
        if not needed[0]:
            return [None]
        return [torch.bmm(gradient, self._weight, out=self.workspace.take(self._x.shape))]


class LayerNorm(StackedOperation):
    """Normalizes every example over its features, then scales and shifts by the lane's own."""

    def __init__(
        self,
        workspace: Workspace,
        weight: Tensor,
        bias: Tensor,
        gradients: Sequence[Tensor],
        carry: float,
        epsilon: float,
    ) -> None:
        super().__init__(workspace)
        self._weight, self._bias = weight.unsqueeze(1), bias.unsqueeze(1)
        self._gradients, self._carry, self._epsilon = gradients, carry, epsilon

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return the shape of the input.

        Source: Ba, Kiros and Hinton (2016), eq. 4.
        """
        (x,) = inputs
        normal, mean, inverse_std = torch.native_layer_norm(
            x, x.shape[2:], None, None, self._epsilon
        )
        if training:
            self._saved = x, normal, mean, inverse_std
        return torch.addcmul(
            self._bias, normal, self._weight, out=self.workspace.held(self, x.shape)
        )

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return the gradient of the input, having stored those of weight and bias."""
        x, normal, mean, inverse_std = self._saved
        store_sum(gradient, self._gradients[1], self._carry)
        store_sum(normal.mul_(gradient), self._gradients[0], self._carry)
        if not needed[0]:
            return [None]
        returned, _, _ = torch.ops.aten.native_layer_norm_backward(
            gradient.mul_(self._weight),
            x,
            x.shape[2:],
            mean,
            inverse_std,
            None,
            None,
            [True, False, False],
        )
        return [returned]


class BatchNorm(StackedOperation):
    """Normalizes every feature over the batch, in evaluation by running statistics."""

    def __init__(
        self,
        workspace: Workspace,
        weight: Tensor,
        bias: Tensor,
        gradients: Sequence[Tensor],
        carry: float,
        epsilon: float,
        momentum: float,
        running: Sequence[Tensor],
    ) -> None:
        """Set up.

        Args:
            workspace: Memory for results.
            weight: Shape (lanes, features).
            bias: Shape (lanes, features).
            gradients: Tensors of their shapes for their gradients.
            carry: Factor that these keep of what they held.
            epsilon: Added to variances.
            momentum: Share of a new batch in the running statistics.
            running: Means (lanes, features), variances (lanes, features), batches seen (lanes,).
        """
        super().__init__(workspace)
        self._weight, self._bias = weight.unsqueeze(1), bias.unsqueeze(1)
        self._gradients, self._carry = gradients, carry
        self._epsilon, self._momentum, self._running = epsilon, momentum, running

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return the shape of the input.

        Source: Ioffe and Szegedy (2015), algorithms 1 and 2; running variances unbiased as in
        `torch.nn.BatchNorm1d`.
        """
        (x,) = inputs
        out = self.workspace.held(self, x.shape)
        if not training:
            means, variances, _ = self._running
            scale = self._weight * (variances + self._epsilon).rsqrt().unsqueeze(1)
            return torch.sub(x, means.unsqueeze(1), out=out).mul_(scale).add_(self._bias)
        mean = x.mean(1, keepdim=True)
        normal = torch.sub(x, mean, out=self.workspace.held(self, x.shape, "normal"))
        variance = torch.mul(normal, normal, out=out).mean(1, keepdim=True)
        self._inverse_std = (variance + self._epsilon).rsqrt_()
        self._normal = normal.mul_(self._inverse_std)
        self._move_running(mean.squeeze(1), variance.squeeze(1), x.shape[1])
        return torch.addcmul(self._bias, normal, self._weight, out=out)

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return the gradient of the input, having stored those of weight and bias."""
        normal = self._normal
        product = torch.mul(gradient, normal, out=self.workspace.take(normal.shape))
        # The gradient of the input needs this batch's sums, whatever is carried along.
        of_bias, of_weight = gradient.sum(1), product.sum(1)
        for into, value in zip(self._gradients, (of_weight, of_bias), strict=True):
            torch.add(value, into, alpha=self._carry, out=into) if self._carry else into.copy_(
                value
            )
        self.workspace.give(product)
        if not needed[0]:
            return [None]
        n = normal.shape[1]
        normal.mul_(of_weight.div_(n).unsqueeze(1))
        gradient.sub_(normal).sub_(of_bias.div_(n).unsqueeze(1))
        return [gradient.mul_(self._inverse_std.mul_(self._weight))]

    def _move_running(self, mean: Tensor, variance: Tensor, n: int) -> None:
        means, variances, batches = self._running
        means.lerp_(mean, self._momentum)
        variances.lerp_(variance * (n / (n - 1)), self._momentum)
        batches.add_(1)


class Add(StackedOperation):
    """The sum of two values: what residual connections are made of."""

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:  # noqa: ARG002
        """Return the shape of the inputs."""
        out = self.workspace.held(self, inputs[0].shape)
        return torch.add(*inputs, out=out)

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return the gradient for both inputs, as two tensors: each may be overwritten."""
        if not all(needed):
            return [gradient if asked else None for asked in needed]
        return [self.workspace.take(gradient.shape).copy_(gradient), gradient]


class Reshape(StackedOperation):
    """Another shape of each example."""

    def __init__(self, workspace: Workspace, shape: Sequence[int]) -> None:
        super().__init__(workspace)
        self._shape = shape

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return a view of shape (lanes, batch, *shape)."""
        (x,) = inputs
        if training:
            self._before = x.shape
        return x.view(*x.shape[:2], *self._shape)

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return a view of the gradient in the shape of the input."""
        return [gradient.view(self._before) if needed[0] else None]


def store_sum(values: Tensor, into: Tensor, carry: float) -> None:
    """Make `into` (lanes, n) the sum of values (lanes, batch, n), plus `carry` of what it was."""
    if carry:
        into.mul_(carry).add_(values.sum(1))
    else:
        torch.sum(values, 1, out=into)
