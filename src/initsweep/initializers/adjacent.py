"""Finds the activation before and after each layer, by reading the network's operations."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.core.registry import did_you_mean
from initsweep.graph.kinds import declared_of, is_a
from initsweep.graph.traces import Traces, traces_of
from initsweep.graph.vocabulary import RECURRENT, WEIGHTED
from initsweep.initializers.following import Outcome, Reader, Unclear
from initsweep.initializers.layers import Activation


class Activations(Mapping[str, Activation]):
    """Activation by the path of the layer that it follows; layers with a linear output are absent.

    Attributes:
        unclear: Layers of which reading the network does not tell, by path, with the reason. They
            are absent too.
    """

    def __init__(self, found: Mapping[str, Activation], unclear: Mapping[str, str]) -> None:
        self._found = dict(found)
        self.unclear = dict(unclear)

    def __getitem__(self, path: str) -> Activation:
        return self._found[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Activations({self._found!r}, unclear={self.unclear!r})"


def activations_after(model: nn.Module, traces: Traces | None = None) -> Activations:
    """Return the activation that follows each layer, by the layer's module path.

    A network may say so itself through an attribute `activation_after`, a mapping from module
    path to function, and is believed. Otherwise its operations are read with `torch.fx`, past
    normalization, dropout, pooling, changes of shape and residual additions; of a network that
    cannot be traced as a whole, the parts that can be. Nothing is run and nothing is changed.

    Args:
        model: The network.
        traces: How to come by its operations, if they have been read before.

    Returns:
        The activations, and in `unclear` the layers about which the operations do not tell.

    Raises:
        InitsweepError: If the network's `activation_after` names a module it does not have.

    Examples:
        >>> from torch import nn
        >>> from initsweep import activations_after
        >>> network = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
        >>> dict(activations_after(network))
        {'0': Tanh()}
    """
    declared: Mapping[str, Activation] | None = getattr(model, "activation_after", None)
    paths = [path for path, _ in model.named_modules()]
    if declared is not None:
        for name in declared:
            if name not in paths:
                raise InitsweepError(
                    f"{type(model).__name__}.activation_after names '{name}', which is not a "
                    f"module of the network.{did_you_mean(name, paths)}"
                )
        return Activations(declared, {})
    outcomes: dict[str, list[Outcome]] = {
        path: []
        for path, module in model.named_modules()
        if is_a(module, WEIGHTED) and not isinstance(module, RECURRENT)
    }
    outcomes |= {path: [] for path in _held(model)}
    known = dict(_inside_torch(model))
    for trace in traces_of(model) if traces is None else traces():
        for path, outcome in () if trace.broken else Reader(trace).outcomes():
            outcomes.setdefault(path, []).append(outcome)
    return _summed_up({**outcomes, **{path: [one] for path, one in known.items()}})


def activations_before(model: nn.Module, traces: Traces | None = None) -> Activations:
    """Return the activation whose result each layer reads, by the layer's module path.

    Layers that read the network's inputs, another layer's output, or what a normalization has
    brought to unit variance are absent. Found as by `activations_after`; what a network says in
    `activation_after` is not asked.

    Args:
        model: The network.
        traces: How to come by its operations, if they have been read before.

    Returns:
        The activations, and in `unclear` the layers about which the operations do not tell; a sum,
        as on a residual path, is among them.

    Examples:
        >>> from torch import nn
        >>> from initsweep import activations_before
        >>> network = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
        >>> dict(activations_before(network))
        {'2': Tanh()}
    """
    outcomes: dict[str, list[Outcome]] = {}
    for trace in traces_of(model) if traces is None else traces():
        for path, outcome in () if trace.broken else Reader(trace).incoming():
            outcomes.setdefault(path, []).append(outcome)
    return _summed_up(outcomes)


def _held(model: nn.Module) -> Iterator[str]:
    """Yield the weights of modules that are declared to hold several.

    Yields:
        Names of parameters.
    """
    for path, module in model.named_modules():
        declared = declared_of(module)
        weighted = declared and issubclass(declared.like or nn.Module, WEIGHTED)
        if declared and weighted and not declared.is_one_layer:
            yield from (f"{path}.{name}".lstrip(".") for name in declared.weights)


def _inside_torch(model: nn.Module) -> Iterator[tuple[str, Activation | None]]:
    """Yield what torch's transformer layers do inside; they cannot be traced.

    Yields:
        Module path and the activation after it.
    """
    for path, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            prefix = f"{path}." if path else ""
            yield f"{prefix}linear1", module.activation
            yield f"{prefix}linear2", None
            for name, child in module.named_children():
                if isinstance(child, nn.MultiheadAttention):
                    yield f"{prefix}{name}.out_proj", None
                    yield f"{prefix}{name}", None


def _summed_up(outcomes: Mapping[str, list[Outcome]]) -> Activations:
    found: dict[str, Activation] = {}
    unclear: dict[str, str] = {}
    for path, ways in outcomes.items():
        reasons = [way.reason for way in ways if isinstance(way, Unclear)]
        functions = [way for way in ways if way is not None and not isinstance(way, Unclear)]
        if not ways:
            unclear[path] = "the network does not call it as a module"
        elif reasons:
            unclear[path] = reasons[0]
        elif functions and len(functions) < len(ways):
            unclear[path] = "there is an activation on some of its ways but not on all"
        elif any(not _same(functions[0], other) for other in functions[1:]):
            unclear[path] = "it has different activations on different ways"
        elif functions:
            found[path] = functions[0]
    return Activations(found, unclear)


def _same(one: Activation, other: Activation) -> bool:
    grid = torch.linspace(-8, 8, 161, dtype=torch.float64)
    with torch.no_grad():
        return one is other or torch.equal(one(grid.clone()), other(grid.clone()))
