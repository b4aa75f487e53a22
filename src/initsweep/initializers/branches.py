"""Finds the residual branches of a network: what is added to a path around it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import fx, nn

from initsweep.core.errors import InitsweepError
from initsweep.graph.effects import effect_of, inputs_of, name_of
from initsweep.graph.kinds import is_a
from initsweep.graph.traces import Trace, Traces, traces_of
from initsweep.graph.twins import apart
from initsweep.graph.vocabulary import NORMS, TABLES, WEIGHTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One residual branch.

    Attributes:
        layers: Paths of its layers with weights, in the order of execution.
        ends: Those of them whose result no other layer reads before it is added.
        norms: Paths of its normalization layers, in the order of execution.
        ends_in_norm: Whether a normalization stands after the last layer.
        blocked: Activations after the last layer whose slope at 0 is 0, so that zeros before them
            get no gradient.
        blocked_norm: The same after the last normalization.
    """

    layers: tuple[str, ...]
    ends: tuple[str, ...]
    norms: tuple[str, ...]
    ends_in_norm: bool
    blocked: tuple[str, ...]
    blocked_norm: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """The branches of a network, and its last layer.

    Attributes:
        branches: In the order of execution.
        head: Path of the last layer that the network calls.
    """

    branches: tuple[Branch, ...]
    head: str


def residual_of(model: nn.Module, traces: Traces | None = None) -> Residual:
    """Return the residual branches, found where two values that share a source are added.

    The path around a branch is the side that leads to the source without a layer between; if that
    is none or both, the one with fewer layers. Two sides with equally many are no residual
    connection.

    Args:
        model: The network.
        traces: How to come by its operations, if they have been read before.

    Raises:
        InitsweepError: If the network cannot be traced as a whole, or has no residual branch.
    """
    found = traces_of(model) if traces is None else traces()
    if not found or found[0].failure or found[0].path:
        reason = found[0].failure if found else "it has no layers"
        raise InitsweepError(
            f"The residual branches of {type(model).__name__} cannot be found: {reason}. Write "
            "its forward without branches that depend on data."
        )
    trace = found[0]
    if not (branches := branches_in(trace)):
        raise InitsweepError(
            f"{type(model).__name__} has no residual branch: nowhere are layers added to a path "
            "around them. Choose a scheme for plain networks."
        )
    return Residual(branches=branches, head=trace.path_of(trace.calls()[-1]))


def branches_in(trace: Trace) -> tuple[Branch, ...]:
    """Return the residual branches of a network, or of the part of it that could be read."""
    signals = signals_in(trace)
    sums = (_branch(trace, node, signals) for node in trace.nodes if len(inputs_of(node)) == 2)
    return tuple(branch for branch in sums if branch is not None)


def signals_in(trace: Trace) -> set[fx.Node]:
    """Return the operations whose values depend on those of the network's inputs."""
    found: set[fx.Node] = set()
    for node in trace.nodes:
        if node.op == "placeholder" or not found.isdisjoint(inputs_of(node)):
            found.add(node)
    return found


def _branch(trace: Trace, node: fx.Node, signals: set[fx.Node]) -> Branch | None:
    if effect_of(node, trace.modules) != "adds":
        return None
    weighted = _is(trace, WEIGHTED)
    # What a table looks up is no signal, so that no sum of tables is a branch.
    tables = _is(trace, TABLES)
    one, other = (_ancestors(value, stop=tables) for value in inputs_of(node))
    if not (shared := one & other & signals):
        return None
    sides = [_in_order(trace, one - other), _in_order(trace, other - one)]
    near = [_ancestors(value, stop=weighted) for value in inputs_of(node)]
    around = [bool(nodes & shared) for nodes in near]
    counts = [sum(map(weighted, side)) for side in sides]
    ranks = counts if around[0] == around[1] else [not way for way in around]
    chosen = ranks[1] > ranks[0]
    side = sides[chosen]
    layers = [step for step in side if weighted(step)]
    if ranks[0] == ranks[1] or not layers:
        return None
    norms = [step for step in side if _is(trace, NORMS)(step)]
    after = side[side.index(layers[-1]) + 1 :]
    after_norm = side[side.index(norms[-1]) + 1 :] if norms else []
    return Branch(
        layers=tuple(map(trace.path_of, layers)),
        ends=tuple(trace.path_of(step) for step in layers if step in near[chosen]),
        norms=tuple(map(trace.path_of, norms)),
        ends_in_norm=any(map(_is(trace, NORMS), after)),
        blocked=tuple(name_of(step) for step in after if _blocks(trace, step)),
        blocked_norm=tuple(name_of(step) for step in after_norm if _blocks(trace, step)),
    )


def _ancestors(node: fx.Node, stop: Callable[[fx.Node], bool] = lambda _: False) -> set[fx.Node]:
    """Return a node and what it is computed from, but nothing before nodes to stop at."""
    found, waiting = set(), [node]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend([] if stop(one) else inputs_of(one))
    return found


def _in_order(trace: Trace, nodes: Iterable[fx.Node]) -> list[fx.Node]:
    members = set(nodes)
    return [node for node in trace.nodes if node in members]


def _is(trace: Trace, kinds: tuple[type[nn.Module], ...]) -> Callable[[fx.Node], bool]:
    return lambda node: node.op == "call_module" and is_a(trace.modules[str(node.target)], kinds)


def _blocks(trace: Trace, node: fx.Node) -> bool:
    """Return whether an activation has the slope 0 at 0."""
    if effect_of(node, trace.modules) != "activation":
        return False
    zero = torch.zeros(1, requires_grad=True)
    args = tuple(zero if isinstance(one, fx.Node) else one for one in node.args)
    function = apart(trace.function_of(node))
    with torch.enable_grad():
        inner = tuple(one * 1 if one is zero else one for one in args)
        value = function(*inner, **node.kwargs)
        (slope,) = torch.autograd.grad(value.sum(), zero)
    return float(slope) == 0
