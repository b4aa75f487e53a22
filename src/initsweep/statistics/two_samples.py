"""Two means over different seeds: how far apart, and how surely."""

import math

import numpy as np
from numpy.typing import NDArray

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval
from initsweep.statistics.intervals import RESAMPLES, mean_of
from initsweep.statistics.resamples import LEVEL, expanded_levels
from initsweep.statistics.student import student_quantile

Losses = NDArray[np.float64]
_ORDERS = 9_999


def unpaired_interval(new: Losses, old: Losses) -> Interval:
    """Return the difference of two means with a 95 % interval made for few values.

    As `mean_interval` does for one mean, it reaches from the lower to the higher of the ends of
    two intervals: Welch's t, which lets the two spreads differ; and the percentile bootstrap of
    both samples, read at the levels of the smaller one. Samples without any spread give an
    interval of width zero, and so does a single value, about whose spread nothing is known.

    Args:
        new: Losses of one scheme, shape (seeds,).
        old: Losses of the other, of other seeds.

    Source: Welch, B. L. (1947), Biometrika 34, 28-35, degrees of freedom rounded down; Efron, B.
        and Tibshirani, R. (1993), An Introduction to the Bootstrap, section 8.3; Hesterberg, T.
        (2015), The American Statistician 69(4), section 5.3.
    """
    estimate = mean_of(new) - mean_of(old)
    if min(len(new), len(old)) < 2:
        return Interval(low=estimate, estimate=estimate, high=estimate)
    stream = numpy_stream("statistics", "two-samples", f"{len(new)}-{len(old)}")
    means = [
        np.sort(sample)[stream.integers(0, len(sample), (RESAMPLES, len(sample)))].mean(axis=1)
        for sample in (new, old)
    ]
    low, high = np.quantile(means[0] - means[1], expanded_levels(min(len(new), len(old))))
    half = welch_half_width(new, old)
    return Interval(
        low=min(float(low), estimate - half),
        estimate=estimate,
        high=max(float(high), estimate + half),
    )


def welch_half_width(new: Losses, old: Losses) -> float:
    """Return half the width of Welch's 95 % interval of the difference of two means."""
    errors = [float(np.var(np.sort(sample), ddof=1)) / len(sample) for sample in (new, old)]
    total = sum(errors)
    if total == 0:
        return 0.0
    # Shares of the whole first, so that squares of small variances do not vanish.
    shares = [error / total for error in errors]
    degrees = 1 / sum(s**2 / (len(x) - 1) for s, x in zip(shares, (new, old), strict=True))
    # Rounding must not take a whole number of degrees below itself.
    return student_quantile((1 + LEVEL) / 2, int(degrees + 1e-9)) * math.sqrt(total)


def permutation_p(new: Losses, old: Losses) -> float:
    """Return the two-sided p-value of "both samples come from one distribution".

    The share, among 9999 random divisions of all losses and the observed one, of those whose means
    are at least as far apart.

    Source: Fisher, R. A. (1935), The Design of Experiments, section 21; Phipson, B. and Smyth,
    G. K. (2010), Stat. Appl. Genet. Mol. Biol. 9(1), 39.
    """
    stream = numpy_stream("statistics", "permutation", f"{len(new)}-{len(old)}")
    everything = np.concatenate([np.sort(new), np.sort(old)])
    observed = abs(new.mean() - old.mean())
    shuffled = stream.permuted(np.tile(everything, (_ORDERS, 1)), axis=1)
    apart = shuffled[:, : len(new)].mean(axis=1) - shuffled[:, len(new) :].mean(axis=1)
    slack = 1e-12 * float(np.abs(everything).max())
    return float((1 + np.sum(np.abs(apart) >= observed - slack)) / (1 + _ORDERS))
