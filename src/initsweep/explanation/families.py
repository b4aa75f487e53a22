"""Which family of laws independent draws come from: normal, truncated normal or uniform."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from initsweep.initializers.laws.draws import TRUNCATED_STD, Distribution

_CUTOFF = 2.0
_INSIDE = math.erf(_CUTOFF / math.sqrt(2))  # share of a normal law within the cutoff

DECISIVE = math.log(150)
"""Log likelihood ratio from which one family is told from the next best."""

_FEWEST, _MOST_VALUES = 8, 200_000
# Limits of sqrt(n) times the Kolmogorov-Smirnov distance. That of a uniform law with known ends is
# passed by chance once in 3000 times (Kolmogorov); fitting mean and std makes the distances of the
# others smaller (Lilliefors 1967: 1.03 at 1 %), so that a tighter limit is as rare.
_LIMITS: dict[Distribution, float] = {"normal": 1.4, "truncated_normal": 1.4, "uniform": 2.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The family that fits best.

    Attributes:
        family: The family.
        centre: Its centre, exactly 0 where the values do not speak against it.
        std: Its standard deviation.
        reach: Largest distance of a value from the centre; for truncated laws the cutoff.
        kurtosis: Fourth moment over squared variance, which the error of the std depends on.
        count: How many values there were.
        precision: Relative rounding of the values.
        accepted: Whether the Kolmogorov-Smirnov distance allows the family.
    """

    family: Distribution
    centre: float
    std: float
    reach: float
    kurtosis: float
    count: int
    precision: float
    accepted: bool

    @property
    def error(self) -> float:
        """Relative standard error of the standard deviation."""
        return math.sqrt(max(self.kurtosis - 1, 0.1) / (4 * self.count))


def best_fit(values: Tensor, precision: float) -> Fit | None:
    """Return the family of largest likelihood, None if there are too few values to tell.

    Args:
        values: Shape (n,), float64, not all equal.
        precision: Relative rounding of the values.

    Source: likelihood ratios of Kolmogorov-Smirnov-checked families; Lilliefors 1967 for the
        distance under fitted parameters.
    """
    count = len(values)
    if count < _FEWEST:
        return None
    mean, std = float(values.mean()), float(values.std(correction=0))
    middle = (float(values.max()) + float(values.min())) / 2
    symmetric = abs(mean) < 5 * std / math.sqrt(count)
    centre = 0.0 if symmetric else mean
    reach = float((values - centre).abs().max())
    half_range = reach if symmetric else float(values.max()) - middle
    before_cut = max(std / TRUNCATED_STD, reach / _CUTOFF)
    root = float((values - centre).square().mean())
    likelihood: dict[Distribution, float] = {
        "normal": -math.log(std * math.sqrt(2 * math.pi)) - root / (2 * std**2),
        "truncated_normal": -math.log(before_cut * math.sqrt(2 * math.pi) * _INSIDE)
        - root / (2 * before_cut**2),
        "uniform": -math.log(2 * half_range),
    }
    first, second = sorted(likelihood, key=lambda one: -likelihood[one])[:2]
    if count * (likelihood[first] - likelihood[second]) < DECISIVE:
        return None
    if first == "uniform" and not symmetric:
        centre = middle
    scale = {"normal": std, "truncated_normal": before_cut, "uniform": half_range}[first]
    # Around the mean of the values, or a mean that is off by chance would count against the family.
    around = centre if first == "uniform" else mean
    distance = _distance(values, first, around, scale, precision)
    return Fit(
        family=first,
        centre=centre,
        std=std,
        reach=half_range if first == "uniform" else scale * _CUTOFF,
        kurtosis=float((values - mean).pow(4).mean()) / std**4,
        count=count,
        precision=precision,
        accepted=distance < _LIMITS[first],
    )


def _distance(
    values: Tensor, family: Distribution, centre: float, scale: float, precision: float
) -> float:
    """Return sqrt(n) times the largest distance of the distribution functions.

    Of many values, or of coarsely rounded ones, only every so manyth is taken.
    """
    most = _MOST_VALUES if precision < 1e-5 else _MOST_VALUES // 20
    step = max(1, len(values) // most)
    ordered = ((values[::step] - centre) / scale).sort().values
    if family == "uniform":
        expected = (ordered + 1) / 2
    else:
        expected = torch.special.ndtr(ordered)
        if family == "truncated_normal":
            expected = (expected - (1 - _INSIDE) / 2) / _INSIDE
    count = len(ordered)
    steps = torch.arange(count + 1, dtype=torch.float64) / count
    above, below = (steps[1:] - expected).max(), (expected - steps[:-1]).max()
    return math.sqrt(count) * max(float(above), float(below))
