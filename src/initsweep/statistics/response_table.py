"""The table of a scheme's learning-rate response."""

from collections.abc import Iterable

from initsweep.core.records import ResponseRow
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.sensitivity import Basin, Point


def response_rows(
    scheme: str, points: Iterable[Point], basin: Basin | None, threshold: float, cap: float
) -> list[ResponseRow]:
    """List the response of one scheme, refinement included.

    A rate is marked as in the basin if it lies between the basin's ends and its mean loss is at
    most the threshold. The interval is that of its own runs, moved with the mean.

    Returns:
        One row per point, in the order given.
    """
    rows = []
    for point in points:
        own = mean_interval(point.losses, (0.0, cap))
        moved = point.mean_loss - own.estimate
        inside = basin is not None and basin.low <= point.learning_rate <= basin.high
        rows.append(
            ResponseRow(
                scheme=scheme,
                learning_rate=point.learning_rate,
                kind=point.kind,
                low=min(point.mean_loss, max(own.low + moved, 0.0)),
                mean_loss=point.mean_loss,
                high=max(point.mean_loss, min(own.high + moved, cap)),
                best_loss=float(point.losses.min()),
                worst_loss=float(point.losses.max()),
                failure_rate=point.failure_rate,
                divergence_rate=point.divergence_rate,
                in_basin=inside and point.mean_loss <= threshold,
                seeds=len(point.losses),
            )
        )
    return rows
