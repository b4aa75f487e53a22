"""Predictions for a larger size on responses whose law is known."""

import math
from dataclasses import asdict, replace
from statistics import fmean

import numpy as np
import pytest

from benchmarks import transfer_law
from benchmarks.transfer_studies import MARGIN, SKILL, TOLERANCE
from initsweep.core.errors import ParamsError
from initsweep.core.randomness import numpy_stream
from initsweep.statistics.size_law import Observed, Scales, draws
from initsweep.statistics.transfer import SizeRuns, predict

GRID = np.arange(-4.0, 0.26, 0.5)
SIZES = (32, 64, 128, 256)
SEEDS = 5


def tuned(
    size,
    best,
    scheme="he",
    *,
    floor=0.2,
    noise=0.002,
    grid=GRID,
    seeds=SEEDS,
    constant=2.0,
    scales_rates=False,
):
    """A valley around `best` (in decades) that is 0.1 of the constant's loss deep at 1 decade."""
    losses = floor * (size / 32) ** -0.2 + 0.1 * (grid - best) ** 2
    drawn = numpy_stream("test transfer", scheme, size).normal(size=(len(grid), seeds))
    return SizeRuns(
        size=size,
        scheme=scheme,
        learning_rates=np.repeat(10**grid, seeds),
        seeds=np.tile(np.arange(seeds), len(grid)),
        losses=constant * np.minimum(losses[:, np.newaxis] + noise * drawn, 1.0).ravel(),
        constant_loss=constant,
        scales_rates=scales_rates,
    )


def following(exponent, sizes=SIZES, start=-1.2, **how):
    return [tuned(size, start + exponent * math.log10(size / sizes[0]), **how) for size in sizes]


def predicted(runs, target=512, **how):
    return predict(runs, target, tolerance=TOLERANCE, margin=MARGIN, skill=SKILL, **how)


def test_a_power_law_is_found_and_followed():
    found = predicted(following(-0.5))
    (law,) = found.schemes
    truth = 10 ** (-1.2 - 0.5 * math.log10(16))
    assert law.rate == pytest.approx(truth, rel=0.12)
    assert law.rate_interval[0] < truth < law.rate_interval[1]
    assert law.exponent == pytest.approx(-0.5, abs=0.05)
    assert law.exponent_interval[0] < -0.5 < law.exponent_interval[1]
    assert law.loss == pytest.approx(2.0 * 0.2 * 16**-0.2, rel=0.05)
    assert law.loss_interval[0] < 2.0 * 0.2 * 16**-0.2 < law.loss_interval[1]
    # Within 0.05 of the best: half a square root of two decades on either side.
    width = math.log10(law.basin[1] / law.basin[0])
    assert width == pytest.approx(2 * math.sqrt(0.5), abs=0.1)
    assert law.trusted
    assert abs(law.check.error) < 0.1
    assert (law.check.size, law.check.inside) == (256, True)
    assert "the smaller sizes predict" in law.reason
    assert [point.size for point in law.points] == [32, 64, 128, 256]
    assert (found.recommended, found.tied, found.ranking) == ("he", ("he",), None)


def test_what_is_promised_is_the_loss_over_the_interval_of_the_rate():
    (law,) = predicted(following(-0.5)).schemes
    reach = max(abs(np.log10(law.rate_interval) - math.log10(law.rate)))
    assert 0 < law.promised_share < 0.1 * reach**2 + 0.01
    assert law.promised_loss == pytest.approx(2.0 * law.promised_share, rel=1e-4)
    (surer,) = predicted(following(-0.5), confidence=0.5).schemes
    assert surer.promised_share < law.promised_share
    (further,) = predicted(following(-0.5), target=8192).schemes
    assert further.promised_share > 2 * law.promised_share


def test_schemes_tell_each_other_what_laws_are_like():
    alone = following(-0.5, SIZES[:3], noise=0.01)
    others = [run for name in "abcdef" for run in following(-0.5, SIZES[:3], scheme=name)]
    (single,), (together, *_) = predicted(alone).schemes, predicted([*alone, *others]).schemes
    assert together.scheme == single.scheme == "he"
    widths = [np.ptp(np.log10(law.rate_interval)) for law in (single, together)]
    assert widths[1] < 0.8 * widths[0]


def test_a_scheme_that_scales_its_rates_has_a_law_of_its_own():
    names, sizes = ("he", "xavier", "lecun"), SIZES[:3]
    others = [run for name in names for run in following(-1.0, sizes, scheme=name, noise=0.02)]

    def law(**how):
        own = following(0.0, sizes, scheme="mup", noise=0.02, **how)
        found = {one.scheme: one for one in predicted([*others, *own]).schemes}
        return found["mup"].exponent, fmean(found[name].exponent for name in names)

    leaning, led = law()
    alone, apart = law(scales_rates=True)
    assert abs(alone) < abs(leaning) / 2
    assert abs(apart + 1) < abs(led + 1)


def test_two_sizes_give_a_law_that_nothing_checks():
    found = predicted(following(-0.5, SIZES[:2]))
    (law,) = found.schemes
    assert law.exponent == pytest.approx(-0.5, abs=0.2)
    assert (law.trusted, law.check, found.recommended) == (False, None, None)
    assert "run at 32 and 64 only" in law.reason


def bent(scheme="he", sizes=SIZES):
    turns = dict(zip(sizes, (0.0, 0.0, -0.5, -1.5), strict=False))
    return [tuned(size, -0.7 + turn, scheme) for size, turn in turns.items()]


def test_a_law_that_bends_is_refused_and_says_how():
    (law,) = predicted(bent()).schemes
    assert not law.trusted
    assert law.reason.startswith("the law bends: the best rate goes with the size to the power")


def test_a_bend_that_all_schemes_have_is_seen_in_all():
    runs = [tuned(size, best, scheme, noise=0.03) for scheme in "abcdefgh"
            for size, best in ((32, -1.0), (64, -1.15), (128, -1.6))]  # fmt: skip
    together = predicted(runs)
    assert all("taken together" in law.reason for law in together.schemes)
    (alone,) = predicted(runs[:3]).schemes
    assert "bends" not in alone.reason


def test_a_bend_is_looked_for_among_schemes_of_one_kind():
    bending = [tuned(size, best, scheme, noise=0.03) for scheme in "abcdefgh"
               for size, best in ((32, -1.0), (64, -1.15), (128, -1.6))]  # fmt: skip
    straight = following(0.0, SIZES[:3], scheme="mup", scales_rates=True)
    found = {one.scheme: one for one in predicted([*bending, *straight]).schemes}
    assert all("taken together" in found[scheme].reason for scheme in "abcdefgh")
    assert found["mup"].trusted


def test_a_largest_size_that_the_others_do_not_predict_is_named():
    best = dict(zip(SIZES[:3], (-1.0, -1.0, -3.0), strict=True))
    (law,) = predicted([tuned(size, at) for size, at in best.items()]).schemes
    assert (law.trusted, law.check.inside) == (False, False)
    assert law.check.error > 1
    assert law.reason.startswith("the smaller sizes predict")
    assert "at 128, where 0.00" in law.reason


def test_a_promise_that_is_not_kept_at_the_largest_size_is_named():
    # The valley becomes a gorge: the same small error of the rate costs ten times as much.
    runs = [tuned(size, best, noise=0.02) for size, best in ((32, -1.0), (64, -1.05))]
    steep = tuned(128, -1.3, floor=0.0)
    losses = 0.3 + 6.0 * (np.log10(steep.learning_rates) + 1.3) ** 2
    (law,) = predicted([*runs, replace(steep, losses=np.minimum(losses, 2.0))]).schemes
    assert (law.trusted, law.check.inside, law.check.kept) == (False, True, False)
    assert law.check.lost_share > law.check.promised_share + MARGIN
    assert "of the constant predictor's loss there, where" in law.reason


def test_a_loss_that_follows_no_law_is_named():
    floors = zip(SIZES, (0.1, 0.1, 0.1, 0.9), strict=True)
    (law,) = predicted([tuned(size, -1.0, floor=floor) for size, floor in floors]).schemes
    assert (law.trusted, law.check.inside, law.check.loss_inside) == (False, True, False)
    assert law.reason.startswith("the smaller sizes predict a loss of 0.1")


def test_a_best_rate_at_the_edge_says_nothing():
    runs = following(-0.5, (*SIZES, 512), start=-0.1)
    found = predicted(runs, target=1024)
    (law,) = found.schemes
    assert [point.edge for point in law.points] == ["highest", "highest", "", "", ""]
    assert law.exponent == pytest.approx(-0.5, abs=0.1)
    outside = predicted([*runs, *following(0.0, SIZES, start=-5.0, scheme="low")], 1024).omitted
    assert [one.scheme for one in outside] == ["low"]
    assert "the lowest one tried at 32" in outside[0].reason


def test_a_scheme_that_does_not_train_at_a_size_is_left_out():
    idle = tuned(128, -1.0, "zeros", floor=1.5)
    runs = [*following(-0.5), *following(-0.5, SIZES[:2], scheme="zeros"), idle]
    (left,) = predicted(runs).omitted
    assert left.scheme == "zeros"
    assert left.reason == "at 128 it does not train at any rate that was tried"
    assert predicted([idle, tuned(64, -1.0, "zeros", floor=1.5)]).schemes == ()


def test_the_scheme_to_start_from_and_those_that_tie():
    runs = [
        *following(-0.5, scheme="worse", floor=0.5),
        *following(-0.5, scheme="same", floor=0.201),
        *following(-0.5, scheme="best", floor=0.2),
    ]
    found = predicted(runs)
    assert found.recommended in {"best", "same"}
    assert set(found.tied) == {"best", "same"}
    assert found.ranking.kept
    assert found.ranking.behind <= MARGIN


def test_a_choice_that_does_not_carry_over_is_told():
    falls = [tuned(size, -1.0, "falls", floor=floor) for size, floor in
             zip(SIZES[:3], (0.3, 0.28, 0.26), strict=True)]  # fmt: skip
    turns = [tuned(size, -1.0, "turns", floor=floor) for size, floor in
             zip(SIZES[:3], (0.2, 0.18, 0.6), strict=True)]  # fmt: skip
    ranking = predicted([*falls, *turns]).ranking
    assert (ranking.picked, ranking.best, ranking.kept) == ("turns", "falls", False)
    assert ranking.behind == pytest.approx((0.6 - 0.26) * 4**-0.2, abs=0.01)


def test_a_single_seed_is_not_trusted():
    (law,) = predicted(following(-0.5, seeds=1)).schemes
    assert not law.trusted
    assert law.reason.startswith("a single seed")


def test_losses_that_reach_zero_and_rates_that_left_a_race_are_taken():
    runs = following(-0.5, floor=0.0, noise=0.0)
    whole = predicted(runs).schemes[0]
    assert whole.loss < 0.02
    kept = np.abs(np.log10(runs[0].learning_rates) + 1.2) < 1
    raced = [
        SizeRuns(**{
            **{name: getattr(run, name) for name in ("size", "scheme", "constant_loss")},
            **{name: getattr(run, name)[kept | (run.seeds < 2)]
               for name in ("learning_rates", "seeds", "losses")},
        })
        for run in runs
    ]  # fmt: skip
    assert predicted(raced).schemes[0].rate == pytest.approx(whole.rate, rel=0.01)


def test_the_order_of_runs_and_the_other_schemes_order_change_nothing():
    runs = [*following(-0.5), *following(-0.3, scheme="other")]
    turned = [
        SizeRuns(
            size=run.size, scheme=run.scheme, learning_rates=run.learning_rates[::-1],
            seeds=run.seeds[::-1], losses=run.losses[::-1], constant_loss=run.constant_loss,
        )
        for run in [*runs[3::-1], *runs[:3:-1]]
    ]  # fmt: skip
    assert asdict(predicted(turned)) == asdict(predicted(runs))


@pytest.mark.parametrize(
    ("runs", "target", "says"),
    [
        ([], 512, "sizes: received none"),
        ([tuned(32, -1.0)], 512, "sizes: received 32. A law needs runs at two"),
        (following(-0.5), 0, "size: received 0. Use a number above 0"),
        ([*following(-0.5), tuned(32, -1.0)], 512, "received he at 32 twice"),
        (following(-0.5, grid=np.array([-1.0])), 512, "a single rate of he at 32"),
    ],
)
def test_what_cannot_be_predicted_from_is_one_line(runs, target, says):
    with pytest.raises(ParamsError, match=says):
        predicted(runs, target)


def test_with_enough_points_the_law_is_the_straight_line_through_them():
    doublings = np.arange(40.0)
    noise = 0.01 * numpy_stream("test", "size law").normal(size=40)
    observed = Observed(
        scheme=np.zeros(40, dtype=np.int64),
        group=np.zeros(1, dtype=np.int64),
        doublings=doublings,
        value=1.0 - 0.15 * doublings + noise,
        variance=np.full(40, 0.01**2),
    )
    drawn = draws(observed, 42.0, Scales(slope=1.0, spread=0.1, bend=1e-9, scatter=1e-4), "test")
    line, covariance = np.polyfit(doublings, observed.value, 1, cov="unscaled")
    assert drawn.slope.mean() == pytest.approx(line[0], abs=1e-4)
    assert drawn.slope.std() == pytest.approx(0.01 * math.sqrt(covariance[0, 0]), rel=0.1)
    assert drawn.target.mean() == pytest.approx(np.polyval(line, 42.0), abs=2e-3)


def test_predictions_on_responses_of_real_networks_keep_their_promises():
    held = transfer_law.measured("exponents from -1 to 0", 12)
    assert held["rate in interval"] >= 0.85
    assert held["promise kept"] >= 0.85
    assert held["refused"] <= 0.25
