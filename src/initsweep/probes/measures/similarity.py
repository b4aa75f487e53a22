"""How alike two examples have become.

Answers: does the layer still tell examples apart, or do all of them point the same way?
Requires: activations.
"""

import math

import torch

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer


@PROBES.register("cosine")
def mean_cosine(layer: Layer) -> float:
    """Return the mean cosine between the activations of two different rows.

    1 when all rows are multiples of one vector, which is where ReLU networks go with depth; rows
    of zeros count as orthogonal to everything. 0 for a single row, 1 after an overflow.

    Source: Poole et al. 2016, "Exponential expressivity in deep neural networks through
        transient chaos", section 2.2 (correlation of two inputs and its fixed point c*).
    """
    rows = layer.activations
    count, largest = len(rows), float(rows.abs().max())
    if not math.isfinite(largest):
        return 1.0
    if count < 2 or largest == 0:
        return 0.0
    # Per row and scaled first: 1e-200 would underflow in the norm.
    scale = rows.abs().amax(dim=1, keepdim=True)
    directions = torch.nn.functional.normalize(rows / torch.where(scale > 0, scale, 1.0), dim=1)
    ones = float((scale > 0).sum())
    return (float(directions.sum(dim=0).square().sum()) - ones) / (count * (count - 1))
