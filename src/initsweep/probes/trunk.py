"""The trunk of a network: what every signal from the input to the loss passes through.

A plain chain is all trunk. In a network with skips, the trunk is the stream: the layers before and
after the blocks, and the sums in which a branch joins it. What becomes of scales on the way is
asked of the trunk alone: a branch may start small or closed and the network trains all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from initsweep.graph.forms import mapped
from initsweep.probes.deviation import standard_deviation

Node = torch.autograd.graph.Node
SUMS = frozenset({"add", "radd", "iadd", "sub", "rsub"})
"""Names without the underscores around them."""


@dataclass(slots=True, eq=False)
class Sum:
    """One addition of two signals of one shape, while the pass is running.

    Attributes:
        after: Number of uses of weight layers before it.
        node: Where it stands in torch's graph of the pass.
        forward_std: Standard deviation of its result.
        gradient: The loss gradient with respect to its result, once there is one.
    """

    after: int
    node: Node
    forward_std: float
    gradient: list[Tensor] = field(default_factory=list)

    @property
    def backward_std(self) -> float:
        """Standard deviation of that gradient."""
        return standard_deviation(self.gradient[0]) if self.gradient else 0.0


def entering(inputs: Any) -> tuple[Any, set[Node]]:  # noqa: ANN401 - of any form
    """Return inputs whose way through a network can be followed, and where they enter."""
    sources: set[Node] = set()

    def opened(one: object) -> object:
        if not isinstance(one, Tensor) or not one.is_floating_point():
            return one
        # A clone, because a network may change its input in place, which a leaf does not bear.
        followed = one.detach().requires_grad_().clone()
        sources.update([followed.grad_fn] if followed.grad_fn else [])
        return followed

    return mapped(opened, inputs), sources


def noted_sum(args: Sequence[object], result: object, after: int) -> Sum | None:
    """Return a record of an addition, if it is one of two signals."""
    one, two = (*args, None, None)[:2]
    if not (isinstance(one, Tensor) and isinstance(two, Tensor) and isinstance(result, Tensor)):
        return None
    if one.shape != two.shape or result.grad_fn is None or one.dim() < 2:
        return None
    found = Sum(after, result.grad_fn, standard_deviation(result.detach()))
    result.register_hook(found.gradient.append)  # type: ignore[no-untyped-call]
    return found


def varies(indices: object, examples: int) -> bool:
    """Return whether a lookup is of the data: its indices differ from example to example."""
    if not isinstance(indices, Tensor) or indices.dim() < 1 or len(indices) != examples:
        return False
    return not bool((indices == indices[:1]).all())


def trunk_of(loss: Tensor, sources: Iterable[Node], first: Node | None) -> dict[Node, int]:
    """Return the nodes that every path from the data to the loss goes through, with their places.

    Args:
        loss: The loss, before the pass back.
        sources: Where data enter: the inputs' leaf and lookups.
        first: The first weight layer, where no gradient reaches the data themselves.
    """
    if loss.grad_fn is None:
        return {}
    order = _computed(loss.grad_fn)
    starts = set(sources) & set(order) or ({first} if first is not None else set())
    known: set[Node] = set()
    for node in order:
        if node in starts or any(below in known for below in _below(node)):
            known.add(node)
    return _unavoidable([node for node in order if node in known], starts)


def _unavoidable(order: Sequence[Node], starts: set[Node]) -> dict[Node, int]:
    """Return the nodes that no edge leads past, given nodes in the order of computation."""
    place = {node: index for index, node in enumerate(order)}
    reach = list(range(len(order)))  # how far up the edges of each go
    for node in order:
        for below in _below(node):
            if below in place:
                reach[place[below]] = max(reach[place[below]], place[node])
    # Data enter at all starts at once: before the last of them, a path may lead past.
    found, furthest = {}, max((place[one] for one in starts if one in place), default=0)
    for index, node in enumerate(order):
        if furthest <= index:
            found[node] = index
        furthest = max(furthest, reach[index])
    return found


def _below(node: Node) -> list[Node]:
    return [below for below, _ in node.next_functions if below is not None]


def _computed(root: Node) -> list[Node]:
    """Return all nodes below, each after those that it was computed from."""
    order: list[Node] = []
    seen, stack = {root}, [(root, iter(_below(root)))]
    while stack:
        node, rest = stack[-1]
        below = next((one for one in rest if one not in seen), None)
        if below is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(below)
            stack.append((below, iter(_below(below))))
    return order
