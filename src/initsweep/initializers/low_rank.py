"""Finds pairs of low rank (LoRA): two matrices whose product is added to a weight beside them.

The second one of a new pair is 0, so that training starts from the weight alone. They are known by
their sizes and by that zero, whatever they are called.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from initsweep.graph.kinds import declared_of, is_a, likeness_of, weight_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The pairs of a network, by the `id` of their parameters.

    Attributes:
        first: The first matrices, and whether each is kept as (in, out).
        second: The second ones.
    """

    first: Mapping[int, bool]
    second: Collection[int]


class _Matrix(NamedTuple):
    """What may be of a pair: its layer's path, None for a module's own, and its values.

    `shapes` are its sizes as (out, in): if it is kept so, and if it is turned.
    """

    layer: str | None
    weight: Tensor
    shapes: tuple[tuple[int, ...], tuple[int, ...]]


def low_rank_pairs(model: nn.Module, activated: Collection[str] = ()) -> Pairs:
    """Return the pairs of low rank.

    Args:
        model: The network.
        activated: Paths of layers that an activation is known to follow.
    """
    first: dict[int, bool] = {}
    second: set[int] = set()
    around: dict[nn.Module, nn.Module] = {}
    for path, module in model.named_modules():
        around |= dict.fromkeys(module.children(), module)
        known = [(one, bool(one.weight.any())) for one in _matrices(module, path)]
        starts = [one for one, drawn in known if drawn and one.layer not in activated]
        ends = [one for one, drawn in known if not drawn]
        beside = {*_weights(module, around.get(module))} if starts and ends else set()
        for start, end in product(starts, ends):
            turned = _fit(start, end, beside)
            if turned is not None:
                first[id(start.weight)] = turned
                second.add(id(end.weight))
    return Pairs(first=first, second=second)


def _fit(start: _Matrix, end: _Matrix, beside: Collection[tuple[int, ...]]) -> bool | None:
    """Return whether the first of a pair is kept as (in, out), None if the two are none."""
    for turned in (False, True):
        (rank, columns), (rows, inner) = start.shapes[turned], end.shapes[turned]
        if inner == rank < max(rows, columns) and (rows, columns) in beside:
            return turned
    return None


def _matrices(module: nn.Module, path: str) -> Iterator[_Matrix]:
    """Yield what may be of a pair: a module's own matrices, and those of its linear layers.

    Yields:
        Those with values.
    """
    likeness, own = likeness_of(module), module.named_parameters(recurse=False)
    for name, one in () if declared_of(module) else own:
        if not (one.is_meta or is_lazy(one) or (likeness and likeness.role(name))):
            shape = tuple(one.shape)
            if len(shape) == 2:
                yield _Matrix(None, one, (shape, shape[::-1]))
    for name, child in module.named_children():
        held = child.named_children() if isinstance(child, nn.ModuleDict | nn.ModuleList) else ()
        for inner, layer in chain([("", child)], held):
            if isinstance(layer, nn.Linear) and not declared_of(layer):
                weight, where = layer.weight, ".".join(filter(None, (path, name, inner)))
                if not (weight.is_meta or is_lazy(weight)):
                    yield _Matrix(where, weight, (tuple(weight.shape),) * 2)


def _weights(module: nn.Module, around: nn.Module | None) -> Iterator[tuple[int, ...]]:
    """Yield the sizes, as (out, in), of the linear layers beside what a module holds.

    Yields:
        Those of the module itself, of its layers, and of those of the module around it.
    """
    for one in (module, *module.children(), *(around.children() if around else ())):
        if is_a(one, (nn.Linear,)):
            likeness = likeness_of(one)
            shape = tuple(getattr(one, weight_name(one)).shape)[-2:]
            yield shape[::-1] if likeness and likeness.transposed else shape
