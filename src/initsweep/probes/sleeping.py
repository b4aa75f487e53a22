"""Weights that training does not reach: not now, and not after two steps either.

A zero gradient alone says little: a branch behind a zero (zero gamma, the B of LoRA, a zero gate,
a zero head) has one at the start, and wakes with the first step of what is in front of it. What is
still zero, exactly, after two plain gradient steps stays so.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

STEPS = 2
STEP = 0.01  # of the norm of all weights: far enough to wake what can be woken, and harmless


def asleep(
    leaves: Mapping[str, Tensor], loss_with: Callable[[Mapping[str, Tensor]], Tensor]
) -> tuple[str, ...]:
    """Return the names of parameters whose gradient is zero now and after each of two steps.

    Args:
        leaves: The parameters that are trained, with their gradients.
        loss_with: The batch's loss under other values of them, each a leaf that wants a gradient.
    """
    values = {name: one.detach() for name, one in leaves.items()}
    gradients = {name: one.grad for name, one in leaves.items()}
    quiet = _quiet(gradients)
    for _ in range(STEPS):
        if not quiet or len(quiet) == len(values):
            break
        rate = STEP * (_norm(values.values()) or 1.0) / _norm(gradients.values())
        values = {name: _stepped(one, gradients[name], rate) for name, one in values.items()}
        loss_with(values).backward()  # type: ignore[no-untyped-call]
        gradients = {name: one.grad for name, one in values.items()}
        values = {name: one.detach() for name, one in values.items()}
        quiet &= _quiet(gradients)
    return tuple(name for name in leaves if name in quiet)


def _quiet(gradients: Mapping[str, Tensor | None]) -> set[str]:
    return {name for name, one in gradients.items() if one is None or not bool(one.any())}


def _stepped(value: Tensor, gradient: Tensor | None, rate: float) -> Tensor:
    after = value if gradient is None else value - rate * gradient
    return after.clone().requires_grad_()


def _norm(tensors: Iterable[Tensor | None]) -> float:
    norms = [one.norm() for one in tensors if one is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0
