"""How the learning rate moves during a run, as a factor on each lane's own rate."""

import math
from collections.abc import Callable, Mapping

from initsweep.core.params import Training


def rate_factor(training: Training, step: int, total_steps: int) -> float:
    """Return the factor on the learning rate of update `step`, between 0 and 1.

    With w = round(warmup_fraction * total_steps) warm-up steps, update t (from 0) has the factor
    (t + 1) / w while t < w. After that it is 1 (constant), or falls from 1, as the share x of what
    it falls over grows from 0, and would reach 0 at t = total_steps: along half a cosine (cosine),
    as 1 - x (linear), or as 1 - sqrt(x), but only in the last round(decay_fraction * total_steps)
    steps, being 1 before (wsd: warm-up, stable, decay).

    Source: Loshchilov and Hutter (2017), SGDR, eq. 5 with one cycle down to 0; Goyal et al.
    (2017), section 2.2, for the warm-up; Bergsma et al. (2025), Straight to zero
    (arXiv:2502.15938), for linear; Hägele et al. (2024), arXiv:2405.18392, section 3, for wsd with
    the decay that they call 1-sqrt.
    """
    warmup_steps = round(training.warmup_fraction * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    begun = warmup_steps
    if training.schedule == "wsd":
        begun = max(begun, total_steps - round(training.decay_fraction * total_steps))
    return _FALLS[training.schedule](max(0, step - begun) / max(1, total_steps - begun))


_FALLS: Mapping[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done: 1 - done,
    "wsd": lambda done: 1 - math.sqrt(done),
}
"""The factor after the share `done` of the fall."""
