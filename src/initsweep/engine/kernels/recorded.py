"""Losses as they are recorded: the same bits for the same outputs on any processor."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from initsweep.core.errors import KernelsError
from initsweep.engine.kernels.library import load_library
from initsweep.engine.kernels.program import CLASS_LOSSES, LOSSES
from initsweep.engine.lanes import MetricFunction


def recorded_loss(
    name: str, exact: MetricFunction, class_weights: Sequence[float] = ()
) -> MetricFunction:
    """Return a loss as it is recorded, whatever the path that trains.

    Torch's sums and exponentials follow the width of the processor's vectors, those of the kernels
    do not.

    Args:
        name: What the loss is registered as.
        exact: The same in torch, which serves where the kernels do not: other losses, other types
            and devices, no kernels.
        class_weights: One per output for a weighted loss, otherwise none.
    """
    if name not in LOSSES:
        return exact
    try:
        _, library = load_library()
    except KernelsError:
        return exact
    target_type = torch.int64 if name in CLASS_LOSSES else torch.float32
    weights = np.array(class_weights, dtype=np.float64)

    def covered(outputs: Tensor, targets: Tensor) -> bool:
        # Torch broadcasts what has another shape.
        return (
            (outputs.dtype, targets.dtype) == (torch.float32, target_type)
            and outputs.device.type == "cpu"
            and not outputs.requires_grad
            and targets.shape in (outputs.shape[:-1], outputs.shape[-2:-1])
            and len(weights) in (0, outputs.shape[-1])
        )

    def value(outputs: Tensor, targets: Tensor) -> Tensor:
        if not covered(outputs, targets):
            return exact(outputs, targets)
        *lanes, n, width = outputs.shape
        made, wanted = outputs.contiguous(), targets.contiguous()
        losses = torch.empty(lanes, dtype=torch.float64)
        known = library.losses_recorded(
            LOSSES.index(name), made.data_ptr(), losses.numel(), n, width, wanted.data_ptr(),
            n if targets.dim() > 1 else 0, weights.ctypes.data if len(weights) else None,
            losses.data_ptr(),
        )  # fmt: skip
        return losses.float() if known else exact(outputs, targets)  # torch says what is no class

    return value
