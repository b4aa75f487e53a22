"""Takes stock of a network: every parameter once, and the layers that its rows belong to."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from initsweep.graph.kinds import Likeness, declared_of, likeness_of
from initsweep.graph.vocabulary import NORMS, RECURRENT
from initsweep.initializers.blocks import attention_parts, plain_layer, recurrent_parts
from initsweep.initializers.laws.fans import Fans, compute_fans, refuse_lazy
from initsweep.initializers.layers import Activation, Layer, kind_of
from initsweep.initializers.low_rank import Pairs, low_rank_pairs
from initsweep.initializers.parts import Part, Slot

_OF_ATTENTION = re.compile("in_proj_(weight|bias)|[qkv]_proj_weight|bias_[kv]")
_OF_GATES = re.compile("(weight|bias)_(ih|hh|hr)(_l[0-9]+(_reverse)?)?")


class _Around(NamedTuple):
    """Activations after and before layers, and what else is known of these, by module path."""

    after: Mapping[str, Activation]
    before: Mapping[str, Activation]
    packed: Mapping[str, Sequence[int]]
    pairs: Pairs


class _Owner(NamedTuple):
    """A module that has the parameter, and its name there."""

    path: str
    module: nn.Module
    name: str

    @property
    def where(self) -> str:
        """The parameter's name in the network."""
        return f"{self.path}.{self.name}" if self.path else self.name


def slots_of(
    model: nn.Module,
    activations: Mapping[str, Activation],
    incoming: Mapping[str, Activation] | None = None,
    *,
    packed: Mapping[str, Sequence[int]] | None = None,
    frozen: Collection[str] = (),
) -> tuple[Slot, ...]:
    """Return every parameter once, in the order of `model.named_parameters()`.

    A tied weight is filled once, under its first name, as the layer that sums the most terms: a
    lookup table that is also the output layer gets the output layer's small scale, not its own.

    Args:
        model: The network.
        activations: The activation after each layer, by module path.
        incoming: The activation that each layer reads, by module path.
        packed: Rows of each of the projections that a layer holds, by module path.
        frozen: Names of parameters that keep the values they have; see `kept.frozen_names`.
    """
    owners: dict[int, list[_Owner]] = {}
    whole: list[str] = []
    for path, module in model.named_modules():
        if declared := declared_of(module):
            declared.check(module, path)
            whole += [path] * declared.whole
        for name, parameter in module.named_parameters(recurse=False):
            owners.setdefault(id(parameter), []).append(_Owner(path, module, name))
    around = _Around(activations, incoming or {}, packed or {}, low_rank_pairs(model, activations))
    slots = [_slot(one, around, whole) for one in owners.values()]
    return tuple(replace(one, kept="frozen") if one.name in frozen else one for one in slots)


def _slot(owners: Sequence[_Owner], around: _Around, whole: Sequence[str]) -> Slot:
    first = owners[0]
    parameter = cast(nn.Parameter, getattr(first.module, first.name))
    if isinstance(parameter, UninitializedParameter):
        refuse_lazy(first.module, first.path)
    slot = Slot(name=first.where, module=first.path, shape=tuple(parameter.shape))
    turned = around.pairs.first.get(id(parameter))
    inside = [path for path in whole if f"{first.path}.".startswith(f"{path}.")]
    if inside and turned is None:
        zero = id(parameter) in around.pairs.second
        return replace(slot, module=inside[0], kept="zero" if zero else "free")
    ways = [way for one in owners if (way := _filled(slot, one, around))]
    if not ways and turned is not None:
        ways = [_of_pair(slot, turned=turned)]
    if id(parameter) in around.pairs.second:
        return replace(ways[0] if ways else slot, kept="zero")
    if not ways:
        return replace(slot, kept="free")
    way = max(ways, key=lambda one: one.parts[0].layer.fan_in if one.parts else 0)
    return replace(way, blank_row=getattr(first.module, "padding_idx", None))


def _filled(slot: Slot, owner: _Owner, around: _Around) -> Slot | None:
    """Return how a parameter is filled for one of its modules, None if that does not know it."""
    path, module, name = owner
    if isinstance(module, nn.PReLU):
        return replace(slot, constant=module.init)
    if isinstance(module, nn.MultiheadAttention) and _OF_ATTENTION.fullmatch(name):
        return replace(slot, parts=tuple(attention_parts(module, path, name)))
    if isinstance(module, RECURRENT) and _OF_GATES.fullmatch(name):
        return replace(slot, parts=tuple(recurrent_parts(module, owner.where, name)))
    likeness = likeness_of(module)
    if likeness is None or likeness.like is None or not (role := likeness.role(name)):
        return None
    if issubclass(likeness.like, NORMS):
        return replace(slot, constant=float(role == "weight"))
    if role == "bias":
        layer = _layer(slot, owner._replace(name=likeness.weights[0]), likeness, around)
        part = Part(layer=layer, role=role, address=slot.name)
        return replace(slot, parts=_parted(part, around.packed.get(path, ())))
    layer = _layer(slot, owner, likeness, around)
    beside = prod(slot.shape[: len(slot.shape) - len(layer.weight_shape)])
    part = Part(layer=layer, role=role, address=slot.name)
    parts = [_numbered(part, index) for index in range(beside)] if beside > 1 else None
    parted = tuple(parts or _parted(part, around.packed.get(path, ())))
    return replace(slot, parts=parted, turned=likeness.transposed)


def _of_pair(slot: Slot, *, turned: bool) -> Slot:
    """Return the first matrix of a pair of low rank, which is no module of its own."""
    rows, columns = slot.shape[::-1] if turned else slot.shape
    layer = plain_layer(slot.name, Fans(fan_in=columns, fan_out=rows), (rows, columns))
    part = Part(layer=layer, role="weight", address=slot.name)
    return replace(slot, parts=(part,), turned=turned)


def _parted(part: Part, sizes: Sequence[int]) -> tuple[Part, ...]:
    """Return the projections that a layer holds; the layer itself if it is one."""
    if not sizes:
        return (part,)
    names = {2: "kv", 3: "qkv"}.get(len(sizes), range(len(sizes)))
    whole, rest = part.layer, part.layer.weight_shape[1:]
    return tuple(
        replace(
            part,
            layer=replace(
                whole,
                name=f"{whole.name}[{name}]",
                weight_shape=(rows, *rest),
                bias_shape=whole.bias_shape and (rows,),
                fan_out=whole.fan_out * rows / sum(sizes),
                stacked=len(sizes),
            ),
            address=f"{part.address}[{name}]",
            rows=rows,
        )
        for name, rows in zip(names, sizes, strict=True)
    )


def _numbered(part: Part, index: int) -> Part:
    """Return one of the layers that one tensor holds side by side."""
    layer = replace(part.layer, name=f"{part.layer.name}[{index}]")
    rows = layer.weight_shape[0]
    return replace(part, layer=layer, address=f"{part.address}[{index}]", rows=rows)


def _layer(slot: Slot, owner: _Owner, likeness: Likeness, around: _Around) -> Layer:
    """Return the layer that a weight, one of its module's, is."""
    path, module, name = owner
    fans = compute_fans(module, path, name)
    # A parametrized module computes its weight; it has the attribute but not the parameter.
    weight = cast(Tensor, getattr(module, name))
    bias = cast(Tensor | None, getattr(module, "bias", None)) if likeness.is_one_layer else None
    return Layer(
        name=slot.module if likeness.is_one_layer else slot.name,
        weight_shape=likeness.shape(weight, owner.where),
        bias_shape=None if bias is None else tuple(bias.shape),
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=around.after.get(path),
        incoming=around.before.get(path),
        kind=kind_of(likeness.like or nn.Module),
        groups=getattr(module, "groups", 1),
    )
