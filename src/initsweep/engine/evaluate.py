"""Outputs of trained networks."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from initsweep.graph.twins import twin_with


@torch.no_grad()
def predict(model: nn.Module, states: Sequence[Mapping[str, Tensor]], features: Tensor) -> Tensor:
    """Return what networks in evaluation mode make of some examples.

    One network at a time, so that it serves any network and no result depends on the others.

    Args:
        model: The template.
        states: Parameters and buffers by name, one mapping per network.
        features: Shape (n, ...); outputs are computed on its device.

    Returns:
        Shape (len(states), n, n_outputs).
    """
    outputs = []
    for state in states:
        here = {name: value.to(features.device) for name, value in state.items()}
        outputs.append(twin_with(model, here).eval()(features))
    return torch.stack(outputs)
