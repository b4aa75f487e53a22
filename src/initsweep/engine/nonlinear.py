"""Activations on stacks, by torch's own kernels for the function and for its derivative."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from initsweep.core.errors import PlanError
from initsweep.engine.operations import StackedOperation
from initsweep.engine.workspace import Workspace

ATEN = torch.ops.aten

BY_RESULT = True
"""Tells a derivative that it is given the function's value, not its argument."""

Forward = Callable[..., Tensor]
Backward = Callable[..., Tensor]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
"""Klambauer et al. (2017), eq. 2, to the digits that torch has."""

FROM_RESULT: Mapping[str, tuple[Forward, Backward]] = {
    "relu": (
        lambda x, out, _: torch.clamp_min(x, 0, out=out),
        lambda g, y, out, _: ATEN.threshold_backward.grad_input(g, y, 0, grad_input=out),
    ),
    "leaky_relu": (
        lambda x, out, s: ATEN.leaky_relu.out(x, s["negative_slope"], out=out),
        lambda g, y, out, s: ATEN.leaky_relu_backward.grad_input(
            g, y, s["negative_slope"], BY_RESULT, grad_input=out
        ),
    ),
    "tanh": (
        lambda x, out, _: torch.tanh(x, out=out),
        lambda g, y, out, _: ATEN.tanh_backward.grad_input(g, y, grad_input=out),
    ),
    "sigmoid": (
        lambda x, out, _: torch.sigmoid(x, out=out),
        lambda g, y, out, _: ATEN.sigmoid_backward.grad_input(g, y, grad_input=out),
    ),
    "elu": (
        lambda x, out, s: ATEN.elu.out(x, s["alpha"], out=out),
        lambda g, y, out, s: ATEN.elu_backward.grad_input(
            g, s["alpha"], 1, 1, BY_RESULT, y, grad_input=out
        ),
    ),
    "selu": (
        lambda x, out, _: ATEN.elu.out(x, SELU_ALPHA, SELU_SCALE, out=out),
        lambda g, y, out, _: ATEN.elu_backward.grad_input(
            g, SELU_ALPHA, SELU_SCALE, 1, BY_RESULT, y, grad_input=out
        ),
    ),
}
"""Function, and derivative from the function's value: these may overwrite what they read."""

FROM_INPUT: Mapping[str, tuple[Forward, Backward]] = {
    "gelu": (
        lambda x, out, _: ATEN.gelu.out(x, out=out),
        lambda g, x, out, _: ATEN.gelu_backward.grad_input(g, x, grad_input=out),
    ),
    "silu": (
        lambda x, out, _: ATEN.silu.out(x, out=out),
        lambda g, x, out, _: ATEN.silu_backward.grad_input(g, x, grad_input=out),
    ),
    "softplus": (
        lambda x, out, _: ATEN.softplus.out(x, 1, 20, out=out),
        lambda g, x, out, _: ATEN.softplus_backward.grad_input(g, x, 1, 20, grad_input=out),
    ),
}
"""Function, and derivative from what the function was applied to."""


class Activation(StackedOperation):
    """One of `FROM_RESULT` and `FROM_INPUT`, element by element."""

    def __init__(self, workspace: Workspace, settings: Mapping[str, Any], *, alone: bool) -> None:
        """Set up.

        Args:
            workspace: Memory for results.
            settings: The activation's name, and its slope or alpha where it has one.
            alone: Whether nothing else reads the input, so that it may be overwritten.

        Raises:
            PlanError: If the slope is negative: the derivative does not follow from the value.
        """
        super().__init__(workspace)
        name, self._settings = settings["name"], settings
        if settings.get("negative_slope", 0) < 0 or settings.get("alpha", 1) < 0:
            raise PlanError(f"it uses {name} with a negative slope")
        self._by_result = name in FROM_RESULT
        self._function, self._derivative = (FROM_RESULT if self._by_result else FROM_INPUT)[name]
        self._in_place = alone and self._by_result

    def forward(self, inputs: Sequence[Tensor], *, training: bool) -> Tensor:
        """Return the shape of the input."""
        (x,) = inputs
        out = x if self._in_place else self.workspace.held(self, x.shape)
        self._function(x, out, self._settings)
        if training:
            self._known = out if self._by_result else x
        return out

    def backward(self, gradient: Tensor, needed: Sequence[bool]) -> Sequence[Tensor | None]:
        """Return the gradient of the input, in the memory of the result's."""
        if not needed[0]:
            return [None]
        return [self._derivative(gradient, self._known, gradient, self._settings)]
