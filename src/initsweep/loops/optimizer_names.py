"""Finds an optimizer by its name: one of torch's, or the user's own."""

from collections.abc import Callable

from torch import optim

from initsweep.core.errors import RunError, shown
from initsweep.core.registry import did_you_mean, function_from_outside


def optimizer_called(name: str) -> Callable[..., optim.Optimizer]:
    """Return what makes an optimizer; capitals do not matter in torch's names.

    Raises:
        RunError: If torch has none of this name.
    """
    if ":" in name:
        return function_from_outside(name, "optimizer")
    every = ((one.lower(), kind) for one, kind in vars(optim).items() if isinstance(kind, type))
    kinds = {
        one: kind
        for one, kind in every
        if issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
    }
    if name.lower() not in kinds:
        raise RunError(
            f"optimizer: torch has none called {shown(name)}.{did_you_mean(name, sorted(kinds))} "
            f"Known: {', '.join(sorted(kinds))}; or give your own as 'package.module:attribute'."
        )
    return kinds[name.lower()]
