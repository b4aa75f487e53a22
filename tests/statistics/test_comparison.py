import numpy as np
import pytest
from scipy import stats

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval
from initsweep.statistics.comparison import (
    FEWEST_SEEDS,
    Runs,
    compare_with,
    family_size,
    holm,
    outcome_of,
    probability_better,
    seeds_needed,
    sign_flip_p,
)
from tests.statistics.study_builder import THRESHOLDS


def sound(losses):
    """Return runs of which none failed."""
    return {name: with_failures(values, 0) for name, values in losses.items()}


def with_failures(losses, failed):
    """Return runs of which the last ones failed."""
    losses = np.asarray(losses, dtype=float)
    return Runs(losses=losses, failed=np.arange(len(losses)) >= len(losses) - failed)


def differences(*address, size=8, shift=0.0):
    return numpy_stream("test", *address).normal(shift, 1.0, size)


@pytest.mark.parametrize("size", [1, 2, 5, 10, 12])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_sign_flip_agrees_with_scipy(size, shift):
    values = differences(size, size=size, shift=shift)
    expected = 1.0
    if size > 1:  # SciPy refuses a single pair, for which both patterns are as extreme
        expected = stats.permutation_test(
            (values, np.zeros(size)),
            lambda a, b, axis: np.mean(a - b, axis=axis),
            permutation_type="samples",
            n_resamples=np.inf,
            vectorized=True,
        ).pvalue
    assert sign_flip_p(values) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [2, 9, 20])
def test_smallest_p_is_reached_when_all_signs_agree(size):
    assert sign_flip_p(np.abs(differences(size=size)) + 0.1) == 2.0 ** (1 - size)


def test_no_difference_gives_p_one():
    assert sign_flip_p(np.zeros(10)) == 1.0


def test_zero_differences_count_as_ties():
    # Only two seeds differ, so one pattern in two is as extreme.
    assert sign_flip_p(np.array([0.0, 0.0, 0.0, 1.0, 1.0])) == 0.5


def test_sums_equal_on_paper_are_ties_in_spite_of_rounding():
    # 0.3 - 0.1 - 0.2 is not 0 in floating point; every pattern below is a tie with |sum| = 0.
    assert sign_flip_p(np.array([0.3, -0.1, -0.2])) == 1.0
    values = np.array([0.1, 0.2, 0.3, 0.4, -0.1])
    scaled = np.array([1.0, 2.0, 3.0, 4.0, -1.0])
    assert sign_flip_p(values) == sign_flip_p(scaled)


def test_sign_and_order_do_not_matter():
    values = differences(size=9, shift=0.5)
    assert sign_flip_p(values) == sign_flip_p(-values) == sign_flip_p(values[::-1])


def test_many_seeds_use_random_flips_close_to_the_exact_value():
    values = np.concatenate([differences(size=20, shift=0.3), [0.0]])  # a zero changes nothing
    assert sign_flip_p(values) == pytest.approx(sign_flip_p(values[:20]), abs=0.005)
    assert sign_flip_p(values) == sign_flip_p(values)
    assert sign_flip_p(np.ones(60)) == 1 / 100_000


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 is .04 .06 .06 .04, and never below the one before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_gives_equal_p_values_the_same_correction():
    assert holm([0.01, 0.01, 0.01]) == pytest.approx([0.03] * 3)


def test_probability_better_counts_pairs_and_half_ties():
    assert probability_better(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == (3 + 0.5) / 4
    assert probability_better(np.ones(3), np.ones(3)) == 0.5


def test_probability_better_is_mann_whitney():
    one, other = differences(1, size=7), differences(2, size=7, shift=0.5)
    expected = stats.mannwhitneyu(other, one).statistic / 49
    assert probability_better(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "p", "outcome"),
    [
        (-0.009, 0.009, 0.001, "equivalent"),
        (0.001, 0.009, 0.001, "equivalent"),  # above zero, by too little to matter
        (0.001, 0.01, 0.001, "worse"),  # touching the margin is not inside it
        (-0.02, -0.001, 0.049, "better"),
        (0.001, 0.02, 0.049, "worse"),
        (0.001, 0.02, 0.05, "inconclusive"),
        (-0.001, 0.02, 0.001, "inconclusive"),  # interval and test disagree
        (-0.02, 0.001, 0.001, "inconclusive"),
        (-1.0, 1.0, 0.9, "inconclusive"),
    ],
)
def test_outcome(low, high, p, outcome):
    interval = Interval(low=low, estimate=(low + high) / 2, high=high)
    assert outcome_of(interval, p, margin=0.01, alpha=0.05) == outcome


def test_a_family_is_corrected_for_its_size_and_says_who_is_worse():
    base = np.linspace(0.1, 0.2, 10)
    noise = 0.001 * differences(size=10)
    losses = {"ref": base, "worse": base + 0.1 + noise, "same": base + noise, "better": base - 0.05}
    rows = {row.scheme: row for row in compare_with("validation", "ref", sound(losses), THRESHOLDS)}
    assert list(rows) == ["worse", "same", "better"]
    assert {s: r.outcome for s, r in rows.items()} == {
        "worse": "worse", "same": "equivalent", "better": "better",
    }  # fmt: skip
    worse = rows["worse"]
    assert worse.mean_difference == pytest.approx(0.1 + noise.mean())
    assert worse.low < worse.mean_difference < worse.high
    assert (worse.p_value, worse.p_holm) == (2**-9, 3 * 2**-9)
    assert worse.probability_better < 0.5 < rows["better"].probability_better
    assert (rows["better"].low, rows["better"].high) == pytest.approx((-0.05, -0.05))


def test_the_margin_is_a_share_of_the_constant_loss_of_the_family():
    losses = {"ref": np.zeros(10), "other": np.full(10, 0.015)}  # margins: .01 and .02
    (validation,) = compare_with("validation", "ref", sound(losses), THRESHOLDS)
    (test,) = compare_with("test", "ref", sound(losses), THRESHOLDS)
    assert (validation.outcome, test.outcome) == ("worse", "equivalent")


def test_pairing_by_seed_finds_a_difference_far_smaller_than_the_spread_of_seeds():
    seeds = differences("seeds", size=10)
    losses = {"ref": seeds, "other": seeds + 0.1 + 0.01 * differences("own", size=10)}
    (row,) = compare_with("validation", "ref", sound(losses), THRESHOLDS)
    assert row.outcome == "worse"
    assert 0.05 < row.low < row.high < 0.15


@pytest.mark.parametrize("failed", [0, 1, 3, 9])
def test_the_allowance_is_the_failures_that_the_seeds_may_have_missed(failed):
    runs = with_failures([0.2] * (10 - failed) + [1.0] * failed, failed)
    # The upper end of a two-sided 60 % interval is that of a one-sided 80 % one.
    most = stats.binomtest(failed, 10).proportion_ci(0.6, method="wilson").high
    assert runs.allowance(1.0, 10) == pytest.approx((most - failed / 10) * (1.0 - 0.2))


def test_the_allowance_by_hand():
    # Without a failure Wilson's bound is z^2 / (n + z^2); z is 0.8416 at 80 %.
    square = 0.8416212**2
    none = with_failures([0.1, 0.3] * 5, 0)
    assert none.allowance(2.0, 10) == pytest.approx(square / (10 + square) * 1.8)
    assert none.allowance(2.0, 10) == pytest.approx(0.119, abs=5e-4)
    # Where no run trained, nothing is known of what a failure would cost.
    assert with_failures([1.0] * 10, 10).allowance(1.0, 10) == 0.0


@pytest.mark.parametrize(("ahead", "outcome"), [(0.15, "inconclusive"), (0.3, "worse")])
def test_no_difference_is_claimed_that_unseen_failures_of_the_one_ahead_could_explain(
    ahead, outcome
):
    # Both fail at the last seed. The one ahead may fail in up to 20.8 % of runs, of which 10 % were
    # seen, and each costs 0.8: 0.0864 in all.
    first, second = [0.2] * 9 + [1.0], [0.2 + ahead] * 9 + [1.0]
    runs = {"ref": with_failures(first, 1), "other": with_failures(second, 1)}
    assert runs["ref"].allowance(1.0, 10) == pytest.approx(0.0864, abs=5e-5)
    (row,) = compare_with("validation", "ref", runs, THRESHOLDS)
    assert 0 < row.low < row.mean_difference == pytest.approx(0.9 * ahead)
    assert (row.low > 0.0864) == (outcome == "worse")
    assert row.outcome == outcome
    # The same the other way round: better is held to the same bar as worse.
    (turned,) = compare_with("validation", "other", runs, THRESHOLDS)
    assert turned.outcome == {"worse": "better"}.get(outcome, outcome)
    # Where nothing failed, nothing is allowed for.
    plain = sound({"ref": first, "other": second})
    assert compare_with("validation", "ref", plain, THRESHOLDS)[0].outcome == "worse"


def test_failures_of_the_one_behind_are_enough_to_ask_about_those_of_the_one_ahead():
    # No failure in ten leaves 6.6 % of them, each worth 0.8: 0.0529.
    ahead = with_failures([0.2] * 10, 0)
    for lift, outcome in ((0.3, "worse"), (0.12, "inconclusive")):
        behind = with_failures([0.2 + lift] * 9 + [1.0], 1)
        (row,) = compare_with("validation", "ref", {"ref": ahead, "x": behind}, THRESHOLDS)
        assert row.low > 0
        assert (row.low > ahead.allowance(1.0, 10)) == (outcome == "worse")
        assert row.outcome == outcome


def test_failures_that_only_later_seeds_met_count_in_full():
    failed = np.zeros(40, dtype=bool)
    failed[20:30] = True
    runs = Runs(losses=np.where(failed, 1.0, 0.2), failed=failed)
    over_all, over_ten = runs.allowance(1.0, 40), runs.allowance(1.0, 10)
    assert over_ten == pytest.approx(over_all + 10 / 40 * (1.0 - 0.2))


def test_equivalence_needs_no_allowance():
    first, second = [0.2] * 9 + [1.0], [0.203] * 9 + [1.0]
    runs = {"ref": with_failures(first, 1), "other": with_failures(second, 1)}
    assert compare_with("validation", "ref", runs, THRESHOLDS)[0].outcome == "equivalent"


def test_schemes_with_the_same_runs_count_once_in_the_correction():
    base = np.linspace(0.1, 0.2, 10)
    copies = dict.fromkeys("bcd", base + 0.1)
    losses = {"a": base, "twin": base.copy(), **copies, "e": base + 0.2}
    rows = {r.scheme: r for r in compare_with("validation", "a", sound(losses), THRESHOLDS)}
    # Two laws differ from that of the reference: twice 2^-9, not five times.
    assert {name: rows[name].p_holm for name in "bcde"} == dict.fromkeys("bcde", 2 * 2**-9)
    assert (rows["twin"].p_holm, rows["twin"].outcome) == (1.0, "equivalent")
    assert family_size("a", sound(losses)) == 2
    assert family_size("a", sound({"a": base, "twin": base.copy()})) == 0
    assert list(rows) == ["twin", "b", "c", "d", "e"]


def test_runs_that_differ_in_one_seed_are_two_laws():
    base = np.linspace(0.1, 0.2, 10)
    other = base + 0.1
    other[3] += 1e-12
    losses = sound({"a": base, "b": base + 0.1, "c": other})
    assert family_size("a", losses) == 2
    rows = compare_with("validation", "a", losses, THRESHOLDS)
    assert [row.p_holm for row in rows] == [2 * 2**-9] * 2


@pytest.mark.parametrize(
    ("comparisons", "needed"),
    [(0, 9), (1, 9), (7, 9), (12, 9), (13, 10), (15, 10), (25, 10), (26, 11), (28, 11)],
)
def test_seeds_needed(comparisons, needed):
    assert seeds_needed(comparisons, 0.05) == needed
    assert comparisons * 2.0 ** (1 - needed) < 0.05
    assert needed == FEWEST_SEEDS or comparisons * 2.0 ** (2 - needed) >= 0.05
