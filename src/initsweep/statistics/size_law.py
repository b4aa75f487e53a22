"""A law of what changes with size, for several schemes at once, with all that is unsure about it.

For scheme s at x doublings from the middle of the measured sizes

    value = level_s + slope_s x + bend_s q(x) + scatter

Levels are free. Slopes and bends of schemes are drawn around common ones, because schemes share
the network and the optimizer; those of one group, for a parametrization is made to change them. How
far slopes differ within a group, how strongly laws bend and how much sizes scatter is learned from
all schemes together. q is x squared less what a straight line through the
measured sizes explains of it, so a bend says how the prediction leaves that line.

Three standard deviations are learned from few points. So the answer is averaged over a grid of
them, each by how likely it is: the likeliest one alone would make three sizes look far surer than
they are.

Source: Gelman, A. et al. (2013), Bayesian Data Analysis, 3rd edition, sections 5.4 and 15.1;
Gelman, A. (2006), Prior distributions for variance parameters in hierarchical models, Bayesian
Analysis 1(3), section 3.2, for half-Cauchy standard deviations.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from initsweep.core.randomness import numpy_stream

Array = NDArray[np.float64]

DRAWS = 4_000
WIDE = 10.0
"""Standard deviation of a level about which nothing is known, logarithms all of them."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of its scale: what is tried for each standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What is usual, before a study is seen, in units of the value per doubling.

    Attributes:
        slope: How far the common slope of a group is from 0.
        spread: How far slopes of schemes differ from it.
        bend: How far laws bend, per doubling squared; half of the variance is in common.
        scatter: How far sizes lie off the law, beyond what measuring explains.
    """

    slope: float
    spread: float
    bend: float
    scatter: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observed:
    """What was measured, one entry per scheme and size.

    Attributes:
        scheme: Index of the scheme, shape (points,).
        group: Of each scheme, shape (schemes,): those with equal numbers share slope and bend.
        doublings: log2 of the size, shape (points,).
        value: Shape (points,).
        variance: Of measuring, shape (points,).
    """

    scheme: NDArray[np.int64]
    group: NDArray[np.int64]
    doublings: Array
    value: Array
    variance: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Draws of what may be true, shape (draws, schemes) each.

    Attributes:
        target: The value at the target, scatter included.
        slope: Per doubling, in the middle of the measured sizes.
    """

    target: Array
    slope: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Laws:
    """The law under each choice of the standard deviations, first axis.

    Attributes:
        likely: How likely each choice is, up to a common factor, as a logarithm.
        scatter: What it says of the scatter.
        mean: Of level, slope and bend of each scheme in turn.
        root: Of their covariance: a triangular matrix.
    """

    likely: Array
    scatter: Array
    mean: Array
    root: Array


def draws(observed: Observed, target: float, scales: Scales, name: str) -> Drawn:
    """Return what may be true at the target.

    Args:
        observed: At least two sizes of every scheme from 0 to the highest index.
        target: log2 of the size to predict.
        scales: What is usual of such a value.
        name: Of the value; names the random stream.

    Returns:
        4 000 draws; those of all schemes at once are of one law, so what is unsure in common
        cancels in differences.
    """
    design, ahead = _designs(observed, target)
    laws = _laws(observed, design, scales)
    likely = np.exp(laws.likely - laws.likely.max())
    stream = numpy_stream("statistics", "size law", name)
    law = stream.choice(len(likely), DRAWS, p=likely / likely.sum())
    noise = stream.normal(size=(DRAWS, design.shape[1], 1))
    drawn = laws.mean[law] + (laws.root[law] @ noise)[..., 0]
    each = drawn.reshape(DRAWS, -1, 3)
    scatter = laws.scatter[law, np.newaxis] * stream.normal(size=each.shape[:2])
    return Drawn(target=(each * ahead).sum(axis=2) + scatter, slope=each[..., 1])


def _designs(observed: Observed, target: float) -> tuple[Array, Array]:
    """Return what levels, slopes and bends do to each point, and those of a scheme at the target.

    Returns:
        Shapes (points, 3 schemes) and (3,).
    """
    sizes = np.unique(observed.doublings)
    middle = sizes.mean()
    line = np.polyfit(sizes - middle, (sizes - middle) ** 2, 1)

    def terms(doublings: Array) -> Array:
        x = doublings - middle
        return np.stack([np.ones_like(x), x, x**2 - np.polyval(line, x)], axis=-1)

    points = len(observed.value)
    design = np.zeros((points, len(observed.group), 3))
    design[np.arange(points), observed.scheme] = terms(observed.doublings)
    return design.reshape(points, -1), terms(np.array(target))


def _laws(observed: Observed, design: Array, scales: Scales) -> _Laws:
    factors = np.array(list(product(FACTORS, repeat=3)))
    spread, bend, scatter = (factors * (scales.spread, scales.bend, scales.scatter)).T
    prior = _prior(observed.group, scales.slope, spread, bend)
    # Levels are near this: nothing is to be known of them, and no digits lost over it.
    middle = observed.value.mean()
    levels = np.tile([middle, 0.0, 0.0], len(observed.group))
    value = (observed.value - middle)[:, np.newaxis]
    through = design @ prior
    noise = observed.variance + scatter[:, np.newaxis] ** 2
    seen = through @ design.T + noise[..., np.newaxis] * np.eye(len(value))
    solved = np.linalg.solve(seen, np.concatenate([through, np.broadcast_to(
        value, (len(factors), *value.shape))], axis=2))  # fmt: skip
    gain, residual = solved[..., :-1], solved[..., -1]
    covariance = prior - through.transpose(0, 2, 1) @ gain
    log_likelihood = -(np.linalg.slogdet(seen)[1] + residual @ value[:, 0]) / 2
    return _Laws(
        # Half-Cauchy densities of the factors, times the factors: their logarithms are evenly
        # spaced.
        likely=log_likelihood + np.log(factors / (1 + factors**2)).sum(axis=1),
        scatter=scatter,
        mean=levels + (through.transpose(0, 2, 1) @ residual[..., np.newaxis])[..., 0],
        root=np.asarray(np.linalg.cholesky(covariance)),
    )


def _prior(group: NDArray[np.int64], slope: float, spread: Array, bend: Array) -> Array:
    """Return the covariance of levels, slopes and bends, shape (choices, 3 schemes, 3 schemes)."""
    schemes = len(group)
    own, common = np.eye(schemes), np.equal.outer(group, group).astype(float)
    prior = np.zeros((len(spread), schemes, 3, schemes, 3))
    prior[:, :, 0, :, 0] = WIDE**2 * own
    prior[:, :, 1, :, 1] = np.multiply.outer(spread**2, own) + slope**2 * common
    prior[:, :, 2, :, 2] = np.multiply.outer(bend**2, (own + common) / 2)
    return prior.reshape(len(spread), 3 * schemes, 3 * schemes)
