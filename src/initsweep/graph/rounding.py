"""How far rounding alone moves a network's outputs, so that other differences can be told from it.

The same products summed in another order, as for a batch of another size, differ in their last
digits; what becomes of that is the network's own: sin(30 x) makes thirty times as much of it in
every layer. So it is measured, by moving inputs and parameters by one rounding unit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import twin_of, twin_with

DRAWS = 8
UNITS = 32
"""Sums are of many terms, and each is rounded: so many times what one rounding unit does. Batches
of other sizes move outputs by at most 6 times that in networks of ours and SIRENs."""


def in_float64(model: nn.Module, features: Tensor) -> tuple[nn.Module, Tensor]:
    """Return a network and examples in float64, or as they are if it does not run so."""
    twin, wide = twin_of(model, dtype=torch.float64), features.double()
    try:
        outputs_of(twin, wide)
    except Exception:  # noqa: BLE001 - the user's own code may raise anything, and runs as it is
        return model, features
    return twin, wide


def outputs_of(model: nn.Module, features: Tensor) -> Tensor:
    """Return the outputs of a twin, what it draws drawn from the same seed every time."""
    with torch.no_grad(), private_draws(0):
        outputs: Tensor = twin_of(model)(features.clone())
    return outputs.detach()


def rounding_unit(model: nn.Module, features: Tensor) -> float:
    """Return the rounding unit of the coarsest type of numbers that a network computes in."""
    listening = _Listening()
    with listening:
        outputs_of(model, features)
    return max(listening.units)


def rounding(model: nn.Module, features: Tensor) -> Tensor:
    """Return how far rounding may move each output, shape (n_outputs,), float64.

    Of a network whose outputs differ from run to run that is not measured: it is little then.

    Args:
        model: The network, in the mode that it is asked about.
        features: Examples, shape (batch, ...).
    """
    unit, generator = rounding_unit(model, features), torch.Generator().manual_seed(0)

    def shaken(value: Tensor) -> Tensor:
        signs = 2 * torch.randint(2, value.shape, generator=generator) - 1
        return value.detach() * (1 + unit * signs.to(value)) if value.is_floating_point() else value

    expected = outputs_of(model, features).double()
    if not torch.equal(expected, outputs_of(model, features).double()):
        return UNITS * unit * expected.abs().amax(0)
    moved = [
        outputs_of(
            twin_with(model, {name: shaken(own) for name, own in model.named_parameters()}),
            shaken(features),
        )
        for _ in range(DRAWS)
    ]
    noise = (torch.stack(moved).double() - expected).abs().amax((0, 1))
    return UNITS * (noise + unit * expected.abs().amax(0))


def agree(one: Tensor, other: Tensor, allowed: Tensor) -> bool:
    """Return whether outputs (batch, n_outputs) differ by no more than is allowed; NaN is NaN."""
    same = (one == other) | (one.isnan() & other.isnan())
    return bool((same | ((one.double() - other.double()).abs() <= allowed)).all())


class _Listening(TorchDispatchMode):
    """Hears in which types of numbers operations give their results."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.units = {0.0}

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation returns
        """Return what the operation gives."""
        results = func(*args, **(kwargs or {}))
        self.units |= {
            torch.finfo(one.dtype).eps
            for one in tree_leaves(results)
            if isinstance(one, Tensor) and (one.is_floating_point() or one.is_complex())
        }
        return results
