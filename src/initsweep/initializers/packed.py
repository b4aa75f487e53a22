"""Finds layers that hold the projections of an attention, one below the other.

The numbers of a layer's rows are sent through what only orders its outputs: split, chunk, slices,
changes of shape. A layer is parted where each part has one block of rows of its own, and the first
two parts meet in a product, as queries and keys do. The halves of a gated unit meet number by
number: such a layer is one.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves, tree_map

from initsweep.graph.effects import effect_of
from initsweep.graph.kinds import is_a, likeness_of, weight_name
from initsweep.graph.traces import Trace, Traces
from initsweep.graph.vocabulary import CONVOLUTIONS, TURNED

Parts = tuple[int, ...]
"""Rows of each projection, in their order; () for a layer that is one."""

_UNREAD = "what becomes of its outputs cannot be read"
_MIXED = "the rows of its parts, as of heads, lie between each other"
_NAMES = re.compile(r"(?i)(qkv|c_attn|query_key_value|in_proj)[^.]*$")
"""What layers are called that hold projections; asked only where operations cannot be read."""
_PARTING = {"split", "chunk", "unbind", "narrow", "select"}
_LEADING = ((2, 5), (2,), (2, 3, 5))
"""Sizes to try for the axes before a linear layer's units."""
_POSITIONS = 4  # on each axis of a convolution
_MOST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What was found.

    Attributes:
        sizes: Rows of each projection, by the layer's path.
        unclear: Layers that may hold several and are taken for one, by path, with the reason.
    """

    sizes: Mapping[str, Parts]
    unclear: Mapping[str, str]


def packed_layers(model: nn.Module, traces: Traces) -> Packed:
    """Return the layers of a network that hold several projections."""
    found: dict[str, set[Parts | str]] = {}
    for trace in traces():
        for node in trace.calls():
            module = trace.modules[str(node.target)]
            if is_a(module, (nn.Linear, *CONVOLUTIONS)) and getattr(module, "groups", 1) == 1:
                found.setdefault(trace.path_of(node), set()).add(_parts(trace, node))
    for path, module in model.named_modules():
        if is_a(module, (nn.Linear,)) and path not in found:
            found[path] = {_UNREAD}
    told = {path: _agreed(ways) for path, ways in found.items()}
    return Packed(
        sizes={path: one for path, one in told.items() if one and isinstance(one, tuple)},
        unclear={
            path: one
            for path, one in told.items()
            if isinstance(one, str) and (one is not _UNREAD or _NAMES.search(path))
        },
    )


def _agreed(ways: set[Parts | str]) -> Parts | str:
    known = [*(ways - {_UNREAD})]
    if len(known) > 1:
        return "it is parted in one place and not in another"
    return known[0] if known else _UNREAD


def _parts(trace: Trace, call: fx.Node) -> Parts | str:
    """Return the rows of each projection, or why they are not clear."""
    for leading in _LEADING:
        with suppress(Exception):  # of shapes that do not fit
            return _Rows(trace, call, leading).told()
    return _UNREAD


class _Rows:
    """The numbers of a layer's rows on their way through what orders its outputs."""

    def __init__(self, trace: Trace, call: fx.Node, leading: Sequence[int]) -> None:
        self._trace, self._call = trace, call
        module = trace.modules[str(call.target)]
        # Not by attribute: whoever traces in another thread would find it in his graph.
        shape = dict(module.named_parameters(recurse=False))[weight_name(module)].shape
        likeness, axes = likeness_of(module), len(shape) - 2
        turned = bool(likeness and likeness.transposed)
        before, behind = leading[: 1 if axes else None], (_POSITIONS,) * axes
        self._count = shape[turned]
        rows = torch.arange(self._count).reshape(-1, *[1] * axes).expand(*before, -1, *behind)
        self._entered = torch.empty(*before, shape[not turned], *behind)
        self._values: dict[fx.Node, Any] = {call: rows}

    def told(self) -> Parts | str:
        """Return the rows of each projection, or why they are not clear."""
        node, users = self._call, self._users(self._call)
        while len(users) == 1 and self._orders(users[0]):
            node, users = users[0], self._users(users[0])
            if not isinstance(self._value(node), Tensor):
                break
        found: dict[Parts, set[fx.Node]] = {}
        if not isinstance(whole := self._value(node), Tensor):
            for index, one in enumerate(whole):
                nodes = {user for user in users if user.args[1:] == (index,)}
                found.setdefault(tuple(one.unique().tolist()), set()).update(nodes)
        elif users and all(map(self._orders, users)):
            for user in users:
                rows = tuple(self._value(user).unique().tolist())
                found.setdefault(rows, set()).add(user)
        elif self._trace.failure and (not users or any(one.op == "output" for one in users)):
            return _UNREAD
        return self._summed_up(found)

    def _summed_up(self, found: Mapping[Parts, set[fx.Node]]) -> Parts | str:
        parts, everything = sorted(found), list(range(self._count))
        if not 1 < len(parts) <= _MOST or sorted(chain(*parts)) != everything:
            return ()
        if not self._attend(found[parts[0]], found[parts[1]], len(parts)):
            return ()
        return tuple(map(len, parts)) if [*chain(*parts)] == everything else _MIXED

    def _effect(self, node: fx.Node) -> str:
        turned = node.target is getattr and node.args[-1] in TURNED
        return "view" if turned else effect_of(node, self._trace.modules)

    def _users(self, node: fx.Node) -> list[fx.Node]:
        return [one for one in node.users if self._effect(one) != "shape"]

    def _orders(self, node: fx.Node) -> bool:
        """Return whether a node only orders or parts what it is given."""
        name = getattr(node.target, "__name__", str(node.target)).strip("_")
        return node.op != "call_module" and (self._effect(node) == "view" or name in _PARTING)

    def _value(self, node: fx.Node) -> Any:  # noqa: ANN401 - of sizes, too
        """Return what a node gives; of a signal that is not known, the shape is what counts."""
        if node not in self._values:
            self._values[node] = self._computed(node)
        return self._values[node]

    def _computed(self, node: fx.Node) -> Any:  # noqa: ANN401
        if node.op in {"placeholder", "call_module"}:
            return self._entered
        args, kwargs = tree_map(
            lambda one: self._value(one) if isinstance(one, fx.Node) else one,
            (tuple(node.args), dict(node.kwargs)),
        )
        signals = any(isinstance(one, Tensor) for one in tree_leaves((args, kwargs)))
        if signals and self._effect(node) != "shape" and not self._orders(node):
            return self._entered
        return self._trace.function_of(node)(*args, **kwargs)

    def _attend(self, first: set[fx.Node], second: set[fx.Node], count: int) -> bool:
        """Return whether two parts meet in a product; three may, for all that can be read."""
        first, second = set(first), set(second)
        for node in self._trace.nodes:
            given = set() if self._effect(node) == "shape" else set(node.all_input_nodes)
            if not first.isdisjoint(given) and not second.isdisjoint(given):
                return self._effect(node) in {"reads", "unknown"}
            for part in (first, second):
                if not part.isdisjoint(given):
                    part.add(node)
        return self._trace.broken and count == 3
