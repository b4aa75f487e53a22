"""Follows signals through a traced network: what a layer's output meets, what its input was."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from torch import Tensor, fx, nn

from initsweep.graph.effects import effect_of, effect_of_call, inputs_of, name_of
from initsweep.graph.formulas import SHAPES, Formula, needed, normalizes
from initsweep.graph.traces import Trace
from initsweep.graph.twins import apart
from initsweep.graph.vocabulary import ELEMENTWISE, KEEPING, RECURRENT, Effect
from initsweep.initializers.layers import Activation

_NO_SIGNAL = "it reads an attribute of a tensor, such as `.real` or `.T`, or a constant"
_WRITTEN: frozenset[Effect] = ELEMENTWISE | {"average", "statistic", "view", "shape"}
"""Steps of a norm that is written out."""


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
        self._norms: set[fx.Node] = set()
        self._fixed: set[fx.Node] = set()  # what is computed of parameters alone
        for node in trace.nodes:
            given = node.all_input_nodes
            if node.op == "get_attr" or (given and self._fixed.issuperset(given)):
                self._fixed.add(node)
        self._lives = needed(trace.nodes[-1], trace.nodes[0])
        self._writes_norms = any(self._is_of_many(node) for node in trace.nodes)

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
        effect, inputs = effect_of(value, self._trace.modules), inputs_of(value)
        if effect in {"reads", "norm"} or self._is_written_norm(value):
            return None
        if effect in KEEPING and inputs:
            return self._origin(inputs[0])
        return Unclear(f"it reads the result of {name_of(value)}")

    def _is_written_norm(self, node: fx.Node) -> bool:
        """Return whether a node ends a norm that is written out, its own scale and shift last."""
        while node not in self._norms and len(inputs := self._signals(node)) == 1:
            if effect_of(node, self._trace.modules) not in {"arithmetic", "adds"}:
                break
            node = inputs[0]
        return node in self._norms

    def _follow(self, value: fx.Node, seen: set[fx.Node]) -> Iterator[Outcome]:
        if value in seen:
            return
        seen.add(value)
        composed, exits = self._composed(value, ELEMENTWISE)
        if norm := self._written_norm(value):
            composed = [*needed(norm, value)]
            yield from self._follow(norm, seen)
        elif composed and any(map(self._is_nonlinear, composed)):
            yield self._activation(value, exits)
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
        elif (
            effect in KEEPING
            or effect == "adds"
            or (effect == "arithmetic" and self._signals(user) == [value])
        ):
            yield from self._follow(user, seen)
        elif effect == "reads":
            yield None
        elif effect == "arithmetic":
            yield Unclear("its output is multiplied with another value")
        elif effect != "shape":
            yield Unclear(f"its output goes to {name_of(user)}, which is not a known operation")

    def _signals(self, node: fx.Node) -> list[fx.Node]:
        return [one for one in inputs_of(node) if one not in self._fixed]

    def _leave(self) -> Outcome:
        if not self._trace.failure:
            return None
        return Unclear(f"its output leaves '{self._trace.path}' and {self._trace.failure}")

    def _composed(
        self, value: fx.Node, effects: Collection[Effect]
    ) -> tuple[list[fx.Node], list[fx.Node]]:
        """Return the operations of some effects on `value` alone, and those that others use."""
        members: list[fx.Node] = []
        reached = {value}
        for node in self._trace.nodes[self._order[value] + 1 :]:
            effect = effect_of(node, self._trace.modules)
            given = set(node.all_input_nodes)
            if effect in {"activation", "piecewise"} and not given <= reached:
                given = {one for one in given if not self._trace.is_number(one)}
            if effect in effects and given and given <= reached:
                reached.add(node)
                members.append(node)
        exits = [node for node in members if any(user not in reached for user in node.users)]
        return members, exits

    def _is_of_many(self, node: fx.Node) -> bool:
        return effect_of(node, self._trace.modules) in {"average", "statistic"}

    def _written_norm(self, value: fx.Node) -> fx.Node | None:
        """Return the end of a norm of `value` that is written out, if there is one."""
        if not self._writes_norms:
            return None
        members, _ = self._composed(value, _WRITTEN)
        for node in members:
            inner = needed(node, value)
            many = any(map(self._is_of_many, inner))
            if (
                many
                and self._leads_on(inner, node)
                and normalizes(self._formula(value, node), SHAPES)
            ):
                self._norms.add(node)
                return node
        return None

    def _leads_on(self, inner: set[fx.Node], last: fx.Node) -> bool:
        """Return whether nothing but sizes is taken from before the last of some operations."""
        users = {user for one in inner - {last} for user in one.users} & self._lives
        return all(one in inner or effect_of_call(one.target) == "shape" for one in users)

    def _formula(self, source: fx.Node, last: fx.Node) -> Formula:
        inner = needed(last, source)
        return Formula(
            source,
            tuple((one, apart(self._function(one))) for one in self._trace.nodes if one in inner),
        )

    def _is_nonlinear(self, node: fx.Node) -> bool:
        effect = effect_of(node, self._trace.modules)
        return effect in {"activation", "piecewise"} or (
            effect == "arithmetic"
            and len(node.args) > 1
            and all(isinstance(one, fx.Node) for one in node.args[:2])
        )

    def _activation(self, source: fx.Node, exits: list[fx.Node]) -> Outcome:
        if len(exits) != 1:
            return Unclear("its output goes through several activations side by side")
        last = exits[0]
        plain = last.all_input_nodes == list(last.args) and not set(last.kwargs) - {"inplace"}
        alone = plain and last.all_input_nodes == [source]
        self._results[last] = self._function(last) if alone else self._formula(source, last)
        return self._results[last]

    def _function(self, node: fx.Node) -> Callable[..., Tensor]:
        function = self._trace.function_of(node)
        # PReLU learns its slope; at the start it is a leaky ReLU.
        return nn.LeakyReLU(function.init) if isinstance(function, nn.PReLU) else function
