"""A law of what changes with size, for several schemes at once, with all that is unsure about it.

For scheme s at x doublings from the middle of the measured sizes

    value = level_s + slope_s x + bend_s q(x) + scatter

Levels are free. Slopes and bends of schemes are drawn around common ones, because schemes share
the network and the optimizer; how far they differ, how strongly laws bend and how much sizes
scatter is learned from all schemes together. q is x squared without what level and slope explain,
so that a bend says how the prediction leaves the straight line.

The four standard deviations behind this are few numbers learned from few points. So the answer is
averaged over a grid of them instead of taking the likeliest ones, which would make three sizes look
far surer than they are.

Source: Gelman, A. et al. (2013), Bayesian Data Analysis, 3rd edition, sections 5.4 and 15.1;
Gelman, A. (2006), Prior distributions for variance parameters, Bayesian Analysis 1(3), for the
half-Cauchy weights of the standard deviations.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from initsweep.core.randomness import numpy_stream

Array = NDArray[np.float64]

DRAWS = 4_000
WIDE = 100.0
"""Standard deviation of a level about which nothing is known; values are a few units at most."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the scale of a standard deviation that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What is usual, before a study is seen, in units of the value per doubling.

    Attributes:
        slope: How far the common slope is from 0.
        spread: How far slopes of schemes differ from it.
        bend: How far laws bend, per doubling squared: half of it in common.
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
        doublings: log2 of the size, shape (points,).
        value: Shape (points,).
        variance: Of measuring, shape (points,).
    """

    scheme: NDArray[np.int64]
    doublings: Array
    value: Array
    variance: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Draws of what may be true, shape (draws, schemes) each.

    Attributes:
        target: The value at the target, scatter included.
        slope: Per doubling, in the middle of the measured sizes.
        bend: Per doubling squared.
    """

    target: Array
    slope: Array
    bend: Array


def draws(observed: Observed, target: float, scales: Scales, name: str) -> Drawn:
    """Return what may be true at the target.

    Args:
        observed: At least two sizes of every scheme from 0 to the highest index.
        target: log2 of the size to predict.
        scales: What is usual of such a value.
        name: Of the value; names the random stream.
    """
    schemes = int(observed.scheme.max()) + 1
    design, ahead = _designs(observed, target, schemes)
    stream = numpy_stream("statistics", "size law", name, schemes, len(observed.value))
    nodes = [_node(observed, design, scales, np.array(f)) for f in product(FACTORS, repeat=3)]
    weights = np.array([node.weight for node in nodes])
    weights = np.exp(weights - weights.max())
    counts = stream.multinomial(DRAWS, weights / weights.sum())
    parts = [
        np.concatenate([_sample(node, count, stream), np.full((count, 1), node.scatter)], axis=1)
        for node, count in zip(nodes, counts, strict=True)
        if count
    ]
    drawn = np.concatenate(parts)
    # One law at a time came out; what is drawn of several values must not go in step by that.
    stream.shuffle(drawn)
    return _read(drawn, ahead, stream)


def _read(drawn: Array, ahead: Array, stream: np.random.Generator) -> Drawn:
    coefficients = drawn[:, :-1].reshape(len(drawn), -1, 3)
    law = (coefficients * ahead).sum(axis=2)
    return Drawn(
        target=law + drawn[:, -1:] * stream.normal(size=law.shape),
        slope=coefficients[:, :, 1],
        bend=coefficients[:, :, 2],
    )


def _designs(observed: Observed, target: float, schemes: int) -> tuple[Array, Array]:
    """Return what level, slope and bend of each scheme do to the points and at the target."""
    sizes = np.unique(observed.doublings)
    middle = sizes.mean()
    line = np.polyfit(sizes - middle, (sizes - middle) ** 2, 1)

    def row(doublings: Array) -> Array:
        x = doublings - middle
        return np.stack([np.ones_like(x), x, x**2 - np.polyval(line, x)], axis=-1)

    design = np.zeros((len(observed.value), schemes, 3))
    design[np.arange(len(design)), observed.scheme] = row(observed.doublings)
    return design.reshape(len(design), -1), row(np.array([target]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Node:
    """The law for given standard deviations, and how likely these are (a logarithm)."""

    weight: float
    mean: Array
    covariance: Array
    scatter: float


def _node(observed: Observed, design: Array, scales: Scales, factors: Array) -> _Node:
    spread, bend, scatter = factors * (scales.spread, scales.bend, scales.scatter)
    schemes = design.shape[1] // 3
    own, common = np.eye(schemes), np.ones((schemes, schemes))
    prior = np.zeros((schemes, 3, schemes, 3))
    prior[:, 0, :, 0] = WIDE**2 * own
    prior[:, 1, :, 1] = spread**2 * own + scales.slope**2 * common
    prior[:, 2, :, 2] = bend**2 * (own + common) / 2
    prior = prior.reshape(3 * schemes, 3 * schemes)
    through = prior @ design.T
    covariance = design @ through + np.diag(observed.variance + scatter**2)
    gain = np.linalg.solve(covariance, through.T).T
    explained = observed.value @ np.linalg.solve(covariance, observed.value)
    likelihood = -(np.linalg.slogdet(covariance)[1] + explained) / 2
    return _Node(
        # A half-Cauchy density over factors, times the factor as they are evenly spaced logarithms.
        weight=float(likelihood + np.log(factors / (1 + factors**2)).sum()),
        mean=gain @ observed.value,
        covariance=prior - gain @ through.T,
        scatter=float(scatter),
    )


def _sample(node: _Node, count: int, stream: np.random.Generator) -> Array:
    values, vectors = np.linalg.eigh(node.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(node.mean + stream.normal(size=(count, len(root))) @ root.T)
