"""What networks with given parameters answer, for example after training."""

from collections.abc import Mapping

import torch
from torch import Tensor

from initclaims.laboratory.lab import Setup
from initsweep.graph.twins import twin_with


def outputs(setup: Setup, state: Mapping[str, Tensor], split: str = "test") -> Tensor:
    """Return the network's outputs on the rows of a split, shape (rows, outputs)."""
    with torch.no_grad():
        features = setup.data.splits[split].features
        found: Tensor = twin_with(setup.model(), state)(features)
    return found


def capped_loss(setup: Setup, state: Mapping[str, Tensor], split: str = "test") -> float:
    """Return the loss on the rows of a split, at most the constant predictor's."""
    loss = setup.data.recorded_loss(outputs(setup, state, split), setup.data.splits[split].targets)
    return min(float(loss), setup.data.constant_loss[split])
