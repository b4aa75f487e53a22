"""How curved the loss is where training would start, and the learning rate that allows.

Answers: above which rate does a step overshoot?
Requires: the network, a batch, and a loss that can be differentiated twice.
"""

import math
from collections.abc import Container, Mapping

import torch
from torch import Tensor, nn

from initsweep.core.records import rounded
from initsweep.graph.copies import type_in
from initsweep.graph.forms import Inputs, called, cast, first
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import twin_with
from initsweep.probes.attention import OpenProducts, open_attentions
from initsweep.probes.passing import Loss, checked_loss, trained_names

ITERATIONS = 12
DIGITS = 4  # of the result; those behind depend on the processor, and on the tolerance first
TOLERANCE = 0.02  # of the largest eigenvalue, between two iterations
# The curvature of so many examples stands for the batch's; more cost in proportion.
EXAMPLES = 64


def sharpness(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
) -> float | None:
    """Return the largest eigenvalue of the Hessian of the batch's mean loss, frozen parts fixed.

    By Lanczos iteration on Hessian-vector products in float32, until it changes by less than
    2 %, at most 12 times, on at most 64 examples; rounded to 4 digits, because the rest depends on
    the processor. Batch normalization uses the batch's statistics, dropout is off.

    Returns:
        The eigenvalue; None where numbers overflow or the loss has no second derivative.

    Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian"; Golub and Van Loan,
        "Matrix computations", section 10.1 (Lanczos).
    """
    names = set(trained_names(model, parameters))
    some = first((features, targets), EXAMPLES)
    for dtype in (torch.float32, torch.float64):  # some networks take but one of them
        try:
            leaves, gradients = _gradients(model, parameters, names, some, loss, dtype)
            return _largest_eigenvalue(leaves, gradients)
        except Exception:  # noqa: BLE001 - of the user's own code, or no second derivative
            continue
    return None


def _gradients(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    names: Container[str],
    batch: tuple[Inputs, Inputs],
    loss: Loss,
    dtype: torch.dtype,
) -> tuple[list[Tensor], tuple[Tensor | None, ...]]:
    """Return the parameters called `names`, and the loss's gradients, to be differentiated."""
    real = {
        name: torch.view_as_real(value) if value.is_complex() else value
        for name, value in parameters.items()
    }
    given = {
        name: value.detach().to(type_in(value, dtype), copy=True).requires_grad_(name in names)
        for name, value in real.items()
    }
    state = {
        name: torch.view_as_complex(value) if parameters[name].is_complex() else value
        for name, value in given.items()
    }
    twin = twin_with(model, state, dtype).train()
    for module in twin.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    open_attentions(twin, _ignore)  # torch's own attention has no second derivative
    with OpenProducts(), private_draws(0):
        features, targets = cast(batch, dtype)
        value = checked_loss(loss(called(twin, features), targets))
    leaves = [given[name] for name in parameters if name in names]
    return leaves, torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True)


def rate_ceiling(curvature: float, momentum: float = 0.0) -> float:
    """Return (2 + 2 momentum) / λ, above which gradient descent on a quadratic diverges.

    A ceiling for the search, not a recommendation; see `docs/diagnosis.md` for how far it can be
    trusted. Infinite where the loss is not curved upwards. It does not hold for Adam.

    Source: Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge
        of stability", section 2 and appendix A.
    """
    return (2 + 2 * momentum) / curvature if curvature > 0 else math.inf


def _ignore(*_: object) -> None:
    """See nothing."""


def _largest_eigenvalue(leaves: list[Tensor], gradients: tuple[Tensor | None, ...]) -> float | None:
    pairs = [
        (leaf, gradient)
        for leaf, gradient in zip(leaves, gradients, strict=True)
        if gradient is not None and gradient.requires_grad
    ]
    if not pairs:
        return 0.0
    generator = torch.Generator().manual_seed(0)
    size = sum(leaf.numel() for leaf, _ in pairs)
    start = torch.randn(size, generator=generator).to(pairs[0][0].dtype)
    basis = [torch.nn.functional.normalize(start, dim=0)]
    alphas: list[float] = []
    betas: list[float] = []
    largest = 0.0
    for _ in range(min(ITERATIONS, size)):
        product = _hessian_times(basis[-1], pairs)
        if not bool(torch.isfinite(product).all()):
            return None
        alphas.append(float(product @ basis[-1]))
        for vector in basis:  # full orthogonalization: the basis is short
            product = product - (product @ vector) * vector
        betas.append(float(product.norm()))
        before, largest = largest, _top(alphas, betas)
        if betas[-1] <= 1e-6 * abs(largest) or abs(largest - before) < TOLERANCE * abs(largest):
            break
        basis.append(product / betas[-1])
    return rounded(largest, DIGITS)


def _hessian_times(vector: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    parts = torch.split(vector, [leaf.numel() for leaf, _ in pairs])
    shaped = [part.view_as(leaf) for part, (leaf, _) in zip(parts, pairs, strict=True)]
    # Not by `grad_outputs`: for that torch imports its symbolic shapes, in half a second.
    along = [(gradient * part).sum() for (_, gradient), part in zip(pairs, shaped, strict=True)]
    products = torch.autograd.grad(
        torch.stack(along).sum(), [leaf for leaf, _ in pairs], retain_graph=True, allow_unused=True
    )
    return torch.cat(
        [
            torch.zeros_like(leaf).flatten() if product is None else product.flatten()
            for product, (leaf, _) in zip(products, pairs, strict=True)
        ]
    )


def _top(alphas: list[float], betas: list[float]) -> float:
    """Return the largest eigenvalue of the tridiagonal matrix."""
    matrix = torch.diag(torch.tensor(alphas, dtype=torch.float64))
    if len(alphas) > 1:
        beside = torch.tensor(betas[: len(alphas) - 1], dtype=torch.float64)
        matrix += torch.diag(beside, 1) + torch.diag(beside, -1)
    return float(torch.linalg.eigvalsh(matrix)[-1])
