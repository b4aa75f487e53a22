"""A network as a graph of operations, with the value of each on one batch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initsweep.graph.forms import Inputs, cast, in_order
from initsweep.graph.tracing import Traced, keep_values, trace
from initsweep.graph.vocabulary import DENSE, NORMS
from initsweep.probes.written import Pointwise


def valued(model: nn.Module, parameters: Mapping[str, Tensor], features: Inputs) -> Traced | None:
    """Return the operations of the network in float64, with `node.meta["value"]`.

    Returns:
        None if the network cannot be traced: its flow depends on its data.
    """
    try:
        with torch.no_grad():
            doubled = {
                id(one): nn.Parameter(cast(parameters[name].detach(), torch.float64))
                for name, one in model.named_parameters()
            }
            traced = trace(
                model, _is_one_operation, training=True, given=doubled, dtype=torch.float64
            )
            keep_values(traced, *in_order(model, cast(features, torch.float64)))
    except Exception:  # noqa: BLE001 - whatever a user's module does to a tracer
        return None
    return traced


def _is_one_operation(module: nn.Module) -> bool:
    """Return whether it is a layer of torch's, subclasses included."""
    if isinstance(module, (*DENSE, *NORMS)):
        return True
    return module.__module__.startswith(("torch.nn", "torch.ao.nn")) and not isinstance(
        module, nn.Sequential
    )


_OWN = {(kind.forward, getattr(kind, "_conv_forward", None)) for kind in (*DENSE, *NORMS)}


def computes_as_torch(module: nn.Module | None) -> bool:
    """Return whether it is a layer or a normalization without a `forward` of the user's."""
    kind: Any = type(module)
    return (kind.forward, getattr(kind, "_conv_forward", None)) in _OWN if module else False


def applied(node: fx.Node) -> Pointwise:
    """Return the activation that a node applies, with its settings."""
    function: Any = getattr(Tensor, str(node.target), None) or node.target
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
