"""Which layers of networks of several sizes are compared with each other.

Networks of several widths have the same layers. Networks of several depths are compared by
relative place: of layers whose paths differ in nothing but the number of a block, the middle
and the last. Only the trunk is looked at then: with depth, branches may well fade, and do so
in the parametrizations that are made for it (Dey et al. 2025, CompleteP).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

from initsweep.core.errors import InitsweepError
from initsweep.graph.vocabulary import WEIGHTED, is_matrix

Vary = Literal["width", "depth"]
Path = tuple[str, ...]
Families = dict[tuple[Path, str], dict[int, list[Path]]]
"""Paths by size, of each pattern of paths and class of modules."""

BLOCK = "*"
SHOWN = {"middle": 0.5, "last": 1.0}
"""The places that stand for all, in shares of the way through the blocks; the first block is not at
the same share in every network."""


def watched(network: nn.Module) -> list[str]:
    """Return the paths of the modules to look at: those with weights."""
    return [path for path, module in network.named_modules() if path and _has_weights(module)]


def _has_weights(module: nn.Module) -> bool:
    if isinstance(module, ParametrizationList):  # of a layer that stands above it
        return False
    own = module.parameters(recurse=False)
    return isinstance(module, WEIGHTED) or any(is_matrix(one.shape) for one in own)


def places(
    networks: Mapping[int, nn.Module], used: Mapping[int, Sequence[str]], vary: Vary
) -> dict[str, dict[int, str]]:
    """Return what to compare: by name, the path of the module in the network of each size.

    Args:
        networks: By size.
        used: The paths of modules that gave something, in the order of use.
        vary: What differs between the networks.

    Raises:
        InitsweepError: If the layers of the networks do not match.
    """
    if vary == "depth":
        return _by_place(networks, used)
    first, *others = used
    for size in others:
        for one, two in ((first, size), (size, first)):
            if missing := [name for name in used[one] if name not in used[two]]:
                raise InitsweepError(
                    f"The networks' layers do not match: '{missing[0]}' is there at {one} and not "
                    f'at {two}. If their number is what differs, say vary="depth".'
                )
    return {name: dict.fromkeys(used, name) for name in used[first]}


def _by_place(
    networks: Mapping[int, nn.Module], used: Mapping[int, Sequence[str]]
) -> dict[str, dict[int, str]]:
    """Return the layers that all sizes have, and two of those of which the larger have more.

    Raises:
        InitsweepError: If the networks differ in something else than the number of blocks.
    """
    families = _families(networks, used)
    if all(map(_is_as_often, families.values())):
        raise InitsweepError(
            "The networks have equally many layers at every size, so that it is no depth that "
            'differs. If their layers are wider, say vary="width".'
        )
    found: dict[str, dict[int, str]] = {}
    shared = Counter(family for family, _ in families)
    for (family, kind), members in families.items():
        if lacking := [size for size in used if size not in members]:
            raise InitsweepError(
                f"The networks' layers do not match: at {lacking[0]} there is none like "
                f"'{'.'.join(next(iter(members.values()))[0])}'."
            )
        ending = f" ({kind})" if shared[family] > 1 else ""
        found |= {f"{name}{ending}": paths for name, paths in _of_family(family, members).items()}
    order = {name: place for place, name in enumerate(used[max(used)])}
    return dict(sorted(found.items(), key=lambda item: order[item[1][max(used)]]))


def _families(networks: Mapping[int, nn.Module], used: Mapping[int, Sequence[str]]) -> Families:
    """Return paths whose only difference is the number of a block, by size."""
    alike: Families = defaultdict(lambda: defaultdict(list))
    for size, names in used.items():
        modules = dict(networks[size].named_modules())
        for path in (tuple(name.split(".")) for name in names):
            pattern = tuple(BLOCK if part.isdecimal() else part for part in path)
            kind = type(modules.get(".".join(path))).__name__
            alike[pattern, kind][size].append(path)
    families: Families = defaultdict(lambda: defaultdict(list))
    for (pattern, kind), members in alike.items():
        counted = _counted(pattern, members, list(used))
        for size, paths in members.items():
            for path in paths:
                families[_replaced(path, counted), kind][size].append(path)
    return families


def _is_as_often(members: Mapping[int, Sequence[Path]]) -> bool:
    """Return whether there are equally many at every size."""
    return len({len(paths) for paths in members.values()}) == 1


def _counted(
    pattern: Path, members: Mapping[int, Sequence[Path]], sizes: Sequence[int]
) -> list[int]:
    """Return where in the paths there is a number that goes as far as the size lets it."""
    reached = [
        {frozenset(path[place] for path in members.get(size, ())) for size in sizes}
        for place in range(len(pattern))
    ]
    return [place for place, sets in enumerate(reached) if len(sets) > 1]


def _replaced(path: Path, at: Sequence[int]) -> Path:
    return tuple(BLOCK if place in at else part for place, part in enumerate(path))


def _of_family(family: Path, members: Mapping[int, Sequence[Path]]) -> dict[str, dict[int, str]]:
    """Return the middle and the last of layers, or the one that there is."""
    several = max(map(len, members.values())) > 1
    return {
        ".".join(place if part == BLOCK and several else part for part in family): {
            size: ".".join(paths[math.ceil(share * len(paths)) - 1])
            for size, paths in members.items()
        }
        for place, share in (SHOWN.items() if several else [("", 1.0)])
    }
