"""Gives an optimizer that another library has made the rate of a run."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch.optim import Optimizer

_OF_GROUPS = ("lr", "initial_lr", "max_lr", "min_lr")
_OF_SCHEDULERS = ("base_lrs", "max_lrs", "min_lrs", "_last_lr", "eta_min")


def set_rate(optimizer: Optimizer, schedulers: Iterable[object], rate: float) -> None:
    """Multiply all rates of an optimizer and its schedulers by one factor.

    The rate with which the optimizer was made becomes `rate`; groups and schedules keep their
    ratios to it. Where no group goes by that rate, the highest one of any group counts.

    Args:
        optimizer: The optimizer.
        schedulers: What changes its rates while it trains; schedulers of schedulers too.
        rate: The rate.
    """
    several = list(_with_parts(schedulers))
    highest = [_highest(group) for group in optimizer.param_groups]
    highest += [float(one) for each in several for one in getattr(each, "max_lrs", ())]
    made_with = float(optimizer.defaults.get("lr", 0.0))
    factor = rate / (made_with if made_with in highest else max(highest))
    for group in optimizer.param_groups:
        for name in _OF_GROUPS:
            if name in group:
                group[name] = group[name] * factor
    for one in several:
        for name in _OF_SCHEDULERS:
            if (found := getattr(one, name, None)) is not None:
                setattr(one, name, _times(found, factor))


def _highest(group: dict[str, Any]) -> float:
    """Return the rate of a group that its schedule starts from, or rises to."""
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))


def _with_parts(schedulers: Iterable[object]) -> Iterable[object]:
    for one in schedulers:
        yield one
        yield from _with_parts(getattr(one, "_schedulers", ()))


def _times(found: Any, factor: float) -> Any:  # noqa: ANN401 - a number or several
    if isinstance(found, Sequence):
        return [one * factor for one in found]
    return found * factor
