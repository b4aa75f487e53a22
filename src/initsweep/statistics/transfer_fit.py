"""What may be true at a size that was not trained, from what was found at others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.resamples import LEVEL
from initsweep.statistics.size_law import Array, Drawn, Observed, Scales, draws
from initsweep.statistics.transfer_rates import FLOOR, Located, Measured, Response

RATES = Scales(slope=0.3, spread=0.1, bend=0.015, scatter=0.05)
"""Of best rates, in decades: a common exponent of 1 or so, exponents of schemes 0.3 apart, which
change by 0.1 per doubling."""

REACHES = Scales(slope=0.1, spread=0.05, bend=0.01, scatter=0.05)
"""Of how far basins reach, in decades."""

LOSSES = Scales(slope=0.3, spread=0.1, bend=0.01, scatter=0.02)
"""Of logarithms of losses."""

READ = 2
"""From so many of the largest sizes it is read what a wrong rate costs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What may be true of one scheme at the target, shape (draws,) each.

    Attributes:
        rate: The rate to start with, in decades: the median of `rates`.
        rates: The best rate, in decades.
        slope: Of its law, in decades per doubling.
        loss: The lowest mean loss, as a share of the constant predictor's.
        excess: What `rate` loses against that, as such a share.
    """

    rate: float
    rates: Array
    slope: Array
    loss: Array
    excess: Array

    @property
    def start(self) -> Array:
        """The mean loss with `rate`, as a share of the constant predictor's."""
        return np.minimum(self.loss + self.excess, 1.0)


def interval(values: Array) -> tuple[float, float]:
    """Return the middle 95 % of what was drawn."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def outlooks(points: Sequence[Located], target: float) -> dict[str, Outlook]:
    """Return what may be true of each scheme at the target.

    Args:
        points: Two sizes or more of every scheme in them, none at the edge of its rates.
        target: The size.

    Returns:
        By scheme.
    """
    rates = _drawn(points, target, RATES, "rates", lambda point: point.best)
    losses = _drawn(points, target, LOSSES, "losses", lambda point: point.loss)
    return {
        scheme: _outlook(
            [point for point in points if point.scheme == scheme], law, losses[scheme].target
        )
        for scheme, law in rates.items()
    }


def _outlook(points: Sequence[Located], law: Drawn, losses: Array) -> Outlook:
    rate = float(np.median(law.target))
    largest = sorted(points, key=lambda point: point.size)[-READ:]
    return Outlook(
        rate=rate,
        rates=law.target,
        slope=law.slope,
        loss=np.clip(np.exp(losses) - FLOOR, 0.0, 1.0),
        excess=_excess([point.response for point in largest], rate - law.target),
    )


def reaches(points: Sequence[Located], target: float) -> Mapping[str, tuple[float, float]]:
    """Return how far each scheme's basin reaches below and above its best rate at the target.

    Args:
        points: As for `outlooks`.
        target: The size.

    Returns:
        In decades by scheme; without those whose basin ends between the rates tried at fewer than
        two sizes, on either side.
    """
    below = _drawn(points, target, REACHES, "below", lambda point: point.below)
    above = _drawn(points, target, REACHES, "above", lambda point: point.above)

    def far(side: Drawn) -> float:
        return max(float(np.median(side.target)), 0.0)

    return {name: (far(below[name]), far(above[name])) for name in below if name in above}


def steadied(measured: Sequence[Measured]) -> Array:
    """Return variances halfway to their mean.

    One from few seeds may be small by luck, and would then rule a law.
    """
    variances = np.array([one.variance for one in measured])
    return np.asarray((variances + variances.mean()) / 2)


def _drawn(
    points: Sequence[Located],
    target: float,
    scales: Scales,
    name: str,
    value: Callable[[Located], Measured | None],
) -> dict[str, Drawn]:
    """Return draws of a value at the target, of the schemes of which it is known at two sizes."""
    known = [(point, of) for point in points if (of := value(point)) is not None]
    names = [point.scheme for point, _ in known]
    schemes = [scheme for scheme in dict.fromkeys(names) if names.count(scheme) > 1]
    known = [(point, of) for point, of in known if point.scheme in schemes]
    if not known:
        return {}
    drawn = draws(
        Observed(
            scheme=np.array([schemes.index(point.scheme) for point, _ in known]),
            doublings=np.log2([point.size for point, _ in known]),
            value=np.array([of.value for _, of in known]),
            variance=steadied([of for _, of in known]),
        ),
        float(np.log2(target)),
        scales,
        name,
    )
    return {
        scheme: Drawn(target=drawn.target[:, at], slope=drawn.slope[:, at])
        for at, scheme in enumerate(schemes)
    }


def _excess(responses: Sequence[Response], distance: Array) -> Array:
    """Return what a rate so many decades from the best one loses, by the responses measured.

    Each draw reads one of them, under one draw of its seeds, around the best rate that these give:
    an uncertain response makes an uncertain loss.

    Returns:
        Shares of the constant predictor's loss, shape (draws,); all that there is to lose where a
        rate lies beyond those tried.
    """
    turn = np.arange(len(distance)) % len(responses)
    excess = np.empty(len(distance))
    for at, response in enumerate(responses):
        here = distance[turn == at]
        stream = numpy_stream("statistics", "excess", at, response.seeds)
        drawn = stream.choice(len(response.probability), len(here), p=response.probability)
        rows = 1 + drawn
        places = response.best[rows] + here
        beyond = (places < response.decades[0]) | (places > response.decades[-1])
        losses = response.losses_at(places[:, np.newaxis], rows)[:, 0]
        excess[turn == at] = np.where(beyond, 1.0, losses) - response.lowest[rows]
    return excess
