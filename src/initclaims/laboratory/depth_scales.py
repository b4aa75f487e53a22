"""Over how many layers a random tanh network forgets what two inputs have in common."""

import math

import torch

from initsweep.probes.mean_field import chi, correlation_slope, next_covariance, next_variance

ITERATIONS, TOLERANCE = 4000, 1e-9


def depth_scale(variance: float, bias_variance: float) -> float:
    """Return ξ, the number of layers over which the correlation of two inputs settles.

    Source: Schoenholz et al. 2017, equations 9 and 10: ξ = -1 / log χ at the fixed point.
    """
    start = torch.ones(1, dtype=torch.float64)
    q = start
    for _ in range(ITERATIONS):
        q = next_variance(q, torch.tanh, variance, bias_variance)
    if float(chi(q, torch.tanh, variance)) < 1:
        return -1 / math.log(float(chi(q, torch.tanh, variance)))
    covariance = 0.5 * q
    for _ in range(ITERATIONS):
        before = covariance
        covariance = next_covariance(q, before, torch.tanh, variance, bias_variance)
        if float((covariance - before).abs()) < TOLERANCE:
            break
    return -1 / math.log(float(correlation_slope(q, covariance, torch.tanh, variance)))


def critical_variance(bias_variance: float) -> float:
    """Return the variance at which χ = 1 at the fixed point, by bisection."""
    low, high = 1.0, 4.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        q = torch.ones(1, dtype=torch.float64)
        for _ in range(ITERATIONS // 10):
            q = next_variance(q, torch.tanh, middle, bias_variance)
        low, high = (low, middle) if float(chi(q, torch.tanh, middle)) > 1 else (middle, high)
    return (low + high) / 2
