"""Which of those that tie forgives a wrong rate more, and how often a scheme would be picked."""

from dataclasses import replace

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.forgiving import Widths, most_forgiving, repicked
from initsweep.statistics.resamples import seed_draws
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.selection import REDRAWN, choose, sure
from tests.statistics.study_builder import THRESHOLDS, evidence, flat
from tests.statistics.test_basins import plain

RATES = (0.001, 0.01, 0.1, 1.0)


def curve(*by_rate):
    """Return losses by rate, each by tuning seed."""
    return dict(zip(RATES, map(list, by_rate), strict=True))


def summaries_of(**curves):
    found = [evidence(name, [0.2] * 10, grid) for name, grid in curves.items()]
    return summarize(found, THRESHOLDS)


def left(**curves):
    return [one.scheme for one in most_forgiving(summaries_of(**curves), THRESHOLDS)]


# At 0.01 a scheme within 0.05 of its best, 0.2, reaches a decade further down.
NARROW = [0.9] * 5, [0.9] * 5, [0.2] * 5, [0.9] * 5
WIDE = [0.9] * 5, [0.22] * 5, [0.2] * 5, [0.9] * 5


def test_a_basin_is_taken_out_only_where_the_interval_of_the_difference_excludes_zero():
    # Down from 0.1: half a decade, (0.25 - 0.2) / (0.3 - 0.2), against more than one.
    half = [0.9] * 5, [0.3] * 5, [0.2] * 5, [0.9] * 5
    assert left(narrow=curve(*half), wide=curve(*WIDE)) == ["wide"]
    # On average as wide, but the tuning seeds disagree: at 0.01 three reach 0.2, two 0.32. Where
    # those two are all that is drawn, it reaches 0.42 decades down.
    torn = [0.9] * 5, [0.2, 0.2, 0.2, 0.32, 0.32], [0.2] * 5, [0.9] * 5
    narrow, torn_one = summaries_of(narrow=curve(*half), torn=curve(*torn))
    assert torn_one.basin_width > narrow.basin_width + 0.5
    assert [s.scheme for s in most_forgiving([narrow, torn_one], THRESHOLDS)] == ["narrow", "torn"]


def test_the_interval_is_of_the_difference_and_not_of_each_width():
    """Seeds move both basins alike, so that their widths overlap and their difference is sure."""
    lift = np.array([0.0, 0.02, 0.04, 0.06, 0.08])
    one = [0.9] * 5, (0.24 + lift).tolist(), [0.2] * 5, [0.9] * 5
    other = [0.9] * 5, (0.21 + lift).tolist(), [0.2] * 5, [0.9] * 5
    pair = summaries_of(one=curve(*one), other=curve(*other))
    widths = Widths(pair, THRESHOLDS)
    assert widths.drawn[:, 0].max() > widths.drawn[:, 1].min()
    assert (widths.drawn[:, 1] > widths.drawn[:, 0] - 1e-9).all()
    assert widths.narrower(1).tolist() == [True, False]


def test_a_basin_that_may_go_on_beyond_the_rates_tried_is_never_taken_out():
    open_above = [0.9] * 5, [0.9] * 5, [0.2] * 5, [0.24] * 5
    wider = [0.9] * 5, [0.2] * 5, [0.2] * 5, [0.9] * 5
    longest = [0.2] * 5, [0.2] * 5, [0.2] * 5, [0.9] * 5
    found = summaries_of(open=curve(*open_above), wide=curve(*wider), longest=curve(*longest))
    assert found[0].basin_width < found[1].basin_width < found[2].basin_width
    # The longest is open, too: it is at least that wide, which is enough against `wide`.
    assert [one.scheme for one in most_forgiving(found, THRESHOLDS)] == ["open", "longest"]


def test_an_extension_that_ends_the_basin_takes_the_scheme_out():
    open_above = [0.9] * 5, [0.9] * 5, [0.2] * 5, [0.24] * 5
    longest = [0.2] * 5, [0.2] * 5, [0.2] * 5, [0.9] * 5
    ended = evidence("ended", [0.2] * 10, curve(*open_above), extension={3.0: [0.9] * 5})
    both = summarize([ended, evidence("longest", [0.2] * 10, curve(*longest))], THRESHOLDS)
    assert [one.scheme for one in most_forgiving(both, THRESHOLDS)] == ["longest"]


def test_refined_rates_are_part_of_the_basin_that_is_compared():
    # Between 0.01 and 0.1, both at 0.24, refinement finds 0.1: only rates around it are as good.
    grid = curve([0.9] * 5, [0.24] * 5, [0.24] * 5, [0.9] * 5)
    plain_one = evidence("plain", [0.2] * 10, grid)
    refined = evidence("refined", [0.2] * 10, grid, refinement={0.03: [0.1] * 5})
    both = summarize([refined, plain_one], THRESHOLDS)
    assert both[0].basin_width < both[1].basin_width
    assert [one.scheme for one in most_forgiving(both, THRESHOLDS)] == ["plain"]


def test_a_single_tuning_seed_takes_nobody_out():
    assert left(narrow=flat([0.9, 0.9, 0.2, 0.9], 1), wide=flat([0.9, 0.2, 0.2, 0.9], 1)) == [
        "narrow", "wide",
    ]  # fmt: skip


def test_equal_basins_and_a_scheme_alone_stay():
    assert left(a=curve(*WIDE), b=curve(*WIDE)) == ["a", "b"]
    assert left(a=curve(*NARROW)) == ["a"]


def test_widths_of_draws_agree_with_a_slow_plain_implementation():
    stream = numpy_stream("test", "widths")
    curves = {
        name: {rate: np.round(stream.random(4), 2).tolist() for rate in RATES} for name in "abc"
    }
    found = summaries_of(**curves)
    widths, (shares, _) = Widths(found, THRESHOLDS), seed_draws(4)
    for place, name in enumerate("abc"):
        for draw, share in enumerate(shares):
            means = [float(np.dot(share, losses)) for losses in curves[name].values()]
            threshold = min(min(means) + 0.05, 0.95)
            ends = plain(means, RATES, threshold)
            expected = 0.0 if ends is None else ends[1][0] - ends[0][0]
            assert widths.drawn[draw, place] == pytest.approx(expected, abs=1e-9)


def studies(*means, spread=0.02, seeds=10, grids=None):
    found = []
    for place, mean in enumerate(means):
        name = f"s{place}"
        losses = mean + spread * numpy_stream("test", "repicked", name).normal(size=seeds)
        losses += mean - losses.mean()
        grid = flat([0.9, 0.22, 0.2, 0.9]) if grids is None else grids[place]
        found.append(evidence(name, losses.tolist(), grid))
    return summarize(found, THRESHOLDS)


def shares_of(found, draws=REDRAWN):
    return repicked(found, THRESHOLDS, draws, numpy_stream("test", "repicked"))


def test_equal_schemes_split_the_picks():
    picks = shares_of(studies(0.3, 0.3))
    assert picks["s0"] == pytest.approx(0.5, abs=0.1)
    assert sum(picks.values()) == pytest.approx(1)
    three = shares_of(studies(0.3, 0.3, 0.3))
    assert all(0.2 < share < 0.47 for share in three.values())


def test_a_clear_winner_is_picked_in_every_study():
    assert shares_of(studies(0.2, 0.5)) == {"s0": 1.0}


def test_a_small_lead_is_less_sure_than_a_large_one_and_more_seeds_make_it_surer():
    lead = [shares_of(studies(0.3, 0.3 + ahead))["s0"] for ahead in (0.0, 0.005, 0.01, 0.02)]
    assert lead == sorted(lead)
    assert lead[-1] > 0.9
    few, many = (shares_of(studies(0.3, 0.305, seeds=seeds))["s0"] for seeds in (10, 40))
    assert few < many


def test_the_spread_is_that_of_two_draws():
    """The other study is a sample, as this one is: its difference has twice the variance."""
    found = studies(0.3, 0.31)
    losses = np.stack([one.validation for one in found])
    differences = losses[1] - losses[0]
    error = differences.std() / np.sqrt(len(differences))
    # A mean of resamples of a resample has about the variance of two, less a tenth of one.
    z = differences.mean() / (error * np.sqrt(1.9))
    from scipy.stats import norm

    assert shares_of(found, 8000)["s0"] == pytest.approx(norm.cdf(z), abs=0.03)


def test_a_wider_basin_is_picked_while_the_means_tie():
    grids = [flat([0.9, 0.9, 0.2, 0.9], 5), flat([0.9, 0.2, 0.2, 0.9], 5)]
    # A thousandth apart with hardly any spread: they always tie, and the wider one is taken.
    assert shares_of(studies(0.3, 0.301, spread=1e-4, grids=grids)) == {"s1": 1.0}
    # Two margins apart they never do.
    assert shares_of(studies(0.3, 0.32, spread=1e-4, grids=grids)) == {"s0": 1.0}


def test_redrawn_studies_agree_with_a_slow_plain_implementation():
    stream = numpy_stream("test", "slow repicked")
    curves = [
        {rate: (level + 0.05 * stream.normal(size=3)).tolist()
         for rate, level in zip(RATES, levels, strict=True)}
        for levels in ([0.6, 0.26, 0.2, 0.9], [0.5, 0.24, 0.2, 0.5], [0.9, 0.6, 0.2, 0.3])
    ]  # fmt: skip
    found = studies(0.3, 0.302, 0.304, grids=curves)
    draws, seeds, again = 300, 10, numpy_stream("test", "repicked")
    shares = again.multinomial(seeds, [1 / seeds] * seeds, draws) / seeds
    second = [again.multinomial(seeds, share) / seeds for share in shares]
    widths = Widths(found, THRESHOLDS)
    places = again.choice(len(widths.drawn), draws, p=widths.probability)
    picked = []
    for weights, place in zip(second, places, strict=True):
        means = [float(np.dot(weights, one.validation)) for one in found]
        tied = [k for k in range(3) if means[k] <= min(means) + 0.01]
        widest = max(tied, key=lambda k: (widths.drawn[place, k], -k))
        kept = [
            k
            for k in tied
            if widths.drawn[place, widest] - widths.drawn[place, k] <= widths.slack[widest, k]
        ]
        picked.append(min(kept, key=lambda k: means[k]))
    expected = {f"s{k}": picked.count(k) / draws for k in sorted(set(picked))}
    assert shares_of(found, draws) == pytest.approx(expected)
    assert len(expected) > 1


def test_the_choice_is_sure_of_the_same_thing_on_every_call():
    found = studies(0.3, 0.304, 0.4)
    choice = choose(found, THRESHOLDS)
    first, again = (sure(choice, found, THRESHOLDS) for _ in range(2))
    assert first == again
    assert set(first.picks) == {"s0", "s1"}  # the worse one is never a candidate
    assert sum(first.picks.values()) == pytest.approx(1)
    assert first.repicked == first.picks["s0"]
    assert first.firm == (first.repicked >= 0.8)
    assert sure(choice, found[::-1], THRESHOLDS) == first


def test_of_equal_schemes_the_one_that_was_picked_is_picked_again():
    same = [evidence(name, [0.2, 0.21, 0.3] * 3, flat([0.9, 0.2, 0.2, 0.9])) for name in "cab"]
    found = summarize(same, THRESHOLDS)
    choice = sure(choose(found, THRESHOLDS), found, THRESHOLDS)
    assert (choice.pick, dict(choice.picks)) == ("a", {"a": 1.0})


def test_a_lead_over_the_undecided_is_as_sure_as_their_redrawn_means_say():
    found = studies(0.3, 0.32, spread=0.06)
    choice = sure(choose(found, THRESHOLDS), found, THRESHOLDS)
    assert (choice.decision, choice.undecided) == ("lead", ("s1",))
    assert 0 < choice.picks["s1"] < choice.picks["s0"] < 1


def test_without_a_trainable_scheme_there_is_nothing_to_pick():
    found = summarize([evidence("a", [1.0] * 10, flat([1.0] * 4))], THRESHOLDS)
    choice = sure(choose(found, THRESHOLDS), found, THRESHOLDS)
    assert (choice.picks, choice.repicked, choice.firm) == ({}, 0.0, False)


def test_alone_it_is_always_picked():
    found = studies(0.3)
    choice = sure(choose(found, THRESHOLDS), found, THRESHOLDS)
    assert (dict(choice.picks), choice.firm) == ({"s0": 1.0}, True)


@pytest.mark.parametrize(("share", "firm"), [(0.8, True), (0.796, True), (0.79, False)])
def test_firm_means_four_of_five(share, firm):
    choice = choose(studies(0.3), THRESHOLDS)
    assert replace(choice, picks={"s0": share, "s1": 1 - share}).firm is firm


def test_a_scheme_shown_to_be_worse_comes_back_only_by_its_mean():
    better, worse = studies(0.2, 0.212, spread=0.02)
    free = repicked([better, worse], THRESHOLDS, REDRAWN, numpy_stream("tests", "worse"))
    held = repicked([better, worse], THRESHOLDS, REDRAWN, numpy_stream("tests", "worse"), worse=1)
    assert 0 < held["s1"] <= free.get("s1", 1.0)
    losses = np.stack([better.validation, worse.validation])
    stream, seeds = numpy_stream("tests", "worse"), losses.shape[1]
    shares = stream.multinomial(seeds, np.full(seeds, 1 / seeds), REDRAWN) / seeds
    again = np.stack([stream.multinomial(seeds, share) for share in shares]) / seeds
    lower = (again @ losses.T).argmin(axis=1).mean()
    assert held["s1"] == pytest.approx(lower, abs=0.002)
