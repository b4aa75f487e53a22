"""A candidate against the last decision: every standing, paired or not, and what it advises."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from initsweep.core.decisions import Decision
from initsweep.promotion.champion import Candidate, Terms, challenge, changed_settings
from initsweep.statistics.two_samples import permutation_p, unpaired_interval, welch_half_width

SEEDS = list(range(100, 110))
THEN = [0.30 + 0.01 * (seed % 5) for seed in SEEDS]
TERMS = Terms(
    data_sha="data",
    loss_name="cross_entropy",
    settings={"model.depth": "3"},
    margin=0.02,
    alpha=0.05,
)


def decision(**changes) -> Decision:
    content = {
        "scheme": "he_normal", "initializer": "he_normal", "options": {}, "learning_rate": 0.01,
        "network": "mlp-3x128-relu", "source": "digits", "outcome": "recommended",
        "decision": "tie", "loss_name": "cross_entropy", "validation_loss": 0.3,
        "validation_low": 0.29, "validation_high": 0.31, "test_loss": 0.32, "test_low": 0.3,
        "test_high": 0.33, "score_name": "accuracy", "test_score": 0.9, "test_score_low": 0.89,
        "test_score_high": 0.91, "basin_low": 0.001, "basin_high": 0.1, "basin_width": 2.0,
        "basin_censored": "no", "seeds": SEEDS, "test_losses": THEN,
        "settings": {"model.depth": "3"}, "data_sha": "data", "results_sha": "then",
        "verdict_sha": "v", "lock_sha": "l", "git_revision": "g", "by": "Ann Lee",
        "because": "widest basin", "although": "", "when": "2026-01-02T03:04:05+00:00",
        "model_name": "digits", "model_version": "1",
    }  # fmt: skip
    return Decision(**{**content, **changes})


def candidate(shift=0.0, seeds=SEEDS, wobble=0.001, results_sha="now") -> Candidate:
    losses = {
        seed: 0.30 + 0.01 * (seed % 5) + shift + wobble * (-1) ** index
        for index, seed in enumerate(seeds)
    }
    return Candidate(
        scheme="orthogonal", learning_rate=0.03, losses=losses, results_sha=results_sha
    )


@pytest.mark.parametrize(
    ("shift", "wobble", "standing", "change", "advice"),
    [
        (-0.1, 0.001, "better", True, "Change."),
        (0.1, 0.001, "worse", False, "There is no reason to change."),
        (0.002, 0.001, "equivalent", False, "There is no reason to change."),
        (-0.01, 0.1, "inconclusive", False, "Keep the champion until more seeds decide."),
    ],
)
@pytest.mark.parametrize("seeds", [SEEDS, range(200, 210)], ids=["paired", "unpaired"])
def test_what_the_losses_say(shift, wobble, standing, change, advice, seeds):
    found = challenge(decision(), candidate(shift, seeds, wobble), TERMS)
    assert found.standing == standing
    assert found.change is change
    assert found.statement.endswith(advice)
    assert found.paired is (seeds is SEEDS)
    assert found.difference == pytest.approx(shift, abs=1e-9)
    assert found.difference_low <= found.difference <= found.difference_high


def test_few_seeds_decide_nothing():
    few = decision(seeds=SEEDS[:8], test_losses=THEN[:8])
    found = challenge(few, candidate(-0.1, SEEDS[:8]), TERMS)
    assert found.standing == "inconclusive"
    assert "at least 9 seeds" in found.statement


def test_the_champion_itself_changes_nothing():
    found = challenge(decision(), candidate(results_sha="then"), TERMS)
    assert (found.standing, found.change) == ("same", False)


def test_other_data_cannot_be_compared():
    found = challenge(decision(data_sha="other rows"), candidate(-0.1), TERMS)
    assert (found.standing, found.change, found.difference) == ("not_comparable", False, None)
    assert "Decide anew" in found.statement


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"loss_name": "1 - accuracy"}, "loss: cross_entropy → 1 - accuracy"),
        ({"settings": {"task.select_by": "score"}}, "task.select_by: not set → score"),
        ({"settings": {"task.class_weights": "balanced"}}, "task.class_weights: not set → bal"),
    ],
)
def test_numbers_of_another_unit_cannot_be_compared(changed, named):
    found = challenge(decision(), candidate(-0.1), dataclasses.replace(TERMS, **changed))
    assert (found.standing, found.change, found.difference) == ("not_comparable", False, None)
    assert named in found.statement


def test_the_sentence_names_what_is_compared():
    terms = dataclasses.replace(TERMS, loss_name="1 - accuracy")
    found = challenge(decision(loss_name="1 - accuracy"), candidate(-0.1), terms)
    assert "has a lower test 1 - accuracy than" in found.statement


def test_without_a_recommendation_the_champion_stays():
    found = challenge(decision(), None, TERMS)
    assert (found.standing, found.change) == ("no_candidate", False)


@pytest.mark.parametrize(("one", "change"), [(candidate(), True), (None, False)])
def test_without_a_champion_the_first_decision_is_due(one, change):
    found = challenge(None, one, TERMS)
    assert (found.standing, found.change) == ("no_champion", change)
    assert ("initsweep promote orthogonal" in found.statement) is change


def test_changed_settings_are_named():
    terms = dataclasses.replace(TERMS, settings={"model.depth": "6", "new": "1"})
    found = challenge(decision(), candidate(), terms)
    assert found.changed_settings == ["model.depth: 3 → 6", "new: not set → 1"]


def test_the_permutation_p_agrees_with_scipy():
    generator = np.random.default_rng(0)
    new, old = generator.normal(0.0, 1, 9), generator.normal(0.9, 1, 11)

    def apart(first, second, axis):
        return np.abs(first.mean(axis=axis) - second.mean(axis=axis))

    expected = scipy.stats.permutation_test(
        (new, old), apart, vectorized=True, n_resamples=20_000, alternative="greater", rng=1
    )
    assert permutation_p(new, old) == pytest.approx(expected.pvalue, abs=0.012)
    assert permutation_p(new, new) == 1.0


def test_welch_agrees_with_scipy():
    generator = np.random.default_rng(4)
    new, old = generator.normal(0.0, 1, 9), generator.normal(0.0, 3, 14)
    error = (new.var(ddof=1) / 9 + old.var(ddof=1) / 14) ** 0.5
    theirs = scipy.stats.ttest_ind(new, old, equal_var=False)
    half = scipy.stats.t.ppf(0.975, int(theirs.df)) * error
    assert welch_half_width(new, old) == pytest.approx(half)
    assert welch_half_width(np.ones(9), np.ones(9)) == 0


def test_the_unpaired_interval_covers_what_it_says():
    generator, held = np.random.default_rng(5), []
    for _ in range(400):
        found = unpaired_interval(generator.normal(size=10), 3 * generator.normal(size=10))
        held.append(found.low <= 0 <= found.high)
    assert 0.93 <= np.mean(held) <= 0.98


def test_the_unpaired_interval_does_not_depend_on_the_order_of_seeds():
    new, old = np.array([0.1, 0.4, 0.2]), np.array([0.3, 0.2, 0.9, 0.7])
    found = unpaired_interval(new, old)
    assert found == unpaired_interval(new[::-1], old[[2, 0, 3, 1]])
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(new.mean() - old.mean())


def test_rules_of_deciding_are_compared_where_the_record_holds_them():
    now = {"model.depth": "3", "decide.alpha": "0.1"}
    assert changed_settings({"model.depth": "3"}, now) == []
    assert changed_settings({"model.depth": "3", "decide.alpha": "0.05"}, now) == [
        "decide.alpha: 0.05 → 0.1"
    ]


def test_a_schemes_name_is_not_capitalized():
    assert challenge(decision(), candidate(0.1), TERMS).statement.startswith("orthogonal at ")
