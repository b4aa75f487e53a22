"""Gives the layers of a network their places, and what is in no layer the form of one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from torch import nn

from initsweep.graph.kinds import is_a, likeness_of
from initsweep.graph.traces import Traces
from initsweep.graph.vocabulary import NORMS
from initsweep.initializers.layers import Layer, kind_of
from initsweep.initializers.parts import Part, Slot
from initsweep.initializers.place import Place, Role
from initsweep.initializers.roles import Roles, block_of, roles_of

_OF_ATTENTION: Mapping[str, Role] = {"q": "query", "k": "key", "v": "value"}
_OUTER: frozenset[Role] = frozenset({"input", "output"})


def placed(slots: Sequence[Slot], model: nn.Module, traces: Traces) -> tuple[Slot, ...]:
    """Return the parameters with the places of their layers, and what is in none as a layer."""
    known = roles_of(model, traces)
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    by_first = {found[0]: found for found in names.values()}
    found = [_placed(slot, by_first.get(slot.name, [slot.name]), model, known) for slot in slots]
    width = _width(found, known)
    return tuple(_with_width(slot, width) for slot in found)


def _placed(slot: Slot, names: Sequence[str], model: nn.Module, known: Roles) -> Slot:
    owners = [name.rpartition(".")[0] for name in names]
    kinds = {_kind(model.get_submodule(owner)) for owner in owners}
    block = block_of(slot.name, known.blocks)
    place = Place(
        names=tuple(names), block=block, blocks=len(known.blocks), tied=len(names) > 1,
        roles=frozenset().union(*(known.roles.get(one, ()) for one in (*names, *owners))),
    )  # fmt: skip
    if not slot.parts:
        called = tuple(dict.fromkeys((*names, *owners))) if kinds == {"norm"} else tuple(names)
        return replace(slot, own=_own(slot, replace(place, kinds=frozenset(kinds), names=called)))
    parts = []
    for part in slot.parts:
        here = replace(
            place,
            names=(*dict.fromkeys((*names, part.layer.name, *owners)),),
            kinds=frozenset({*kinds, part.layer.kind} - {"norm", "parameter"}),
            roles=_roles(part, place, known),
        )
        parts.append(replace(part, layer=replace(part.layer, place=_grown(here, part.layer))))
    return replace(slot, parts=tuple(parts))


def _roles(part: Part, place: Place, known: Roles) -> frozenset[Role]:
    """Return the roles of a layer: also of one projection or gate among several."""
    stem, _, piece = part.layer.name.rstrip("]").partition("[")
    around, _, last = stem.rpartition(".")
    roles = place.roles | known.roles.get(stem, frozenset())
    if part.layer.kind == "attention" or piece in _OF_ATTENTION:
        roles = (roles - {"residual_output"}) | {_OF_ATTENTION[(piece or last)[0]]}
    elif part.layer.kind == "attention_output":
        roles |= known.roles.get(around, frozenset())
    elif part.layer.kind == "recurrent" and "_hh" in last:
        roles -= {"input"}
    return roles if roles & _OUTER else roles | {"hidden"}


def _grown(place: Place, layer: Layer) -> Place:
    """Return the place with what a wider network has more of there."""
    groups, outputs, inputs, *_ = layer.block_shape
    each = groups > 1 and inputs == outputs == 1  # a convolution of every channel alone
    ends = "output" in place.roles and "residual_output" not in place.roles
    return replace(
        place,
        reads_hidden=not each and ("input" not in place.roles or (place.tied and ends)),
        gives_hidden=not ends,
    )


def _own(slot: Slot, place: Place) -> Layer:
    """Return a parameter in no layer as rows of a lookup table."""
    *rows, columns = slot.shape or (1,)
    count = prod(rows)
    if "norm" in place.kinds and not slot.constant:
        place = replace(place, roles=place.roles | {"bias"})
    grows = columns > 1 and not ("norm" in place.kinds and "input" in place.roles)
    return Layer(
        name=slot.name,
        weight_shape=(count, columns),
        bias_shape=None,
        fan_in=1,
        fan_out=columns,
        activation=None,
        kind="embedding",
        place=replace(place, reads_hidden=False, gives_hidden=grows),
    )


def _kind(module: nn.Module) -> str:
    if is_a(module, NORMS):
        return "norm"
    likeness = likeness_of(module)
    return kind_of(likeness.like) if likeness and likeness.like else "parameter"


def _width(slots: Sequence[Slot], known: Roles) -> int | None:
    """Return the units of the first layer: the first one that is called and gives hidden units."""
    sizes: dict[str, int] = {}
    for slot in slots:
        for part in slot.parts:
            place = part.layer.place
            shared = place.tied and "embedding" in place.kinds  # by the head, whose inputs they are
            if part.role == "weight" and "input" in place.roles and (place.gives_hidden or shared):
                groups, outputs, inputs, *_ = part.layer.block_shape
                units = groups * outputs if place.gives_hidden else inputs
                for name in place.names:
                    sizes.setdefault(name, units)
    return next((sizes[path] for path in known.roles if path in sizes), None)


def _with_width(slot: Slot, width: int | None) -> Slot:
    def wide(layer: Layer) -> Layer:
        return replace(layer, place=replace(layer.place, width=width))

    parts = tuple(replace(part, layer=wide(part.layer)) for part in slot.parts)
    return replace(slot, parts=parts, own=wide(slot.own) if slot.own else None)
