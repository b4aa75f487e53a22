"""What is measured of the fresh runs beside loss and score, summed up by scheme."""

from collections.abc import Sequence

from initsweep.core.records import MeasureRow, MeasureSummary
from initsweep.statistics.intervals import ANY, mean_interval
from initsweep.statistics.thresholds import POSSIBLE


def summaries(rows: Sequence[MeasureRow]) -> list[MeasureSummary]:
    """Return every measure of every scheme on test rows, in the order of the rows.

    The interval is over seeds, as everywhere; of a single run it has no width.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row.split == "test":
            values = found.setdefault((row.scheme, row.measure), [])
            values += [] if row.value is None else [row.value]
    return [_summary(scheme, measure, values) for (scheme, measure), values in found.items()]


def _summary(scheme: str, measure: str, values: list[float]) -> MeasureSummary:
    low = estimate = high = None
    if values:
        mean = mean_interval(values, POSSIBLE.get(measure, ANY))
        low, estimate, high = mean.low, mean.estimate, mean.high
    return MeasureSummary(
        scheme=scheme, measure=measure, runs=len(values), low=low, estimate=estimate, high=high
    )
