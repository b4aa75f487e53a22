"""What the other of loss and score would have chosen, on the same seeds; it decides nothing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from initsweep.core.records import OtherCriterion, RunRow, Schema
from initsweep.statistics.comparison import paired_difference
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.intervals import mean_interval, mean_of
from initsweep.statistics.scheme_summary import Summary


def other_criterion(
    summaries: Sequence[Summary], recommended: str | None, schema: Schema
) -> OtherCriterion | None:
    """Compare the best pair by the other criterion with the recommended one.

    Args:
        summaries: All schemes; the untrainable ones do not enter.
        recommended: The recommended scheme.
        schema: As prepared.

    Returns:
        None without a recommendation.
    """
    evidence = {s.scheme: s.evidence for s in summaries if s.untrainable is None}
    if recommended not in evidence:
        return None
    other = schema.other
    best = min(evidence.values(), key=lambda one: (_tuned(one, other), one.scheme))
    rate, fresh = best.selection.other_learning_rate, best.other or best.confirm
    own = evidence[recommended].confirm
    cap = other.judged.constant_validation_loss
    differences = paired_difference(_values(fresh, other), _values(own, other))
    difference = mean_interval(differences, (-cap, cap))
    return OtherCriterion(
        criterion=other.criterion,
        scheme=best.scheme,
        learning_rate=rate,
        low=difference.low,
        difference=difference.estimate,
        high=difference.high,
        better=difference.high < 0,
        test=_tested(fresh[: len(differences)], other),
        recommended_test=_tested(own[: len(differences)], other),
    )


def _tuned(one: Evidence, schema: Schema) -> float:
    """Return the mean over the tuning seeds at the rate that this criterion chose."""
    rate = one.selection.other_learning_rate
    return mean_of(_values([run for run in one.tuning if run.learning_rate == rate], schema))


def _values(runs: Sequence[RunRow], schema: Schema) -> NDArray[np.float64]:
    ordered = sorted(runs, key=lambda run: run.seed)
    return np.array([schema.capped_of(run) for run in ordered])


def _tested(runs: Sequence[RunRow], schema: Schema) -> float:
    """Return the mean over test rows, in the criterion's own unit."""
    mean = mean_of([schema.capped_test(run.test_loss, run.test_score) for run in runs])
    return mean if schema.select_by == "loss" else 1 - mean
