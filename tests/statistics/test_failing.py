"""Failed, overconfident and untrainable: no better than guessing by loss and by score.

The constant predictor's loss is 1 and its score 0.1; at a required share of 5 % a run is better
than guessing from a loss of 0.95 down, or from a score of 0.1 + 0.05 * 0.9 = 0.145 up.
"""

from dataclasses import replace

import pytest
from scipy import stats

from initsweep.statistics.failing import failed, guesses, overconfident
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.scheme_table import scheme_rows
from initsweep.statistics.selection import choose
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.verdict import compare
from tests.statistics.study_builder import (
    DECIDE,
    PROVENANCE,
    SCHEMA,
    THRESHOLDS,
    evidence,
    flat,
    run_row,
)

CURVE = flat([0.9, 0.22, 0.2, 0.9])
STALLED = flat([1.0] * 4)


def test_the_yardstick_by_hand():
    assert THRESHOLDS.loss_ceiling == pytest.approx(0.95)
    assert THRESHOLDS.score_floor == pytest.approx(0.145)


@pytest.mark.parametrize(
    ("loss", "score", "fails", "sure_of_itself"),
    [
        (0.5, 0.6, False, False),
        (0.5, 0.1, False, False),  # learned by loss, whatever the score
        (0.94, 0.0, False, False),
        (0.96, 0.144, True, False),
        (0.96, 0.146, False, True),
        (3.0, 0.9, False, True),  # right in nine rows of ten and far beyond guessing by loss
        (3.0, 0.1, True, False),
        (None, None, True, False),
    ],
)
def test_a_run_fails_by_loss_and_by_score(loss, score, fails, sure_of_itself):
    run = run_row(loss=loss, score=score)
    assert failed(run, THRESHOLDS) is fails
    assert overconfident(run, THRESHOLDS) is sure_of_itself


def test_a_run_that_diverged_failed_whatever_it_had_learned_before():
    run = replace(run_row(loss=0.2, score=0.9), status="diverged")
    assert failed(run, THRESHOLDS)
    assert not overconfident(run, THRESHOLDS)


def test_without_a_score_of_the_constant_predictor_the_loss_alone_decides():
    by_loss = Thresholds(validation_constant=1.0, test_constant=2.0, decide=DECIDE)
    assert failed(run_row(loss=0.96, score=0.9), by_loss)
    assert not overconfident(run_row(loss=0.96, score=0.9), by_loss)


def test_guessing_is_judged_by_means_over_runs():
    # A diverged run counts as the constant predictor in both. Loss 1, score (0.1 + 0.2) / 2.
    assert not guesses([run_row(loss=None), run_row(loss=2.0, score=0.2)], THRESHOLDS)
    assert guesses([run_row(loss=None), run_row(loss=2.0, score=0.18)], THRESHOLDS)
    # By loss: (0.85 + 1) / 2 is low enough, (0.92 + 1) / 2 is not.
    assert not guesses([run_row(loss=None), run_row(loss=0.85, score=0.0)], THRESHOLDS)
    assert guesses([run_row(loss=None), run_row(loss=0.92, score=0.0)], THRESHOLDS)


def test_where_runs_are_compared_by_score_the_loss_still_counts_in_its_own_unit():
    by_score = replace(SCHEMA, select_by="score", constant_validation_loss=2.3)
    thresholds = Thresholds.of(by_score, DECIDE)
    assert thresholds.ceiling == pytest.approx(0.9 * 0.95)
    assert thresholds.loss_ceiling == pytest.approx(2.3 * 0.95)
    assert not failed(run_row(loss=2.1, score=0.1), thresholds)
    assert failed(run_row(loss=2.2, score=0.1), thresholds)
    assert overconfident(run_row(loss=2.2, score=0.2), thresholds)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (evidence("a", [1.0] * 10, STALLED), "at no learning rate tried"),
        # By score it learns, both times: a loss beyond guessing does not make it untrainable.
        (evidence("a", [1.0] * 10, STALLED, scores=[0.8] * 10, tuned_score=0.8), None),
        (
            evidence("a", [1.0] * 10, STALLED, tuned_score=0.8),
            "during tuning, but not on fresh seeds",
        ),
        (
            evidence("a", [1.0] * 10, STALLED, scores=[0.8] * 10),
            "at no learning rate tried",
        ),
        # Eight of ten guess: the mean score 0.16 is enough, 0.13 is not.
        (
            evidence("a", [1.0] * 10, CURVE, scores=[0.1] * 8 + [0.4] * 2),
            None,
        ),
        (
            evidence("a", [1.0] * 10, CURVE, scores=[0.1] * 9 + [0.4]),
            "during tuning, but not on fresh seeds",
        ),
    ],
)
def test_untrainable_is_judged_by_loss_and_by_score(found, reason):
    assert summarize([found], THRESHOLDS)[0].untrainable == reason


def test_overconfident_runs_are_counted_and_are_no_failures():
    scores = [0.9] * 8 + [0.1] * 2
    found = evidence("a", [0.2] * 7 + [1.5] * 3, CURVE, scores=scores)
    summaries = summarize([found], THRESHOLDS)
    row = scheme_rows(summaries, choose(summaries, THRESHOLDS), THRESHOLDS)[0]
    assert (row.failed_runs, row.overconfident_runs, row.runs) == (2, 1, 10)
    caveats = compare([found], SCHEMA, DECIDE, PROVENANCE).verdict.caveats
    assert any("overconfident" in one and "a (1 of 10 runs)" in one for one in caveats)
    assert any("Some fresh runs failed" in one and "a (2 of 10 runs)" in one for one in caveats)
    sound = compare([evidence("a", [0.2] * 10, CURVE)], SCHEMA, DECIDE, PROVENANCE).verdict
    assert not any("overconfident" in one or "failed" in one[:30] for one in sound.caveats)


@pytest.mark.parametrize(("count", "most"), [(0, 0.2129), (1, 0.3477), (10, 1.0)])
def test_the_most_that_may_fail(count, most):
    # Wilson's one-sided bound; without a failure z^2 / (n + z^2) with z 1.645.
    losses = [0.2] * (10 - count) + [None] * count
    row = compare([evidence("a", losses, CURVE)], SCHEMA, DECIDE, PROVENANCE).schemes[0]
    assert row.failed_share_high == pytest.approx(most, abs=1e-4)
    theirs = stats.binomtest(count, 10).proportion_ci(0.9, method="wilson").high
    assert row.failed_share_high == pytest.approx(theirs)
