"""Parameters that an initializer leaves alone: frozen ones, and those of no layer it knows."""

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from initsweep.errors import InitsweepError
from initsweep.initializers.layers import NORMS_WITH_STATISTICS
from initsweep.initializers.parts import Slot


def frozen_names(model: nn.Module) -> frozenset[str]:
    """Return the names of frozen parameters (`requires_grad=False`) that have values to keep.

    On the meta device, and in lazy modules, there are none.
    """
    return frozenset(
        name
        for name, one in model.named_parameters()
        if not (one.requires_grad or one.is_meta or isinstance(one, UninitializedParameter))
    )


def kept_values(model: nn.Module, slots: Iterable[Slot]) -> dict[str, Tensor]:
    """Return the values of the kept parameters: float32 copies on the CPU.

    Raises:
        InitsweepError: If one has no values, because the network is on the meta device.
    """
    parameters = dict(model.named_parameters())
    values = {}
    for slot in slots:
        if slot.kept:
            if parameters[slot.name].is_meta:
                raise InitsweepError(
                    f"'{slot.name}' is in no layer that initializers know and keeps the values it "
                    "was built with, but on the meta device it has none. Build the network on the "
                    "cpu."
                )
            value = parameters[slot.name].detach().to("cpu", torch.float32)
            values[slot.name] = value.clone()
    return values


def describe_free(slots: Iterable[Slot], values: Mapping[str, Tensor]) -> str:
    """Return the free parameters with what their values are: "'token' (all 0)"; "" for none."""
    return ", ".join(f"'{one.name}' ({_looks(values[one.name])})" for one in _free(slots))


def _free(slots: Iterable[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.kept == "free"]


def _looks(value: Tensor) -> str:
    value = value.detach().double()
    if not value.numel():
        return "empty"
    low, high = float(value.min()), float(value.max())
    if low == high:
        return f"all {low:g}"
    return f"mean {float(value.mean()):.2g}, std {float(value.std(correction=0)):.2g}"


def keeps_statistics(model: nn.Module, path: str, frozen: Collection[str]) -> bool:
    """Return whether a norm's running statistics stay as they are.

    They belong to the weights around them: they stay where all parameters of the norm are
    frozen or, for a norm without parameters, all those of the smallest module around it that has
    any.
    """
    names = {id(one): name for name, one in model.named_parameters()}
    around = _owned_around(model, path)
    return bool(around) and all(names[id(one)] in frozen for one in around)


def restart_norms(model: nn.Module, frozen: Collection[str]) -> None:
    """Start the running statistics of norms afresh, where they do not stay."""
    for path, module in model.named_modules():
        if isinstance(module, NORMS_WITH_STATISTICS) and not keeps_statistics(model, path, frozen):
            module.reset_running_stats()


def _owned_around(model: nn.Module, path: str) -> list[nn.Parameter]:
    steps = path.split(".") if path else []
    for stop in range(len(steps), -1, -1):
        owned = list(model.get_submodule(".".join(steps[:stop])).parameters())
        if owned:
            return owned
    return []
