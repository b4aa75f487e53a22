"""Follows signals through a traced network: what a layer's output meets, what its input was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from initsweep.graph.twins import apart
from initsweep.initializers.kinds import is_a
from initsweep.initializers.layers import NORMS, RECURRENT, Activation
from initsweep.initializers.operations import effect_of, inputs_of, name_of
from initsweep.initializers.tracing import Trace


@dataclass(frozen=True, slots=True)
class Composite:
    """An activation that a network computes in several operations, such as z sigmoid(z).

    Attributes:
        steps: Function, arguments and keywords of each; `fx.Node`s stand for earlier results.
    """

    source: fx.Node
    steps: tuple[tuple[fx.Node, Callable[..., Tensor]], ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Return the activation of every entry, of the shape of `z`."""
        values: dict[fx.Node, Any] = {self.source: z}
        for node, function in self.steps:
            args, kwargs = fx.map_arg((node.args, node.kwargs), lambda one: values[one])
            values[node] = function(*args, **kwargs)
        return next(reversed(values.values()))  # type: ignore[no-any-return]


_NO_SIGNAL = "it reads an attribute of a tensor, such as `.real` or `.T`, or a constant"
_ELEMENTWISE = {"activation", "arithmetic", "adds"}


@dataclass(frozen=True, slots=True)
class Unclear:
    """What the operations do not tell, and why."""

    reason: str


Outcome = Activation | Unclear | None
"""The activation at one side of a layer; None where there is none."""


class Reader:
    """Follows the output of every layer of one trace to what becomes of it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._order = {node: index for index, node in enumerate(trace.nodes)}
        self._results: dict[fx.Node, Activation] = {}

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """Yield (path, outcome) for every way that a layer's output takes.

        Yields:
            At least one outcome for each call of a layer.
        """
        for node in self._trace.calls():
            module, path = self._trace.modules[str(node.target)], self._trace.path_of(node)
            if isinstance(module, RECURRENT):
                continue
            if isinstance(module, nn.MultiheadAttention):
                yield path, None  # attention reads its projections
                path = f"{path}.out_proj"
            for outcome in self._follow(node, set()):
                yield path, outcome

    def incoming(self) -> Iterator[tuple[str, Outcome]]:
        """Yield (path, outcome) for the input of every call of a layer with one weight.

        Yields:
            The activation whose result the layer reads, None for the network's inputs, the output
            of another layer, and what a normalization has brought to unit variance.
        """
        for _ in self.outcomes():
            pass  # fills the results of activations
        for node in self._trace.calls():
            module = self._trace.modules[str(node.target)]
            if not isinstance(module, (nn.MultiheadAttention, *RECURRENT)):
                signals = inputs_of(node)
                told = self._origin(signals[0]) if signals else Unclear(_NO_SIGNAL)
                yield self._trace.path_of(node), told

    def _origin(self, value: fx.Node) -> Outcome:
        if value in self._results:
            return self._results[value]
        if value.op == "placeholder":
            path, failure = self._trace.path, self._trace.failure
            return Unclear(f"it reads what enters '{path}' and {failure}") if failure else None
        effect = effect_of(value, self._trace.modules)
        if effect == "reads" or self._normalizes(value):
            return None
        if effect == "passes" and inputs_of(value):
            return self._origin(inputs_of(value)[0])
        return Unclear(f"it reads the result of {name_of(value)}")

    def _normalizes(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return is_a(self._trace.modules[str(node.target)], NORMS)
        return str(getattr(node.target, "__name__", "")).endswith("_norm")

    def _follow(self, value: fx.Node, seen: set[fx.Node]) -> Iterator[Outcome]:
        if value in seen:
            return
        seen.add(value)
        composed, exits = self._composed(value)
        if composed and any(map(self._is_nonlinear, composed)):
            yield self._activation(value, composed, exits)
        elif composed:
            for node in exits:
                yield from self._follow(node, seen)
        for user in value.users:
            if user not in composed:
                yield from self._meet(value, user, seen)

    def _meet(self, value: fx.Node, user: fx.Node, seen: set[fx.Node]) -> Iterator[Outcome]:
        effect = effect_of(user, self._trace.modules)
        if user.op == "output":
            yield self._leave()
        elif effect in {"passes", "adds"} or (
            effect == "arithmetic" and inputs_of(user) == [value]
        ):
            yield from self._follow(user, seen)
        elif effect == "reads":
            yield None
        elif effect == "arithmetic":
            yield Unclear("its output is multiplied with another value")
        elif effect != "shape":
            yield Unclear(f"its output goes to {name_of(user)}, which is not a known operation")

    def _leave(self) -> Outcome:
        if not self._trace.failure:
            return None
        return Unclear(f"its output leaves '{self._trace.path}' and {self._trace.failure}")

    def _composed(self, value: fx.Node) -> tuple[list[fx.Node], list[fx.Node]]:
        """Return the elementwise operations on `value` alone, and those whose result is used."""
        members: list[fx.Node] = []
        reached = {value}
        for node in self._trace.nodes[self._order[value] + 1 :]:
            elementwise = effect_of(node, self._trace.modules) in _ELEMENTWISE
            if elementwise and node.all_input_nodes and reached.issuperset(node.all_input_nodes):
                reached.add(node)
                members.append(node)
        exits = [node for node in members if any(user not in reached for user in node.users)]
        return members, exits

    def _is_nonlinear(self, node: fx.Node) -> bool:
        effect = effect_of(node, self._trace.modules)
        return effect == "activation" or (
            effect == "arithmetic"
            and len(node.args) > 1
            and all(isinstance(one, fx.Node) for one in node.args[:2])
        )

    def _activation(self, source: fx.Node, members: list[fx.Node], exits: list[fx.Node]) -> Outcome:
        if len(exits) != 1:
            return Unclear("its output goes through several activations side by side")
        last = exits[0]
        steps = tuple((one, self._function(one)) for one in members[: members.index(last) + 1])
        plain = last.all_input_nodes == list(last.args) and not set(last.kwargs) - {"inplace"}
        if len(steps) == 1 and plain:
            self._results[last] = steps[0][1]
        else:
            self._results[last] = Composite(
                source, tuple((one, apart(function)) for one, function in steps)
            )
        return self._results[last]

    def _function(self, node: fx.Node) -> Callable[..., Tensor]:
        function = self._trace.function_of(node)
        # PReLU learns its slope; at the start it is a leaky ReLU.
        return nn.LeakyReLU(function.init) if isinstance(function, nn.PReLU) else function
