"""Takes stock of a network: every parameter once, and the layers that its rows belong to."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple, cast

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.parametrize import ParametrizationList

from initsweep.errors import InitsweepError
from initsweep.initializers.blocks import attention_parts, recurrent_parts
from initsweep.initializers.fans import compute_fans
from initsweep.initializers.layers import (
    NORMS,
    RECURRENT,
    Activation,
    Layer,
    kind_of,
)
from initsweep.initializers.parts import Part, Slot


class _Around(NamedTuple):
    """Activations after and before layers, by module path."""

    after: Mapping[str, Activation]
    before: Mapping[str, Activation]


_Owners = Mapping[int, list[tuple[str, nn.Module]]]


def slots_of(
    model: nn.Module,
    activations: Mapping[str, Activation],
    incoming: Mapping[str, Activation] | None = None,
    *,
    frozen: Collection[str] = (),
    skip_unknown: bool = False,
) -> tuple[Slot, ...]:
    """Return every parameter once, in the order of `model.named_parameters()`.

    A tied weight is filled once, under its first name, as the layer that sums the most terms: a
    lookup table that is also the output layer gets the output layer's small scale, not its own.

    Args:
        model: The network.
        activations: The activation after each layer, by module path.
        incoming: The activation that each layer reads, by module path.
        frozen: Names of parameters that keep the values they have; see `kept.frozen_names`.
        skip_unknown: Whether to leave out the parameters of layers that no initializer knows.

    Raises:
        InitsweepError: If a module has a weight that no initializer knows how to fill, or a lazy
            one has no shape yet.
    """
    owners: dict[int, list[tuple[str, nn.Module]]] = {}
    first: list[tuple[str, nn.Module, str, nn.Parameter]] = []
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in owners:
                first.append((path, module, name, parameter))
            owners.setdefault(id(parameter), []).append((path, module))
    around = _Around(activations, incoming or {})
    slots = []
    for entry in first:
        path, _, name, parameter = entry
        where = f"{path}.{name}" if path else name
        try:
            slot = _slot(*entry, owners, around)
        except InitsweepError:
            if where not in frozen:
                if skip_unknown:
                    continue
                raise
            slot = Slot(name=where, module=path, shape=tuple(parameter.shape))
        slots.append(replace(slot, kept="frozen") if where in frozen else slot)
    return tuple(slots)


def _slot(
    path: str,
    module: nn.Module,
    name: str,
    parameter: nn.Parameter,
    owners: _Owners,
    around: _Around,
) -> Slot:
    where = f"{path}.{name}" if path else name
    if isinstance(parameter, UninitializedParameter):
        compute_fans(module, path)  # raises: it has no shape yet
    slot = Slot(name=where, module=path, shape=tuple(parameter.shape))
    if isinstance(module, NORMS):
        return replace(slot, constant=float(name == "weight"))
    if isinstance(module, nn.PReLU):
        return replace(slot, constant=module.init)
    if isinstance(module, nn.MultiheadAttention):
        return replace(slot, parts=tuple(attention_parts(module, path, name)))
    if isinstance(module, RECURRENT):
        return replace(slot, parts=tuple(recurrent_parts(module, where, name)))
    if name not in {"weight", "bias"}:
        _refuse_parametrization(where, module)
        return replace(slot, kept="free")
    layer = _module_layer(path, module, around)
    if name == "weight":
        tied = [_module_layer(p, m, around) for p, m in owners[id(parameter)]]
        layer = replace(max(tied, key=lambda one: one.fan_in), name=path)
    part = Part(layer=layer, role=cast(Literal["weight", "bias"], name), address=where)
    return replace(slot, parts=(part,), blank_row=getattr(module, "padding_idx", None))


def _refuse_parametrization(where: str, module: nn.Module) -> None:
    """Refuse what a layer's weight is made up of: it is not a parameter of its own.

    Raises:
        InitsweepError: If the parameter is such a piece.
    """
    if isinstance(module, ParametrizationList):
        raise InitsweepError(
            f"'{where}' makes up the weight of another layer, and no initializer knows how to "
            "fill it. Fill the network first, and parametrize it then."
        )


def _module_layer(path: str, module: nn.Module, around: _Around) -> Layer:
    """Return the layer that a module with one weight is.

    Raises:
        InitsweepError: If its connections are not known.
    """
    fans = compute_fans(module, path)
    # A parametrized module computes its weight; it has the attribute but not the parameter.
    weight = cast(Tensor, module.weight)
    bias = cast(Tensor | None, getattr(module, "bias", None))
    return Layer(
        name=path,
        weight_shape=tuple(weight.shape),
        bias_shape=None if bias is None else tuple(bias.shape),
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=around.after.get(path),
        incoming=around.before.get(path),
        kind=kind_of(module),
        groups=getattr(module, "groups", 1),
    )
