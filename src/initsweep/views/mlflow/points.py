"""Metric values as MLflow charts them: finite numbers at integer steps."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from initsweep.core.records import CurveRow, LayerRow, MeasureRow, RunRow, TrialRow
from initsweep.views.mlflow import limits

STEP_AT_RATE_ONE = 1000
"""Keeps the steps of learning rates positive: MLflow draws a metric whose last step is 0 as bars
instead of a line, and a grid that ends at the rate 1 would end at step 0."""

DIAGNOSIS = "diagnosis"
LAYER_QUANTITIES = (
    "forward_std",
    "forward_predicted",
    "backward_std",
    "backward_predicted",
    "dead",
    "saturated",
    "effective_rank",
    "cosine",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of one metric."""

    key: str
    value: float
    step: int = 0


def finite_points(values: Mapping[str, float | None]) -> list[Point]:
    """Return one point per value, without those that are undefined.

    MLflow stores infinity as 1.8e308 and its pages break on NaN.
    """
    return [
        Point(key=limits.key(key), value=float(value))
        for key, value in values.items()
        if value is not None and math.isfinite(value)
    ]


def response_points(trials: Sequence[TrialRow]) -> list[Point]:
    """Return the learning-rate response, with step = round(1000 + 100 log10 rate).

    The step axis then is the learning rate in hundredths of a decade, so that the stock chart
    draws the responses of several schemes over each other. Refinement trials are left out:
    only the shared rates are comparable from scheme to scheme.
    """
    points = []
    for trial in sorted(trials, key=lambda trial: trial.learning_rate):
        if trial.kind in {"grid", "extension"}:
            step = round(STEP_AT_RATE_ONE + 100 * math.log10(trial.learning_rate))
            values = {
                "lr_response/validation_loss": trial.mean_loss,
                "lr_response/divergence_rate": trial.diverged / trial.seeds,
            }
            points += [Point(key=key, value=value, step=step) for key, value in values.items()]
    return points


def curve_points(curves: Iterable[CurveRow]) -> list[Point]:
    """Return losses by epoch, as median over the runs given.

    A diverged run counts as worse than every number; where at least half of the runs have
    diverged, the curve ends.
    """
    losses: dict[tuple[str, int], list[float]] = {}
    for row in curves:
        for key, loss in (("train_loss", row.train_loss), ("validation_loss", row.validation_loss)):
            # Epoch 0 is the untrained network, which has no training loss in any run.
            worst = math.inf if loss is None else loss
            losses.setdefault((f"curve/{key}", row.epoch), []).append(worst)
    medians = {place: statistics.median(values) for place, values in sorted(losses.items())}
    return [
        Point(key=key, value=median, step=epoch)
        for (key, epoch), median in medians.items()
        if math.isfinite(median)
    ]


def layer_points(layers: Iterable[LayerRow]) -> list[Point]:
    """Return the diagnosis before training, with step = layer, input side first.

    MLflow's stock chart then draws a quantity through the layers of all schemes over each other.
    What theory does not predict has no point.
    """
    return [
        replace(point, step=row.layer)
        for row in sorted(layers, key=lambda row: row.layer)
        for point in finite_points(
            {f"{DIAGNOSIS}/{name}": getattr(row, name) for name in LAYER_QUANTITIES}
        )
    ]


def trial_points(trial: TrialRow, runs: Sequence[RunRow], score: str) -> list[Point]:
    """Return the results of one tuning trial: capped losses over its seeds."""
    scores = [run.validation_score for run in runs if run.validation_score is not None]
    complete = bool(scores) and len(scores) == trial.seeds
    return finite_points(
        {
            "validation_loss": trial.mean_loss,
            "learning_rate_log10": math.log10(trial.learning_rate),
            "validation_loss_best_seed": trial.best_loss,
            "validation_loss_worst_seed": trial.worst_loss,
            "divergence_rate": trial.diverged / trial.seeds,
            f"validation_{score}": statistics.fmean(scores) if complete else None,
        }
    )


def confirm_points(
    run: RunRow, curves: Iterable[CurveRow], measures: Iterable[MeasureRow], score: str
) -> list[Point]:
    """Return the results, measures and curves of one run on a fresh seed; losses are capped."""
    results = finite_points(
        {
            **{f"{row.split}_{row.measure}": row.value for row in measures},
            "initial_loss": run.initial_loss,
            "train_loss": run.train_loss,
            "validation_loss": run.capped_loss,
            f"validation_{score}": run.validation_score,
            "test_loss": run.capped_test_loss,
            f"test_{score}": run.test_score,
            "diverged_at_step": run.diverged_at_step,
        }
    )
    return results + curve_points(curves)
