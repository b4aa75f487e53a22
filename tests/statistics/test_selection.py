import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.comparison import Runs, compare_with
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.scheme_table import scheme_rows
from initsweep.statistics.selection import choose, pareto_front
from initsweep.statistics.thresholds import Thresholds
from tests.statistics.study_builder import DECIDE, SCHEMA, THRESHOLDS, evidence, flat

NARROW = flat([0.9, 0.9, 0.2, 1.0])
WIDE = flat([0.9, 0.22, 0.2, 0.21])
STALLED = flat([1.0, 1.0, 1.0, 1.0])


def noisy(mean, *address, seeds=10, spread=0.02):
    return (mean + spread * numpy_stream("test", *address).normal(size=seeds)).tolist()


def decided(*found):
    summaries = summarize(found, THRESHOLDS)
    choice = choose(summaries, THRESHOLDS)
    rows = {row.scheme: row for row in scheme_rows(summaries, choice, THRESHOLDS)}
    return choice, rows


def test_a_clear_winner():
    choice, rows = decided(
        evidence("a", noisy(0.3, "a"), WIDE),
        evidence("b", noisy(0.1, "b"), NARROW),
        evidence("c", noisy(0.5, "c"), WIDE),
    )
    assert (choice.decision, choice.best, choice.recommended) == ("winner", "b", "b")
    assert choice.tie_set == ("b",)
    assert {scheme: row.outcome for scheme, row in rows.items()} == {
        "a": "worse", "b": "recommended", "c": "worse",
    }  # fmt: skip
    assert list(rows) == ["a", "b", "c"]


# Paired differences from the best, over ten seeds; the margin is 0.01.
WITHIN = [0.005] * 10
WORSE_WITHIN = [0.005, 0.013] * 5  # on average 0.009 behind, and never ahead
BEHIND = [0.02] * 10
OPEN = [-0.03, 0.07] * 5  # on average 0.02 behind, and ahead in half of the seeds


def behind(name, differences, grid=WIDE, base="base"):
    losses = [loss + more for loss, more in zip(noisy(0.2, base), differences, strict=True)]
    return evidence(name, losses, grid)


def best(grid=WIDE):
    return behind("best", [0.0] * 10, grid)


def standings(rows):
    return {scheme: row.standing for scheme, row in rows.items()}


def test_tied_is_what_lies_within_the_margin_and_is_not_shown_to_be_worse():
    choice, rows = decided(
        best(),
        behind("within", WITHIN),
        behind("worse within", WORSE_WITHIN),
        behind("behind", BEHIND),
        behind("open", OPEN),
        evidence("dead", [1.0] * 10, STALLED),
    )
    assert standings(rows) == {
        "best": "tied", "within": "tied", "worse within": "worse", "behind": "worse",
        "open": "undecided", "dead": "untrainable",
    }  # fmt: skip
    assert choice.decision == "tie"
    assert choice.tie_set == ("best", "within")
    assert choice.undecided == ("open",)
    assert (choice.best, choice.pick, choice.recommended) == ("best", "best", "best")
    assert [row.in_tie_set for row in rows.values()] == [True, True, False, False, False, False]
    outcomes = {p.scheme: p.outcome for p in choice.pairs if p.family == "validation"}
    assert outcomes == {
        "within": "equivalent", "worse within": "worse", "behind": "worse", "open": "inconclusive",
    }  # fmt: skip


def test_a_mean_within_the_margin_ties_though_it_is_not_equivalent():
    # 0.005 behind on average, by -0.045 to 0.055: the interval reaches far beyond the margin.
    choice, _ = decided(best(), behind("wild", [-0.045, 0.055] * 5))
    (pair,) = [p for p in choice.pairs if p.family == "validation"]
    assert pair.outcome == "inconclusive"
    assert choice.tie_set == ("best", "wild")


def test_the_margin_itself_still_ties():
    flat_losses = [0.25] * 10  # exactly representable, as is the margin chosen here
    thresholds = Thresholds.of(SCHEMA, DECIDE.model_copy(update={"margin": 0.125}))
    swings = [1.125, -0.875, 0.125, 0.125, 0.125] * 2  # mean 0.125
    for lift, tied in ((0.0, 2), (0.001, 1)):
        other = [0.25 + lift + swing / 4 + 0.09375 for swing in swings]
        found = [evidence("a", flat_losses, WIDE), evidence("b", other, WIDE)]
        assert len(choose(summarize(found, thresholds), thresholds).tie_set) == tied


def test_alone_ahead_of_others_not_shown_to_be_worse():
    choice, rows = decided(best(), behind("open", OPEN), behind("behind", BEHIND))
    assert (choice.decision, choice.recommended) == ("lead", "best")
    assert (choice.tie_set, choice.undecided) == (("best",), ("open",))
    assert standings(rows) == {"best": "tied", "open": "undecided", "behind": "worse"}
    assert rows["open"].outcome == "inconclusive"


def test_among_tied_schemes_a_basin_shown_to_be_wider_is_recommended():
    choice, rows = decided(best(NARROW), behind("wide", WITHIN), behind("bad", BEHIND))
    assert choice.decision == "tie"
    assert choice.tie_set == ("best", "wide")
    assert (choice.forgiving, choice.best, choice.recommended) == (("wide",), "best", "wide")
    assert rows["wide"].outcome == "recommended"
    families = [(p.family, p.reference, p.scheme) for p in choice.pairs]
    assert families == [
        ("validation", "best", "wide"), ("validation", "best", "bad"),
        ("test", "wide", "best"), ("test", "wide", "bad"),
    ]  # fmt: skip


def test_a_wider_basin_is_no_help_to_a_scheme_that_does_not_tie():
    for differences in (WORSE_WITHIN, OPEN, BEHIND):
        choice, _ = decided(best(NARROW), behind("wide", differences))
        assert choice.recommended == "best"


def test_of_those_as_forgiving_the_lowest_mean_is_picked():
    choice, _ = decided(
        best(NARROW), behind("wide b", [0.006] * 10), behind("wide a", [0.004] * 10)
    )
    assert choice.forgiving == ("wide a", "wide b")
    assert choice.recommended == "wide a"


def test_neither_failures_nor_regret_decide_between_schemes_that_tie():
    # The failed run is in the mean; whoever ties all the same is not punished twice.
    steady = [0.2] * 10
    failing = [0.11] * 9 + [None]  # mean 0.199
    late = flat([1.0, 0.22, 0.2, 0.21])  # as wide, more regret
    choice, rows = decided(evidence("steady", steady, WIDE), evidence("failing", failing, late))
    assert set(choice.tie_set) == {"steady", "failing"}
    assert choice.recommended == "failing"
    assert (rows["failing"].failed_runs, rows["failing"].runs) == (1, 10)
    assert rows["failing"].regret > rows["steady"].regret


def test_identical_schemes_are_equivalent_and_the_name_decides():
    same = noisy(0.2)
    choice, rows = decided(*(evidence(scheme, same, WIDE) for scheme in ("c", "b", "a")))
    assert (choice.decision, choice.recommended) == ("tie", "a")
    assert {row.outcome for row in rows.values()} == {"recommended", "equivalent"}
    assert all(p.p_value == 1.0 and p.low == p.high == 0.0 for p in choice.pairs)
    assert choice.comparisons == 0


def test_the_test_set_describes_and_never_revises():
    choice, rows = decided(
        evidence("a", noisy(0.1, "a"), NARROW, test=noisy(0.9, "a test")),
        evidence("b", noisy(0.3, "b"), WIDE, test=noisy(0.3, "b test")),
    )
    assert (choice.decision, choice.recommended) == ("winner", "a")
    assert rows["b"].outcome == "better"


def test_a_stalled_scheme_is_never_robust():
    stalled = evidence("stalled", [1.0] * 10, STALLED)
    choice, rows = decided(stalled, evidence("a", noisy(0.5), NARROW))
    row = rows["stalled"]
    assert (choice.recommended, choice.tie_set) == ("a", ("a",))
    assert (row.outcome, row.trainable, row.pareto, row.in_tie_set) == (
        "untrainable", False, False, False,
    )  # fmt: skip
    assert (row.basin_width, row.basin_low, row.global_basin_width) == (None, None, None)
    assert (row.largest_stable_rate, row.first_unstable_rate, row.safety_margin) == (None,) * 3
    assert row.basin_censored == "no"
    assert row.wortsman_sensitivity == 0.0
    assert row.regret > rows["a"].regret
    assert not any("stalled" in (p.scheme, p.reference) for p in choice.pairs)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (evidence("a", [1.0] * 10, STALLED), "at no learning rate tried"),
        (evidence("a", [None] * 10, flat([None] * 4)), "at no learning rate tried"),
        (
            evidence("a", [0.2] * 10, STALLED, refinement={0.05: [0.2, 0.2]}),
            "only between the rates of the grid",
        ),
        (evidence("a", [0.96] * 10, WIDE), "during tuning, but not on fresh seeds"),
        (evidence("a", [0.95] * 10, WIDE), None),  # just enough
    ],
)
def test_why_untrainable(found, reason):
    assert summarize([found], THRESHOLDS)[0].untrainable == reason


def test_nothing_trains():
    choice, rows = decided(
        evidence("a", [None] * 10, flat([None] * 4)), evidence("b", [1.0] * 10, STALLED)
    )
    assert (choice.decision, choice.best, choice.recommended) == ("none_trainable", None, None)
    assert (choice.tie_set, choice.pairs) == ((), ())
    assert all(row.outcome == "untrainable" for row in rows.values())
    assert rows["a"].divergence_rate == 1.0
    assert rows["a"].test_score is None


def test_one_scheme_alone():
    choice, rows = decided(evidence("a", noisy(0.2), WIDE))
    assert (choice.decision, choice.recommended, choice.pairs) == ("winner", "a", ())
    assert (rows["a"].outcome, rows["a"].pareto) == ("recommended", True)


@pytest.mark.parametrize("seeds", [1, 2, 5, 8])
def test_too_few_seeds_name_no_winner(seeds):
    choice, rows = decided(
        evidence("a", noisy(0.1, "a", seeds=seeds), WIDE),
        evidence("b", noisy(0.8, "b", seeds=seeds), WIDE),
    )
    assert (choice.decision, choice.best, choice.recommended) == ("cannot_tell", "a", None)
    assert choice.seeds_needed == 9
    assert {row.outcome for row in rows.values()} == {"inconclusive"}
    assert len(choice.pairs) == 2


def test_a_large_family_needs_more_seeds():
    found = [evidence(f"s{i:02}", noisy(0.2 + 0.02 * i, i, seeds=9), WIDE) for i in range(15)]
    assert decided(*found[:13])[0].decision in {"winner", "lead", "tie"}
    choice, _ = decided(*found)
    assert (choice.decision, choice.seeds_needed) == ("cannot_tell", 10)


def test_schemes_of_one_law_count_once_towards_the_family():
    found = [evidence(f"s{i:02}", noisy(0.2 + 0.02 * i, i, seeds=9), WIDE) for i in range(13)]
    copies = [evidence(f"copy{i}", noisy(0.2 + 0.02 * 12, 12, seeds=9), WIDE) for i in range(4)]
    choice, _ = decided(*found, *copies)
    assert (choice.seeds_needed, choice.comparisons) == (9, 12)
    assert choice.decision != "cannot_tell"
    worst = {p.p_holm for p in choice.pairs if p.family == "validation" and "copy" in p.scheme}
    assert worst == {12 * 2.0**-8}
    # With other tuning runs it is another law, though its fresh runs are the same.
    tuned = [evidence(f"tuned{i}", noisy(0.2, 0, seeds=9), flat([0.9, 0.3, 0.2, 0.2 + i / 100]))
             for i in range(2)]  # fmt: skip
    assert decided(*found, *tuned)[0].seeds_needed == 10


def test_untrainable_schemes_do_not_count_towards_the_family():
    found = [evidence(f"s{i:02}", noisy(0.2 + 0.02 * i, i, seeds=9), WIDE) for i in range(13)]
    dead = [evidence(f"dead{i}", [1.0] * 9, STALLED) for i in range(5)]
    assert decided(*found, *dead)[0].decision in {"winner", "lead", "tie"}


def test_order_of_schemes_and_of_runs_does_not_matter():
    found = [evidence(name, noisy(0.2, name), WIDE) for name in "abcd"]
    choice, rows = decided(*found)
    again, again_rows = decided(*reversed(found))
    assert (choice, rows) == (again, again_rows)


def test_a_diverged_fresh_run_counts_as_the_constant_predictor():
    _, rows = decided(evidence("a", [0.2] * 9 + [None], WIDE))
    row = rows["a"]
    assert row.validation_loss == pytest.approx((9 * 0.2 + 1) / 10)
    assert row.test_loss == pytest.approx((9 * 0.4 + 2) / 10)
    assert (row.failed_runs, row.runs, row.test_score) == (1, 10, None)


def test_scores_have_an_interval_when_all_runs_have_one():
    row = decided(evidence("a", noisy(0.2), WIDE))[1]["a"]
    assert row.test_score_low < row.test_score < row.test_score_high
    assert row.test_score == pytest.approx(1 - row.test_loss / 4)


def test_pareto_front_is_of_regret_and_does_not_reward_a_poor_best():
    found = summarize(
        [
            evidence("good", [0.1] * 10, NARROW),
            evidence("steady", [0.3] * 10, WIDE),
            evidence("twin", [0.3] * 10, WIDE),
            evidence("beaten", [0.31] * 10, WIDE),
            evidence("flat at a poor level", [0.9] * 10, flat([0.9, 0.9, 0.9, 0.9])),
        ],
        THRESHOLDS,
    )
    assert pareto_front(found) == {"good", "steady", "twin"}
    assert pareto_front([]) == set()


def test_recommended_is_on_no_list_of_the_untrainable():
    rates_only = evidence("hot", [None] * 10, WIDE)
    choice, rows = decided(rates_only, evidence("a", noisy(0.9), flat([0.9, 0.91, 0.93, 1.0])))
    assert choice.recommended == "a"
    assert rows["hot"].basin_width is None


@pytest.mark.parametrize(("schemes", "repetitions"), [(2, 300), (4, 100)])
def test_equal_schemes_seldom_yield_a_winner(schemes, repetitions):
    stream, winners, claims = numpy_stream("test", "A/A", schemes), 0, 0
    for _ in range(repetitions):
        choice = decided_on(np.clip(stream.normal(0.4, 0.1, (schemes, 10)), 0, 1))
        winners += choice.decision == "winner"
        told = {(pair.family, pair.outcome) for pair in choice.pairs}
        claims += not told.isdisjoint({("test", "better"), ("test", "worse")})
    # At most 5 % by design; the bound is four standard errors above.
    most = 0.05 + 4 * np.sqrt(0.05 * 0.95 / repetitions)
    assert winners / repetitions <= most
    assert claims / repetitions <= most


def test_the_best_of_many_equal_schemes_makes_worse_too_easy_to_get():
    """Documents the price of comparing with the best of the same runs: 14 %, not 5 %.

    If it were 5 %, or that of a fixed scheme 14 %, this would fail in 95 and 92 % of streams; as it
    is, it would in 5 % of others than this.
    """
    stream, repetitions, chosen, fixed = numpy_stream("test", "A/A worse"), 125, 0, 0
    for _ in range(repetitions):
        losses = dict(zip("abcdefghijklm", stream.normal(0.4, 0.1, (13, 10)), strict=True))
        lowest = min(losses, key=lambda scheme: losses[scheme].mean())
        chosen += _calls_any(losses, lowest, {"worse"})
        fixed += _calls_any(losses, "a", {"worse", "better"})
    assert 0.08 < chosen / repetitions < 0.21
    assert fixed / repetitions <= 0.1


def _calls_any(losses, reference, outcomes):
    runs = {name: Runs(losses=one, failed=one >= 1) for name, one in losses.items()}
    pairs = compare_with("validation", reference, runs, THRESHOLDS)
    return any(pair.outcome in outcomes for pair in pairs)


def test_a_planted_effect_is_found():
    stream, found = numpy_stream("test", "planted"), 0
    for _ in range(50):
        losses = stream.normal(0.4, 0.02, (3, 10))
        losses[1] -= 0.06
        choice = decided_on(losses)
        found += choice.decision == "winner" and choice.recommended == "s1"
    assert found >= 45


def decided_on(losses):
    names = [f"s{index}" for index in range(len(losses))]
    found = [evidence(n, row.tolist(), WIDE) for n, row in zip(names, losses, strict=True)]
    return choose(summarize(found, THRESHOLDS), THRESHOLDS)
