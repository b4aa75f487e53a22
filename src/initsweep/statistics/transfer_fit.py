"""What may be true at a size that was not trained, from what was found at others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.resamples import LEVEL
from initsweep.statistics.size_law import Array, Drawn, Observed, Scales, draws
from initsweep.statistics.transfer_rates import FLOOR, Located, Measured, Response

RATES = Scales(slope=0.3, spread=0.1, bend=0.01, scatter=0.05)
"""Of best rates, in decades: a common exponent within 2 of 0, those of schemes 0.3 apart, and an
exponent that changes by less than 0.1 per doubling."""

REACHES = Scales(slope=0.1, spread=0.05, bend=0.01, scatter=0.05)
"""Of how far basins reach, in decades."""

LOSSES = Scales(slope=0.5, spread=0.15, bend=0.03, scatter=0.05)
"""Of logarithms of losses."""

READ = 2
"""From so many of the largest sizes it is read what a wrong rate costs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What may be true of one scheme at the target, shape (draws,) each.

    Attributes:
        rates: The best rate and what its law is.
        slope: The same law's slope, in decades per doubling.
        bend: Its bend.
        below: How far the basin reaches below the best rate, in decades; None if not known.
        above: The same above.
        loss: The lowest mean loss, as a share of the constant predictor's.
        excess: What `rate` loses against that, as such a share.
        rate: The rate to start with, in decades: the median of `rates`.
    """

    rates: Array
    slope: Array
    bend: Array
    below: Array | None
    above: Array | None
    loss: Array
    excess: Array
    rate: float

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
    """
    schemes = list(dict.fromkeys(point.scheme for point in points))
    rates = _drawn(points, target, RATES, "rates", lambda point: point.best)
    losses = _drawn(points, target, LOSSES, "losses", lambda point: point.loss)
    below = _drawn(points, target, REACHES, "below", lambda point: point.below)
    above = _drawn(points, target, REACHES, "above", lambda point: point.above)
    found = {}
    for scheme in schemes:
        drawn = rates[scheme]
        rate = float(np.median(drawn.target))
        largest = sorted((p for p in points if p.scheme == scheme), key=lambda p: p.size)[-READ:]
        found[scheme] = Outlook(
            rates=drawn.target,
            slope=drawn.slope,
            bend=drawn.bend,
            below=below[scheme].target if scheme in below else None,
            above=above[scheme].target if scheme in above else None,
            loss=np.clip(np.exp(losses[scheme].target) - FLOOR, 0.0, 1.0),
            excess=_excess([p.response for p in largest], rate - drawn.target),
            rate=rate,
        )
    return found


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
    variances = np.array([of.variance for _, of in known])
    drawn = draws(
        Observed(
            scheme=np.array([schemes.index(point.scheme) for point, _ in known]),
            doublings=np.log2([point.size for point, _ in known]),
            value=np.array([of.value for _, of in known]),
            # A variance from few seeds may be small by luck and would then rule the law.
            variance=(variances + variances.mean()) / 2,
        ),
        float(np.log2(target)),
        scales,
        name,
    )
    return {
        scheme: Drawn(target=drawn.target[:, at], slope=drawn.slope[:, at], bend=drawn.bend[:, at])
        for at, scheme in enumerate(schemes)
    }


def _excess(responses: Sequence[Response], distance: Array) -> Array:
    """Return what a rate so many decades from the best one loses, by the responses measured.

    Each draw reads one of them, under one draw of its seeds, around the best rate that these give:
    so an uncertain response makes an uncertain loss.

    Returns:
        Shares of the constant predictor's loss, shape (draws,); all that the network would gain
        where a rate lies beyond those tried.
    """
    turn = np.arange(len(distance)) % len(responses)
    excess = np.empty(len(distance))
    for at, response in enumerate(responses):
        here = distance[turn == at]
        stream = numpy_stream("statistics", "excess", at, response.seeds)
        draws_of_seeds = len(response.probability)
        rows = 1 + stream.choice(draws_of_seeds, len(here), p=response.probability)
        places = response.best[rows] + here
        beyond = (places < response.decades[0]) | (places > response.decades[-1])
        losses = response.losses_at(places[:, np.newaxis], rows)[:, 0]
        excess[turn == at] = np.where(beyond, 1.0, losses) - response.lowest[rows]
    return excess
