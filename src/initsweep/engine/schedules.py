"""How the learning rate moves during a run, as a factor on each lane's own rate."""

import math

from initsweep.core.params import Training


def rate_factor(training: Training, step: int, total_steps: int) -> float:
    """Return the factor on the learning rate of update `step`, between 0 and 1.

    With w = round(warmup_fraction * total_steps) warm-up steps, update t (from 0) has the factor
    (t + 1) / w while t < w. After that it is 1 (constant), or falls from 1 along half a cosine
    that would reach 0 at t = total_steps (cosine).

    Source: Loshchilov and Hutter (2017), SGDR, eq. 5 with one cycle down to 0; Goyal et al.
    (2017), section 2.2, for the warm-up.
    """
    warmup_steps = round(training.warmup_fraction * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if training.schedule == "constant":
        return 1.0
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))
