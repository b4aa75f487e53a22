"""What a network computes of a signal in operations of its own, noted while it runs.

An activation or a norm may be written out: `z * torch.sigmoid(z)`, or the mean taken off and the
rest divided by its spread. What is computed of one signal alone is noted as a formula.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, fx
from torch.utils._pytree import tree_leaves, tree_map

from initsweep.graph.effects import effect_of_call
from initsweep.graph.formulas import Formula, needed, normalizes
from initsweep.graph.vocabulary import ELEMENTWISE, is_matrix

Pointwise = Callable[[Tensor], Tensor]

SEEN = 1024  # numbers by which a function is recognised as pointwise
_SCALES = {"mul", "rmul", "imul", "div", "truediv", "itruediv", "true_divide", "neg"}
_STEPS = ELEMENTWISE | {"average", "statistic", "view"}


def seen(signal: Tensor) -> Tensor:
    """Return some of a signal's numbers, spread over it; always the same for one shape."""
    flat = signal.detach().flatten()
    return flat[:: max(1, len(flat) // SEEN)].clone()


class Written:
    """Formulas of signals; a node has its value in `meta["value"]` and its signal in "source"."""

    def __init__(self) -> None:
        self._graph = fx.Graph()
        self._nodes: dict[int, fx.Node] = {}

    def begin(self, signal: Tensor) -> fx.Node:
        """Return what stands for a signal, of which all is noted from here on."""
        node = self._graph.placeholder("signal")
        node.meta |= {"source": node, "effect": "signal"}
        return self._keep(node, signal)

    def noted(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        settings: Mapping[str, Any],
        result: object,
    ) -> fx.Node | None:
        """Return what stands for a result that is computed of one signal alone, if it is."""
        given = [one for one in tree_leaves((args, settings)) if isinstance(one, Tensor)]
        known = [self._nodes[id(one)] for one in given if id(one) in self._nodes]
        effect = effect_of_call(function, len(given))
        if not known or not _is_of_tensors(result) or function is Tensor.detach:
            return None  # a size, or what only looks on
        others = [one for one in given if id(one) not in self._nodes]
        same = {node.meta["source"] for node in known}
        gains = [one for one in others if not _is_constant(one, effect)]
        if (
            effect not in _STEPS
            or len(same) > 1
            or not all(_is_gain(one, effect, known) for one in gains)
        ):
            for node in known:
                node.meta["left"] = True
            return None
        inputs = tree_map(lambda one: self._nodes.get(id(one), one), (args, dict(settings)))
        node = self._step(function, effect, inputs, same.pop(), result)
        node.meta["gains"] = gains
        return node

    def origin(self, value: Tensor) -> Tensor:
        """Return the signal that a value is a view or a multiple of, else the value itself."""
        node = self._nodes.get(id(value))
        while node is not None and node is not node.meta["source"]:
            given = [one for one in tree_leaves((node.args, node.kwargs)) if type(one) is fx.Node]
            name = getattr(node.target, "__name__", "").strip("_")
            scales = node.meta["effect"] == "arithmetic" and name in _SCALES
            if len(given) > 1 or not (scales or node.meta["effect"] == "view"):
                return value
            node = given[0]
        whole = node is not None and node.meta["value"].numel() == value.numel()
        return node.meta["value"] if node is not None and whole else value

    def _step(
        self,
        function: Callable[..., Any],
        effect: str,
        inputs: tuple[Any, Any],
        source: fx.Node,
        result: object,
    ) -> fx.Node:
        node = self._graph.create_node("call_function", function, *inputs)
        node.meta |= {"source": source, "effect": effect}
        for index, part in enumerate(result if isinstance(result, tuple) else ()):
            self._step(tuple.__getitem__, "view", ((node, index), {}), source, part)
        return self._keep(node, result)

    def _keep(self, node: fx.Node, value: object) -> fx.Node:
        node.meta["value"] = value  # which keeps its id from being another's
        # A copy, because what follows may overwrite it.
        node.meta["gave"] = seen(value) if isinstance(value, Tensor) else None
        self._nodes[id(value)] = node
        return node


def _is_of_tensors(result: object) -> bool:
    return isinstance(result, Tensor) or (isinstance(result, tuple) and Tensor in map(type, result))


def _is_constant(one: Tensor, effect: str) -> bool:
    # The slope of a PReLU is trained, and at the start a constant.
    return one.numel() == 1 and (effect == "activation" or not one.requires_grad)


def _is_gain(one: Tensor, effect: str, known: Sequence[fx.Node]) -> bool:
    # Some norms are written with their scale before the division: a (x - mean) / spread + b.
    begun = (step.meta["effect"] for node in known for step in needed(node, node.meta["source"]))
    return (
        effect in {"arithmetic", "adds"}
        and not is_matrix(one.shape)
        and not {"average", "statistic"}.isdisjoint(begun)
    )


def gains_of(last: fx.Node) -> list[Tensor]:
    """Return the scales and shifts in what a value is computed by."""
    return [gain for one in needed(last, last.meta["source"]) for gain in one.meta.get("gains", ())]


def formula_of(last: fx.Node) -> Formula:
    """Return how a value is computed of its signal."""
    inner = needed(last, last.meta["source"])
    steps = tuple((one, one.target) for one in last.graph.nodes if one in inner)
    return Formula(last.meta["source"], steps)


def is_norm(last: fx.Node) -> bool:
    """Return whether a value is the signal brought to a scale of its own."""
    source, value = last.meta["source"], last.meta["value"]
    if not isinstance(value, Tensor) or value.shape != source.meta["value"].shape:
        return False
    effects = {one.meta["effect"] for one in needed(last, source)}
    return not effects.isdisjoint({"average", "statistic"}) and normalizes(
        formula_of(last), [tuple(value.shape)]
    )


def activations_of(source: fx.Node) -> Iterator[tuple[Formula, Tensor]]:
    """Yield what may be the activation of a signal, with what it gave.

    Yields:
        All that is computed of it alone, up to each value that something else takes up.
    """
    steps = [
        one for one in source.graph.nodes if one.meta["source"] is source and one is not source
    ]
    for end in [one for one in steps if one.meta.get("left") or not one.users]:
        last = end
        while last.meta["effect"] in {"view", "average", "statistic"}:  # what only takes it up
            last = last.all_input_nodes[0]
        if last is source or gains_of(last):
            continue
        if any(map(_is_nonlinear, needed(last, source))):
            yield formula_of(last), last.meta["gave"]


def _is_nonlinear(one: fx.Node) -> bool:
    several = sum(isinstance(given, fx.Node) for given in one.args) > 1
    return one.meta["effect"] in {"activation", "piecewise"} or several
