"""The numbers that DVC diffs and the tables that it plots. `.dvc/plots/` draws them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from initsweep.core.records import CurveRow, PredictionRow, ResponseRow, Schema, SchemeRow, Verdict
from initsweep.core.spelling import distinct, embedded

Metrics = dict[str, int | float | str]

NONE = "none"
"""What stands for the recommended scheme where there is none: DVC drops nulls."""

_LONGEST_CLASS = 40
_HEADLINE = ("learning_rate", "basin_width", "test_loss", "test_score")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePoint:
    """One rate of one scheme: the evenly spaced ones, and the chosen one wherever it lies."""

    scheme: str
    learning_rate: float
    mean_loss: float
    low: float
    high: float
    failure_rate: float
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One epoch of one scheme at its chosen rate: capped validation loss over the fresh seeds."""

    scheme: str
    epoch: int
    median_loss: float
    best_loss: float
    worst_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionRow:
    """One test example as the kept network of the recommended scheme sees it, class by name."""

    actual: str
    predicted: str


def response_points(
    response: Sequence[ResponseRow], schemes: Sequence[SchemeRow]
) -> list[ResponsePoint]:
    """Return the responses to draw, by scheme in the order of `response`, rates ascending.

    Rates found by refinement crowd around the best one; of these only the chosen one is kept.
    """
    chosen = {row.scheme: row.learning_rate for row in schemes}
    points = [
        ResponsePoint(
            scheme=row.scheme,
            learning_rate=row.learning_rate,
            mean_loss=row.mean_loss,
            low=row.low,
            high=row.high,
            failure_rate=row.failure_rate,
            chosen=row.learning_rate == chosen[row.scheme],
        )
        for row in response
    ]
    kinds = [row.kind for row in response]
    kept = [p for p, kind in zip(points, kinds, strict=True) if p.chosen or kind != "refinement"]
    place = {name: index for index, name in enumerate(dict.fromkeys(p.scheme for p in kept))}
    return sorted(kept, key=lambda point: (place[point.scheme], point.learning_rate))


def curve_points(scheme: str, rows: Sequence[CurveRow], cap: float, last: int) -> list[CurvePoint]:
    """Return the learning curve of a scheme, epoch 0 (untrained) to `last`.

    A diverged run has no later rows; it, and any loss above the constant predictor's, counts at
    that loss `cap`, as it does in the verdict.
    """
    seeds = sorted({row.seed for row in rows})
    known = {(row.seed, row.epoch): row.validation_loss for row in rows}
    points = []
    for epoch in range(last + 1) if seeds else ():
        measured = [known.get((seed, epoch)) for seed in seeds]
        losses = [cap if loss is None else min(loss, cap) for loss in measured]
        points.append(
            CurvePoint(
                scheme=scheme,
                epoch=epoch,
                median_loss=statistics.median(losses),
                best_loss=min(losses),
                worst_loss=max(losses),
            )
        )
    return points


def confusion_rows(predictions: Sequence[PredictionRow], schema: Schema) -> list[ConfusionRow]:
    """Return actual and predicted classes by name; none for a regression, which has no classes."""
    names = [*map(embedded, distinct(schema.class_names, _LONGEST_CLASS).values())]
    return [
        ConfusionRow(actual=names[round(row.target)], predicted=names[round(row.prediction)])
        for row in predictions
        if names
    ]


def headline(verdict: Verdict, schemes: Sequence[SchemeRow]) -> Metrics:
    """Return the few numbers that tell one study from another, the columns of `dvc exp show`.

    Returns:
        Values by name, rounded to six significant digits; what is not defined is left out.
    """
    of_row = by_scheme(schemes).get(verdict.recommended or NONE, {})
    return {
        "decision": verdict.decision,
        "recommended": verdict.recommended or NONE,
        **{key: of_row[key] for key in _HEADLINE if key in of_row},
        "tied": len(verdict.tie_set),
        "trainable": sum(row.trainable for row in schemes),
    }


def by_scheme(schemes: Sequence[SchemeRow]) -> dict[str, Metrics]:
    """Return the numbers of each scheme, for `dvc metrics diff --targets`.

    Returns:
        Values by name by scheme, rounded to six significant digits; undefined ones are left out.
    """
    return {
        row.scheme: _rounded(
            {
                "learning_rate": row.learning_rate,
                "validation_loss": row.validation_loss,
                "test_loss": row.test_loss,
                "test_score": row.test_score,
                "basin_width": row.basin_width,
                "regret": row.regret,
                "sensitivity": row.sensitivity,
                "failed_runs": row.failed_runs,
            }
        )
        for row in schemes
    }


def _rounded(values: Mapping[str, float | None]) -> Metrics:
    return {
        name: value if isinstance(value, int) else float(f"{value:.6g}")
        for name, value in values.items()
        if value is not None
    }
