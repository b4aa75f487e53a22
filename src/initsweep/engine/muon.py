"""Muon: updates of hidden weight matrices are made orthogonal; AdamW trains the rest.

Both take one learning rate: the orthogonal update is given the size that AdamW's usually has.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from initsweep.core.errors import ParamsError
from initsweep.engine.matmul import LinearShape, onednn_matmul, smallest_for
from initsweep.engine.optimizers import StackedOptimizer
from initsweep.graph.kinds import is_a
from initsweep.graph.vocabulary import CONVOLUTIONS, TRANSPOSED, WEIGHTED

ITERATIONS, COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)
SMALLEST_NORM = 1e-7
USUAL_SIZE = 0.2
"""Root mean square of AdamW's updates at rate 1, as Liu et al. measured it."""

LOOKUPS = (nn.Embedding, nn.EmbeddingBag)


def hidden_weights(model: nn.Module) -> frozenset[str]:
    """Return the names of the parameters that Muon trains.

    These are the trained matrices and kernels of all layers but lookup tables and the last one, the
    head, by the order in which the network defines them. What is tied to a lookup table is one.

    Raises:
        ParamsError: If there are none.
    """
    layers = [module for module in model.modules() if is_a(module, WEIGHTED)]
    lookups = {id(p) for one in layers if is_a(one, LOOKUPS) for p in one.parameters()}
    body = [one for one in layers if not is_a(one, LOOKUPS)][:-1]
    found = {id(p) for one in body for p in one.parameters(recurse=False) if _is_one(one, p)}
    found -= lookups
    names = {n for n, p in model.named_parameters() if id(p) in found and p.requires_grad}
    if not names:
        raise ParamsError(
            f"optimizer.name: muon is for the weights of hidden layers, of which "
            f"{type(model).__name__} has none to train. Use adamw, which would train all of it."
        )
    return frozenset(names)


def _is_one(layer: nn.Module, parameter: Tensor) -> bool:
    """Return whether a parameter of a layer is one matrix, with the axes of a kernel as columns."""
    kernels = is_a(layer, (*CONVOLUTIONS, *TRANSPOSED))
    return parameter.dim() == 2 or (parameter.dim() > 2 and kernels)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return matrices (n, rows, columns) with their singular values brought near 1.

    In the precision that they have. `torch.optim.Muon` rounds to bfloat16 on the way, which changes
    an update by 1 % and is slow on processors that cannot compute with it.

    Source: Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks, with the
    quintic Newton-Schulz iteration and its coefficients, in the form of `torch.optim.Muon`.
    """
    a, b, c = COEFFICIENTS
    turned = matrices.size(1) > matrices.size(2)
    norms = torch.linalg.vector_norm(matrices.flatten(1), dim=1).clamp(min=SMALLEST_NORM)
    found: Tensor = matrices / norms.view(-1, 1, 1)
    found = found.mT.contiguous() if turned else found
    for _ in range(ITERATIONS):
        gram = torch.bmm(found, found.mT)
        gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        found = torch.baddbmm(found, gram, found, beta=a)
    return found.mT if turned else found


Matrices = frozenset[tuple[int, int]]
"""Rows and columns of weights as matrices."""


def matrices_of(weights: Iterable[Tensor]) -> Matrices:
    """Return the rows and columns of weights as matrices."""
    return frozenset((len(one), one.numel() // len(one)) for one in weights)


def products_of_updates(matrices: Matrices) -> list[LinearShape]:
    """Return the products by which updates of matrices are made orthogonal."""
    sides = map(sorted, matrices)
    return [shape for a, b in sides for shape in (LinearShape(a, b, a), LinearShape(a, a, a))]


@cache
def smallest_stack_of_updates(
    matrices: Matrices, lanes: int, dtype: torch.dtype, *, onednn: bool
) -> int:
    """Return the smallest size of a stack from which on up to `lanes` updates keep their bits.

    As `matmul.smallest_stack`: which routine multiplies depends on shapes only.
    """
    smallest, generator = min(2, lanes), torch.Generator().manual_seed(0)
    with onednn_matmul(enabled=onednn):
        for shape in sorted(matrices):
            one = torch.randn(shape, generator=generator, dtype=dtype)
            stack = one.expand(lanes, *shape).contiguous()
            smallest = smallest_for(orthogonalized, (stack,), smallest)
    return smallest


def size_of_update(shape: Sequence[int]) -> float:
    """Return what an orthogonal update of a weight (out, ...) is multiplied by.

    Source: Liu et al. (2025), Muon is scalable for LLM training (arXiv:2502.16982), section 2.2; as
    `adjust_lr_fn="match_rms_adamw"` of `torch.optim.Muon`.
    """
    return USUAL_SIZE * math.sqrt(max(shape[0], math.prod(shape[1:])))


class StackedMuon(StackedOptimizer):
    """Muon for hidden weights (lanes, out, ...), whose further axes make one row.

    Source: as for `orthogonalized`; decoupled weight decay by Liu et al. (2025), eq. 3.
    """

    decoupled: ClassVar[bool] = True

    @property
    def moments(self) -> int:
        """The mean of the gradients."""
        return 1

    def factors(self, rates: Tensor) -> Sequence[Tensor]:
        """Return the rates."""
        return (rates,)

    def update(
        self, block: Tensor, gradient: Tensor, moments: Sequence[Tensor], factors: Sequence[Tensor]
    ) -> None:
        """Update one block and its mean in place."""
        momentum = self.settings.momentum
        mean = moments[0].lerp_(gradient, 1 - momentum)
        direction = gradient.lerp(mean, momentum) if self.settings.nesterov else mean
        update = orthogonalized(direction.flatten(2)).reshape(block.shape)
        block.addcmul_(update, factors[0] * size_of_update(block.shape[1:]), value=-1)


class MuonAndAdamW(torch.optim.Optimizer):
    """The same for one network, with the AdamW of torch for groups that are not `hidden`."""

    def __init__(self, groups: list[dict[str, Any]], **settings: Any) -> None:  # noqa: ANN401
        """Take parameter groups of `torch.optim` that say whether they are `hidden`.

        Args:
            groups: Parameters, with settings of their own.
            settings: Those of both optimizers, for groups that do not say otherwise.
        """
        rest = {key: one for key, one in settings.items() if key not in ("momentum", "nesterov")}
        self._rest = torch.optim.AdamW([nn.Parameter(torch.zeros(()))], **rest)
        super().__init__(groups, {**self._rest.defaults, **settings})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Make one update.

        Raises:
            NotImplementedError: If there is a closure.
        """
        if closure is not None:
            raise NotImplementedError
        for group in self.param_groups:
            for parameter in group["params"] if group["hidden"] else ():
                self._turn(parameter, group)
        self._rest.param_groups = [one for one in self.param_groups if not one["hidden"]]
        self._rest.state = self.state
        self._rest.step()

    def _turn(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, momentum = parameter.grad, group["momentum"]
        if gradient is None:
            return
        state = self.state[parameter]
        mean = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
        mean.lerp_(gradient, 1 - momentum)
        direction = gradient.lerp(mean, momentum) if group["nesterov"] else mean
        update = orthogonalized(direction.flatten(1).unsqueeze(0)).reshape(parameter.shape)
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * size_of_update(parameter.shape))
