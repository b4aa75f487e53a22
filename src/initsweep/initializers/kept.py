"""Parameters that an initializer leaves alone: frozen ones, and those of no layer it knows."""

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from initsweep.core.errors import InitsweepError
from initsweep.graph.vocabulary import NORMS_WITH_STATISTICS
from initsweep.initializers.parts import Slot
from initsweep.initializers.unknown import parameters_by_class, sizes


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
        InitsweepError: If some have no values, because the network is on the meta device.
    """
    parameters = dict(model.named_parameters())
    kept = [slot for slot in slots if slot.kept]
    if lost := [slot for slot in kept if parameters[slot.name].is_meta]:
        raise InitsweepError(
            "These parameters are in no layer that initializers know and keep the values they were "
            "built with, but on the meta device there are none: "
            f"{parameters_by_class(model, lost, sizes)}. Build the network on the cpu, or say what "
            "their classes are like: `initsweep.layer_kind(MyNorm, like=nn.LayerNorm)`."
        )
    return {
        slot.name: parameters[slot.name].detach().to("cpu", torch.float32, copy=True)
        for slot in kept
    }


def describe_free(model: nn.Module, slots: Iterable[Slot], values: Mapping[str, Tensor]) -> str:
    """Return the free parameters with what their values are: "'token' (all 0)"; "" for none."""
    free = [slot for slot in slots if slot.kept == "free"]
    return parameters_by_class(
        model, free, lambda group: _looks([values[slot.name] for slot in group])
    )


def _looks(values: Iterable[Tensor]) -> str:
    value = torch.cat([one.flatten() for one in values]).double()
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
