"""What theory predicts for any network that can be traced: skips, norms, convolutions, pools.

Answers: would a wide random network of these weight variances show the same scales?
Requires: a network that `torch.fx` can trace. Where theory has no rule for an operation, or a
layer's weights are not centred, the prediction starts again from what was measured there.
"""

import math
import operator
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from initsweep.graph.effects import effect_of_call
from initsweep.graph.forms import Inputs
from initsweep.graph.vocabulary import CONVOLUTIONS, DENSE, NORMS
from initsweep.probes import moments
from initsweep.probes.capture import Layer, Snapshot
from initsweep.probes.mean_field import Prediction, is_centred
from initsweep.probes.moments import Moments
from initsweep.probes.pointwise import is_pointwise
from initsweep.probes.valued_graph import applied, computes_as_torch, coverage, valued
from initsweep.probes.written import Pointwise, seen

RESHAPES = frozenset(
    {"flatten", "view", "reshape", "contiguous", "squeeze", "unsqueeze", "Flatten"}
)
ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")


def propagate(
    model: nn.Module, parameters: Mapping[str, Tensor], features: Inputs, snapshot: Snapshot
) -> tuple[Prediction | None, ...] | None:
    """Predict the scales of every layer that was recorded.

    Args:
        model: The network.
        parameters: All parameters by name.
        features: Shape (batch, *features), or several such.
        snapshot: What one pass over them showed.

    Returns:
        One prediction per layer, None for a layer that theory does not cover; None if the network
        cannot be traced, or a trace shows other layers than the pass did.

    Source: see `moments`; residual networks in the mean field: Yang and Schoenholz 2017.
    """
    traced = valued(model, parameters, features)
    if traced is None:
        return None
    network = _Network(*traced, snapshot.layers)
    return network.predictions() if network.is_known else None


class _Network:
    """A traced network with its values, and the layers that were recorded of it."""

    def __init__(self, model: nn.Module, graph: fx.Graph, layers: Sequence[Layer]) -> None:
        self._modules, self._nodes = dict(model.named_modules()), list(graph.nodes)
        self._layers = layers
        self._uses = [n for n in self._nodes if isinstance(self._module(n), DENSE)]
        # An attention is one operation of the graph, but several layers of the record.
        self._traced = [layer for layer in layers if not self._is_inside_attention(layer)]
        self._of = dict(zip(self._uses, self._traced, strict=False))
        self._moments: dict[fx.Node, Moments] = {}
        self._gradients: dict[fx.Node, Tensor] = {}
        self._activations: dict[fx.Node, Pointwise | None] = {}

    @property
    def is_known(self) -> bool:
        """Whether the trace uses the recorded layers, in their order."""
        return [str(node.target) for node in self._uses] == [layer.name for layer in self._traced]

    def predictions(self) -> tuple[Prediction | None, ...]:
        """Return one prediction per layer; None for those inside an attention."""
        with torch.no_grad():
            for node in self._nodes:
                self._forward(node)
            measured = self._backward()
        found = {
            id(self._of[node]): self._prediction(place)
            for node in self._uses
            if node not in measured and self._has_rule(node) and (place := self._seen(node))
        }
        return tuple(found.get(id(layer)) for layer in self._layers)

    def _is_inside_attention(self, layer: Layer) -> bool:
        parent = layer.name.rpartition(".")[0]
        return isinstance(self._modules.get(parent), nn.MultiheadAttention)

    def _prediction(self, node: fx.Node) -> Prediction:
        return Prediction(
            forward_std=float(self._moments[node].square.mean().sqrt()),
            backward_std=float(self._gradients[node].mean().sqrt()),
        )

    def _forward(self, node: fx.Node) -> None:
        value = node.meta.get("value")
        if not isinstance(value, Tensor) or value.dim() < 2 or not value.is_floating_point():
            return
        known = [self._moments[n] for n in node.all_input_nodes if n in self._moments]
        below = [one for one in known if len(one.square) == len(value)]  # of the same examples
        found: Moments | None = None
        if below and self._has_rule(node):
            found = moments.weighted(
                below[0], self._gain(node, "in"), _mean_square(self._of[node].bias)
            )
        elif (norm := self._norm(node)) is not None and below:
            found = moments.normalized(below[0], norm)
        elif (activation := self._activation(node)) is not None and below:
            found = moments.activated(below[0], activation)
        elif node.target in ADDITIONS and len(below) == 2 and _of_one_batch(below):
            found = moments.added(*below)
        elif self._keeps(node) and len(below) == 1:
            found = below[0]
        self._moments[node] = moments.measured(value) if found is None else found

    def _backward(self) -> set[fx.Node]:
        """Fill in every mean squared gradient, shape (batch,) or ().

        Returns:
            The layers at which the gradient is a measurement, for want of a rule above them.
        """
        restarted: set[fx.Node] = set()
        for node in reversed(self._nodes):
            layer = next((self._of[n] for n in self._uses if self._seen(n) is node), None)
            parts = [self._through(user, node) for user in node.users]
            known = [part for part in parts if part is not None]
            if parts and len(known) == len(parts):
                self._gradients[node] = sum(known[1:], known[0])
            elif layer is not None:
                count = len(node.meta["value"])
                self._gradients[node] = layer.gradients.reshape(count, -1).square().mean(dim=1)
                if layer is not self._layers[-1]:
                    restarted |= {n for n in self._uses if self._seen(n) is node}
        return restarted

    def _through(self, user: fx.Node, node: fx.Node) -> Tensor | None:
        """Return the mean squared gradient that reaches `node` through `user`, if known."""
        above, norm = self._gradients.get(user), self._norm(user)
        if above is None or node not in self._moments or _examples(user) != _examples(node):
            return None
        below, sizes = self._moments[node], (_units(user), _units(node))
        if user in self._of:
            return above * self._gain(user, "out") if self._computes_as_torch(user) else None
        if norm is not None:
            return above * moments.norm_slope(below, norm, sizes[1])
        activation = self._activation(user)
        if activation is not None:
            return above * moments.activation_slope(below, activation)
        if user.target in ADDITIONS or self._keeps(user):
            return above
        name = self._name(user).lower()
        if "max_pool" in name or "maxpool" in name:
            return above * sizes[0] / sizes[1]  # one input of each window gets it all
        if "avg_pool" in name or "avgpool" in name:
            return above * (sizes[0] / sizes[1]) ** 2
        return None

    def _gain(self, node: fx.Node, direction: str) -> float:
        """Return E[w²] times the connections of one output ("in") or one input ("out")."""
        module, layer = self._module(node), self._of[node]
        units, *rest = map(int, layer.weight.shape)
        mean_square = _mean_square(layer.weight)
        if not isinstance(module, CONVOLUTIONS):
            return mean_square * (rest[0] if direction == "in" else units)
        out, source = node.meta["value"], node.all_input_nodes[0].meta["value"]
        covered = coverage(module, source)
        if direction == "in":
            return mean_square * math.prod(rest) * covered
        positions = float(out[0, 0].numel() / source[0, 0].numel())
        taps = math.prod(rest[1:]) * covered * positions
        return mean_square * units / int(module.groups) * float(taps)

    def _has_rule(self, node: fx.Node) -> bool:
        """Return whether a node is a layer of centred weights without a `forward` of its own."""
        layer = self._of.get(node)
        return layer is not None and is_centred(layer) and self._computes_as_torch(node)

    def _computes_as_torch(self, node: fx.Node) -> bool:
        batched = self._of[node].weight.dim() in {2, node.meta["value"].dim()}
        return batched and computes_as_torch(self._module(node))

    def _norm(self, node: fx.Node) -> nn.Module | None:
        module = self._module(node)
        return module if isinstance(module, NORMS) and computes_as_torch(module) else None

    def _seen(self, node: fx.Node) -> fx.Node | None:
        """Return where the layer's pre-activation is: at the norm that follows it, if one does.

        None if that norm is a part of something else.
        """
        norms = (user for user in node.users if self._norm(user) is not None)
        return next(norms, None) if self._of[node].normalized else node

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self._modules.get(str(node.target)) if node.op == "call_module" else None

    def _name(self, node: fx.Node) -> str:
        module = self._module(node)
        if module is not None:
            return type(module).__name__
        return node.target if isinstance(node.target, str) else node.target.__name__

    def _activation(self, node: fx.Node) -> Pointwise | None:
        """Return the pointwise function that a node applies to its one input, if it does."""
        if node not in self._activations:
            self._activations[node] = self._found(node)
        return self._activations[node]

    def _found(self, node: fx.Node) -> Pointwise | None:
        module, given = self._module(node), [n.meta.get("value") for n in node.all_input_nodes]
        gives = node.meta.get("value")
        function: Pointwise | None = module
        if effect_of_call(node.target) == "activation" and node.op != "call_module":
            function = applied(node)
        tensors = [one for one in (*given, gives) if isinstance(one, Tensor)]
        if function is None or len(given) != 1 or len({one.shape for one in tensors}) != 1:
            return None
        return function if is_pointwise(function, *map(seen, tensors)) else None

    def _keeps(self, node: fx.Node) -> bool:
        name = self._name(node)
        kept = name in RESHAPES or "dropout" in name.lower() or name == "Identity"
        return kept or node.op == "output"


def _of_one_batch(signals: Sequence[Moments]) -> bool:
    """Return whether signals describe the same examples; a table of positions describes none."""
    return len({signal.square.shape for signal in signals}) == 1


def _mean_square(values: Tensor | None) -> float:
    return 0.0 if values is None else float(values.square().mean())


def _examples(node: fx.Node) -> int | None:
    value = node.meta.get("value")
    return len(value) if isinstance(value, Tensor) and value.dim() else None


def _units(node: fx.Node) -> int:
    value = node.meta.get("value")
    return math.prod(value.shape[1:]) if isinstance(value, Tensor) else 1
