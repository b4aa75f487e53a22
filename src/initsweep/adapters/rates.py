"""Gives optimizers that another library has made the rate of a run."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch.optim import Optimizer

from initsweep.core.errors import RunError

_OF_GROUPS = ("lr", "initial_lr", "max_lr", "min_lr")
_OF_SCHEDULERS = ("base_lrs", "max_lrs", "min_lrs", "_last_lr", "eta_min")


def set_rate(optimizers: Iterable[Optimizer], schedulers: Iterable[object], rate: float) -> None:
    """Multiply all rates of optimizers and their schedulers by one factor.

    The rate with which the optimizer was made becomes `rate`; groups and schedules keep their
    ratios to it. Where no group goes by that rate, the highest one of any group counts; of several
    optimizers that with the highest rate, and the others keep their ratios to it.

    Args:
        optimizers: The optimizers.
        schedulers: What changes their rates while they train; schedulers of schedulers too.
        rate: The rate.

    Raises:
        RunError: If all rates are 0.
    """
    several, every = [*_with_parts(schedulers)], [*optimizers]
    highest = max((_rate_of(one, several) for one in every), default=1.0)
    if not highest > 0:
        raise RunError("the optimizer was made with rate 0, which no factor makes the run's.")
    factor = rate / highest
    for group in (group for one in every for group in one.param_groups):
        for name in _OF_GROUPS:
            if name in group:
                group[name] = group[name] * factor
    for scheduler in several:
        for name in _OF_SCHEDULERS:
            if (found := getattr(scheduler, name, None)) is not None:
                setattr(scheduler, name, _times(found, factor))


def _rate_of(optimizer: Optimizer, schedulers: Iterable[Any]) -> float:
    groups = optimizer.param_groups
    its = [one for one in schedulers if one.optimizer.param_groups is groups]
    found = [_highest(group) for group in groups]
    found += [float(rate) for one in its for rate in getattr(one, "max_lrs", ())]
    made_with = float(optimizer.defaults.get("lr", 0.0))
    return made_with if made_with in found else max(found)


def _highest(group: dict[str, Any]) -> float:
    """Return the rate of a group that its schedule starts from, or rises to."""
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))


def _with_parts(schedulers: Iterable[object]) -> Iterator[object]:
    for one in schedulers:
        yield one
        yield from _with_parts(getattr(one, "_schedulers", ()))


def _times(found: Any, factor: float) -> Any:  # noqa: ANN401 - a number or several
    if isinstance(found, Sequence):
        return [one * factor for one in found]
    return found * factor
