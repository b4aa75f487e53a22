"""Random draws of unit variance: the only place where initializers touch a generator.

Everything is drawn in float64 and rounded to float32 once. Two schemes of one family draw the
same numbers from the same generator, so their weights differ by a factor only; each draw takes a
fixed amount of the generator's stream, whatever the values are.
"""

import math
from typing import Literal

import torch
from torch import Tensor

Distribution = Literal["normal", "uniform", "truncated_normal"]

# Standard deviation of N(0, 1) cut off at -2 and 2: sqrt(1 - 4 pdf(2) / (2 cdf(2) - 1)).
TRUNCATED_STD = 0.879625661034239750
_CUTOFF = 2.0


def draw(
    distribution: Distribution,
    shape: tuple[int, ...],
    generator: torch.Generator,
    *,
    std: float,
    mean: float = 0.0,
) -> Tensor:
    """Return independent draws with the given mean and standard deviation.

    Args:
        distribution: The family; "truncated_normal" is a normal law cut off at two of its own
            standard deviations and widened so that `std` is what results.
        shape: Shape of the result.
        generator: Source of randomness.
        std: Standard deviation of the resulting values.
        mean: Mean of the resulting values.

    Returns:
        A float32 CPU tensor.
    """
    standard = _STANDARD[distribution](shape, generator)
    return standard.mul_(std).add_(mean).to(torch.float32)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    zero_to_one = torch.rand(shape, generator=generator, dtype=torch.float64)
    return zero_to_one.mul_(2).sub_(1).mul_(math.sqrt(3))


def _truncated_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    # By the inverse CDF: rejection, as in torch's trunc_normal_, takes a random number of draws.
    lowest = 0.5 * math.erfc(_CUTOFF / math.sqrt(2))
    share = torch.rand(shape, generator=generator, dtype=torch.float64)
    quantiles: Tensor = torch.special.ndtri(share.mul_(1 - 2 * lowest).add_(lowest))
    return quantiles.clamp_(-_CUTOFF, _CUTOFF).div_(TRUNCATED_STD)


_STANDARD = {"normal": _normal, "uniform": _uniform, "truncated_normal": _truncated_normal}
