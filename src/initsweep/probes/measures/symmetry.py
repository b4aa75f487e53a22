"""How many units of a layer are different from each other.

Answers: can training tell the units apart?
Requires: weights, biases and their gradients.
"""

import torch
from torch import Tensor

from initsweep.probes import PROBES
from initsweep.probes.capture import Layer

# Units equal up to this share of the layer's largest parameter are copies of each other.
RELATIVE_TOLERANCE = 1e-6


def distinct_rows(rows: Tensor) -> float:
    """Return the number of different rows as a share of all rows, shape (units, numbers).

    Entries are compared after rounding to 1e-6 of the largest one.
    """
    step = float(rows.abs().max()) * RELATIVE_TOLERANCE
    grid = torch.round(rows / step) if step > 0 else rows
    # `+ 0.0` turns -0.0 into 0.0. Comparing rows as bytes is many times faster than torch.unique.
    return len({row.tobytes() for row in (grid + 0.0).numpy()}) / len(rows)


@PROBES.register("distinct_units")
def distinct_units(layer: Layer) -> float:
    """Return the number of different rows of [W, b] as a share of the units.

    Source: Goodfellow, Bengio and Courville 2016, "Deep Learning", section 8.4: the parameters
    must "break symmetry" between units.
    """
    return distinct_rows(_joined(layer.weight, layer.bias))


@PROBES.register("distinct_after_step")
def distinct_after_step(layer: Layer) -> float:
    """Return the share of different rows of [W, b] after one step of gradient descent at rate 1.

    Units that start equal but feed different weights above are told apart by the first step
    (a zero head is harmless for that reason); units that are still equal after it stay so.
    """
    before = _joined(layer.weight, layer.bias)
    step = _joined(layer.weight_gradient, layer.bias_gradient)
    after = before - step
    return distinct_rows(after if bool(torch.isfinite(after).all()) else before)


def _joined(weight: Tensor, bias: Tensor | None) -> Tensor:
    rows = weight.flatten(start_dim=1)
    return rows if bias is None else torch.cat([rows, bias[:, None]], dim=1)
