"""Outputs of trained networks."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call


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
    template = copy.deepcopy(model).to(features.device).eval()
    outputs = []
    for state in states:
        here = {name: value.to(features.device) for name, value in state.items()}
        outputs.append(functional_call(template, here, (features,)))
    return torch.stack(outputs)
