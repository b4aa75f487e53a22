"""What may be true at a size that was not trained, from what was found at others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.resamples import LEVEL
from initsweep.statistics.size_law import Array, Drawn, Observed, Scales, draws
from initsweep.statistics.transfer_rates import FLOOR, REACH, Located, Measured

RATES = Scales(slope=0.3, spread=0.06, bend=0.015, scatter=0.1)
"""Of best rates, in decades: a common exponent of 1 or so, exponents of schemes 0.2 apart, which
change by 0.1 per doubling."""

REACHES = Scales(slope=0.2, spread=0.1, bend=0.02, scatter=0.1)
"""Of logarithms of how far basins reach."""

LOSSES = Scales(slope=0.5, spread=0.15, bend=0.03, scatter=0.05)
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
        basin: The ends of the basin, in decades; None where it ends between the rates tried at
            fewer than two sizes, on either side.
    """

    rate: float
    rates: Array
    slope: Array
    loss: Array
    excess: Array
    basin: tuple[float, float] | None

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
    below = _drawn(points, target, REACHES, "below", lambda point: point.below)
    above = _drawn(points, target, REACHES, "above", lambda point: point.above)
    return {
        scheme: _outlook(
            [point for point in points if point.scheme == scheme],
            law,
            losses[scheme].target,
            below[scheme].target if scheme in below else None,
            above[scheme].target if scheme in above else None,
        )
        for scheme, law in rates.items()
    }


def _outlook(
    points: Sequence[Located], law: Drawn, losses: Array, below: Array | None, above: Array | None
) -> Outlook:
    rate = float(np.median(law.target))
    largest = sorted(points, key=lambda point: point.size)[-READ:]
    return Outlook(
        rate=rate,
        rates=law.target,
        slope=law.slope,
        loss=np.clip(np.exp(losses) - FLOOR, 0.0, 1.0),
        excess=_excess(largest, rate - law.target, below, above),
        basin=None
        if below is None or above is None
        else (rate - _decades(below), rate + _decades(above)),
    )


def _decades(reach: Array) -> float:
    return max(float(np.exp(np.median(reach))) - REACH, 0.0)


def steadied(measured: Sequence[Measured]) -> Array:
    """Return variances, those below the geometric mean of all drawn halfway to it.

    One from few seeds may be small by luck, and would then rule a law.
    """
    logs = np.log([one.variance for one in measured])
    return np.asarray(np.exp(np.maximum(logs, (logs + logs.mean()) / 2)))


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
    scales_rates = {point.scheme: point.scales_rates for point, _ in known}
    drawn = draws(
        Observed(
            scheme=np.array([schemes.index(point.scheme) for point, _ in known]),
            group=np.array([scales_rates[scheme] for scheme in schemes], dtype=np.int64),
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


def _excess(
    points: Sequence[Located], distance: Array, below: Array | None, above: Array | None
) -> Array:
    """Return what a rate so many decades from the best one loses, by the responses measured.

    Each draw reads one of them, under one draw of its seeds, around the best rate that these give:
    an uncertain response makes an uncertain loss. As basins become narrower, so does the response.

    Args:
        points: The sizes to read.
        distance: From the best rate, in decades, shape (draws,).
        below: How far the basin at the target reaches below the best rate, as in `Located`.
        above: The same above.

    Returns:
        Shares of the constant predictor's loss, shape (draws,); all that there is to lose where a
        rate lies beyond those tried.
    """
    turn = np.arange(len(distance)) % len(points)
    excess = np.empty(len(distance))
    for at, point in enumerate(points):
        mine, response = turn == at, point.response
        narrower = np.where(
            distance > 0, _narrower(point.above, above), _narrower(point.below, below)
        )
        stream = numpy_stream("statistics", "excess", at, response.seeds)
        drawn = stream.choice(len(response.probability), mine.sum(), p=response.probability)
        rows = 1 + drawn
        places = response.best[rows] + (distance * narrower)[mine]
        beyond = (places < response.decades[0]) | (places > response.decades[-1])
        losses = response.losses_at(places[:, np.newaxis], rows)[:, 0]
        excess[mine] = np.where(beyond, 1.0, losses) - response.lowest[rows]
    return excess


def _narrower(measured: Measured | None, target: Array | None) -> Array:
    """Return by what factor a side of a basin is narrower at the target; 1 where not known."""
    if measured is None or target is None:
        return np.ones(1)
    return np.asarray(np.exp(measured.value - target))
