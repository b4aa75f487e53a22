"""The promises of the statistics, kept on made-up studies; benchmarks/calibration.py in small.

Streams are named, so each figure is always the same. A limit allows for what that many studies
leave to chance (0.5 % on either side), so that a change of the streams would pass as well.
"""

import shutil

import numpy as np
import pytest
from scipy import stats

from benchmarks import calibration
from benchmarks.calibration_studies import LAWS, draw_study, true_response
from benchmarks.common import put
from initsweep.core.randomness import numpy_stream
from initsweep.statistics.comparison import probability_better
from initsweep.statistics.intervals import bca_interval, mean_interval, mean_of

COVERED = 400
"""Samples for a share of coverage: enough to tell an interval that holds too seldom, see below."""


def at_most(share: float, promised: float, studies: int) -> bool:
    return share <= stats.binom.ppf(0.995, studies, promised) / studies


def at_least(share: float, promised: float, studies: int) -> bool:
    return share >= stats.binom.ppf(0.005, studies, promised) / studies


@pytest.mark.parametrize("law", ["normal", "skewed", "heavy tails"])
def test_intervals_over_ten_fresh_seeds_cover_what_they_say(law):
    held = calibration.mean_coverage(law, 10, COVERED)
    for name in ("mean", "difference"):
        assert at_least(held[name], 0.93, COVERED), name
        assert at_most(held[name], 0.97, COVERED), name


def test_the_check_of_coverage_can_fail():
    stream = numpy_stream("test", "plain BCa")
    held = [low <= 0 <= high for low, high in
            (bca_interval(np.sort(stream.standard_t(3, 10))) for _ in range(COVERED))]  # fmt: skip
    assert not at_least(np.mean(held), 0.93, COVERED)


def test_intervals_over_five_tuning_seeds_cover_what_the_page_says():
    held = calibration.study_coverage("normal", 5, 60)
    assert len(held) == 10
    for name, share in held.items():
        assert at_least(share, 0.93, 60), name


def test_the_interval_of_p_better_covers_what_it_says_and_more_if_runs_are_paired():
    for gap in (0.0, 1.0):
        held = calibration.superiority_coverage(gap, 10, 300)
        assert at_least(held["unrelated"], 0.94, 300)
        assert held["paired"] >= 0.94


def test_planted_effects_are_found_with_the_power_that_the_page_states():
    found = {effect: calibration.planted(effect, 10, 2, 40) for effect in (0.5, 1.0, 1.5)}
    assert found[0.5]["winner"] < found[1.0]["winner"] < found[1.5]["winner"]
    assert at_least(found[1.5]["winner"], 0.95, 40)
    assert found[1.5]["wrong"] == 0


def test_seen_failures_lower_the_share_of_false_claims_that_rare_ones_lead_to():
    """One of two schemes of the same mean fails in 5 % of its runs; without a bar it is 59 %.

    In 60 of 100 studies no validation run fails, and nothing can be allowed for.
    """
    claimed = calibration.unlike_schemes("few capped", 10, 60)
    assert at_most(claimed["winner"], 0.6, 60)
    assert at_most(claimed["test"], 0.4, 60)
    assert claimed["test"] < claimed["winner"]


def test_the_true_width_of_the_calibration_is_interpolated():
    # Within 0.1 of the best: 0.1 / 0.12 of half a decade down, and 0.02 / 0.22 of one beyond 0.08.
    truth = true_response([0.0, 0.02])
    assert truth["basin_width"] == pytest.approx((0.1 / 0.12 + 1 + 0.02 / 0.22) / 2)
    # Of the best of all, 0.02 lower: 0.08 / 0.12 down, and exactly to the next rate up.
    assert truth["global_basin_width"] == pytest.approx((0.08 / 0.12 + 1) / 2)


def test_how_sure_is_said_of_what_is_sure():
    """The share is too high where schemes are alike, as the page says, and right where not."""
    alike, ahead = (calibration.picked_again(gap, 2, 24) for gap in (0.0, 2.0))
    assert at_least(ahead["true"], 0.97, 24)
    assert ahead["said"] > 0.97
    assert ahead["firm"] >= 0.95
    assert 0.25 < alike["true"] < 0.75
    assert alike["true"] < alike["said"] < 0.85


def test_a_scheme_that_never_trains_never_looks_robust():
    seen = calibration.stalled(30)
    assert seen["recommended"] == seen["trainable"] == seen["front"] == seen["best regret"] == 0
    assert seen["wortsman best"] == 1  # the blind spot that regret was chosen for


def test_a_study_drawn_twice_is_the_same():
    address = ("test", "twice")
    first, second = (draw_study(address, LAWS["skewed"], [0.0, 0.1], 10) for _ in range(2))
    assert first == second


def test_share_intervals_cover_enough_on_average():
    held = [calibration.share_coverage(p, 5)["share"] for p in np.linspace(0.01, 0.99, 99)]
    assert np.mean(held) > 0.94


def test_p_better_has_the_value_that_rliable_gives():
    """The scores of rliable's own test (higher is better, two tasks), for which it states 1/3.

    Source: google-research/rliable, tests/rliable/metrics_test.py.
    """
    first = -np.array([[1.0, 2], [2, 2], [1, 1], [2, 1]])
    second = -np.array([[1.0, 1], [2, 2], [3, 3]])
    tasks = [probability_better(first[:, task], second[:, task]) for task in (0, 1)]
    assert np.mean(tasks) == pytest.approx(1 / 3)


def test_mean_interval_stays_near_scipy_s_bootstrap_for_many_values():
    values = np.sort(np.exp(numpy_stream("test", "many").normal(size=200) / 2))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=10_000, rng=0).confidence_interval
    ours = mean_interval(values)
    width = theirs.high - theirs.low
    assert mean_of(values) == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.06 * width)


def test_the_page_is_written_from_the_results(tmp_path):
    text = calibration.as_markdown({"A table": {"a line": {"some_share": 0.05}}}, 10)
    assert text.endswith("**A table**\n\n| | some share |\n|---|---|\n| a line | 5.0 % |")
    page = tmp_path / calibration.PAGE.name
    shutil.copy(calibration.PAGE, page)
    put(page, {"calibration": text})
    assert f"<!-- calibration -->\n{text}\n<!-- end -->" in page.read_text(encoding="utf-8")
