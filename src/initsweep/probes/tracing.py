"""A network as a graph of operations, with the value of each on one batch."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initsweep.probes.recording import NORMS, WEIGHT_LAYERS, Pointwise


class _Tracer(fx.Tracer):
    """Stops at every layer of torch's, subclasses included."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether to take the module as one operation."""
        known = isinstance(m, (*WEIGHT_LAYERS, *NORMS))
        return known or super().is_leaf_module(m, module_qualified_name)


class _Values(fx.Interpreter):
    """Runs the network and keeps every value."""

    def run_node(self, n: fx.Node) -> object:
        """Return what one node gives, and keep it."""
        n.meta["value"] = super().run_node(n)
        return n.meta["value"]


def trace(
    model: nn.Module, parameters: Mapping[str, Tensor], features: Tensor
) -> tuple[nn.Module, fx.Graph] | None:
    """Return a copy of the network in float64 and its graph; values are in `node.meta["value"]`.

    Returns:
        None if the network cannot be traced: its flow depends on its data, or it cannot be copied.
    """
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            twin = copy.deepcopy(model)
            for name, parameter in twin.named_parameters():
                parameter.copy_(parameters[name])
            twin.double().train()
            graph = _Tracer().trace(twin)
            _Values(fx.GraphModule(twin, graph)).run(
                features.double() if features.is_floating_point() else features
            )
    except Exception:  # noqa: BLE001 - whatever a user's module does to a tracer
        return None
    return twin, graph


def applied(node: fx.Node, name: str) -> Pointwise:
    """Return the activation that a node applies, with its settings."""
    function: Any = getattr(torch.Tensor if node.op == "call_method" else functional, name, None)
    function = function or getattr(torch, name)
    return lambda z: function(
        z, *node.args[1:], **{k: v for k, v in node.kwargs.items() if k not in {"input", "inplace"}}
    )


def coverage(module: Any, source: Tensor) -> float:  # noqa: ANN401 - any of the convolutions
    """Return the mean share of a kernel's taps that lie on the image and not on its padding."""
    ones = torch.ones(1, 1, *source.shape[2:], dtype=torch.float64)
    kernel = torch.ones(1, 1, *module.kernel_size, dtype=torch.float64)
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[source.dim() - 3]
    if module.padding_mode != "zeros":
        return 1.0
    counts = convolve(ones, kernel, None, module.stride, module.padding, module.dilation)
    return float(counts.mean() / kernel.numel())
