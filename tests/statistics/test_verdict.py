import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from initsweep.statistics.proportions import half_width
from initsweep.statistics.statement import answer_in_words
from initsweep.statistics.verdict import compare
from tests.statistics.study_builder import DECIDE, PROVENANCE, SCHEMA, evidence, flat
from tests.statistics.test_selection import NARROW, STALLED, WIDE, noisy

SHIFTED = noisy(0.2, "shifted")


def comparison(*found):
    return compare(found, SCHEMA, DECIDE, PROVENANCE)


def verdict(*found):
    return comparison(*found).verdict


def some(caveats, *words):
    return [c for c in caveats if all(word in c for word in words)]


WINNER = (
    evidence("a", noisy(0.3, "a"), WIDE),
    evidence("b", noisy(0.1, "b"), NARROW),
    evidence("dead", [1.0] * 10, STALLED),
)


def test_winner():
    result = verdict(*WINNER)
    assert (result.decision, result.recommended, result.learning_rate) == ("winner", "b", 0.1)
    assert result.usable_rates == (0.0848343, 0.115478)
    assert (result.best_on_validation, result.tie_set, result.untrainable) == ("b", ["b"], ["dead"])
    assert result.statement == (
        "Use b at learning rate 0.1: test cross entropy 0.178 (95 % interval 0.153 to 0.201), "
        "accuracy 95.5 % (92.5 % to 98.6 %). Rates from 0.0848 to 0.115 come within 0.0500 of its "
        "best loss. On validation it beats 1 other trainable scheme. Firm: 100 of 100 studies "
        "redrawn from its seeds pick it."
    )
    assert (result.margin, result.basin_tolerance, result.constant_loss) == (0.01, 0.05, 1.0)
    assert (result.loss_name, result.score_name, result.seeds) == ("cross_entropy", "accuracy", 10)
    assert result.provenance == PROVENANCE


def test_the_rule_prints_what_it_used():
    rule = verdict(*WINNER).rule
    assert rule[0] == (
        "Trainable: 2 of 3 schemes, which means better than guessing by loss (5 % below the "
        "constant predictor's 1.000 on validation) or by score, both at some rate of the grid and "
        "on fresh seeds at the chosen rate."
    )
    assert rule[1].startswith("Best on validation: b, mean capped loss 0.0892")
    assert "Holm over 1 comparison, alpha 0.05, margin 0.0100): a worse (+0.21 [" in rule[2]
    assert rule[3:] == [
        "Worse means: Holm p below alpha, and an interval above 0 that does not lie within the "
        "margin. No other comes within 0.0100 of b.",
        "Recommended: b. Other studies of the same data, drawn from these seeds, pick: b 100 %. "
        "Test losses were compared with its own after this choice and did not change it.",
    ]


def test_tie_in_favour_of_the_best_itself():
    result = verdict(
        shifted("wide", 0.0, WIDE), shifted("narrow", 0.004, NARROW), shifted("other", 0.006, WIDE)
    )
    assert (result.decision, result.recommended) == ("tie", "wide")
    assert (result.best_on_validation, result.tie_set) == ("wide", ["wide", "narrow", "other"])
    assert result.statement.endswith(
        "Tied with narrow, other: as good on validation as far as matters, means within 0.0100. "
        "wide has the lowest mean. Firm: 100 of 100 studies redrawn from its seeds pick it."
    )
    assert "Rates from 0.00903 to 1 or higher come within 0.0500 of its best" in result.statement
    assert result.usable_rates == (0.00903405, 1.0)
    assert result.rule[3].endswith(
        "Tied, because within 0.0100 and not worse: wide, narrow, other."
    )
    assert result.rule[4] == (
        "Basins of those that tie: wide ≥ 2.04 decades, narrow 0.13 decades, other ≥ "
        "2.04 decades; shown to be narrower than the widest, and taken out: narrow. The "
        "lowest mean of those left is that of wide."
    )
    assert result.rule[5] == (
        "Recommended: wide. Other studies of the same data, drawn from these seeds, pick: wide "
        "100 %. Test losses were compared with its own after this choice and did not change it."
    )


def shifted(name, lift, grid):
    """Return a scheme behind that of lift 0 by as much in every run."""
    return evidence(name, [loss + lift for loss in SHIFTED], grid)


def test_tie_in_favour_of_another_than_the_best():
    result = verdict(shifted("narrow", 0.0, NARROW), shifted("wide", 0.004, WIDE))
    assert (result.best_on_validation, result.recommended) == ("narrow", "wide")
    assert (
        "Tied with narrow: as good on validation as far as matters, means within 0.0100. narrow, "
        "with the lowest mean, forgives wrong rates less. Firm: 100 of 100 studies"
    ) in result.statement


def test_a_tie_of_basins_that_cannot_be_told_apart_goes_to_the_lowest_mean():
    result = verdict(shifted("b", 0.0, WIDE), shifted("a", 0.004, WIDE))
    assert result.recommended == "b"
    assert "means within 0.0100. b has the lowest mean. Firm: " in result.statement
    assert (
        "none is shown to be narrower than the widest, so that none is taken out for it"
        in (result.rule[4])
    )


def test_a_fragile_choice_says_who_else_would_be_picked():
    result = verdict(
        evidence("a", noisy(0.2, 1), WIDE),
        evidence("b", noisy(0.2, 2), WIDE),
        evidence("far", noisy(0.5, 3), WIDE),
    )
    assert (result.decision, result.firm) == ("tie", False)
    other = "b" if result.recommended == "a" else "a"
    mine, theirs = result.picks[result.recommended], result.picks[other]
    assert mine == result.repicked < 0.8
    assert mine + theirs == pytest.approx(1, abs=0.002)
    assert result.statement.endswith(
        f"Fragile: {100 * mine:.0f} of 100 studies redrawn from its seeds pick it, "
        f"{100 * theirs:.0f} {other}."
    )
    assert f"pick: {other}" in result.rule[-1] or f", {other} " in result.rule[-1]


def test_ahead_of_schemes_not_shown_to_be_worse():
    swings = [loss + more for loss, more in zip(SHIFTED, [-0.03, 0.07] * 5, strict=True)]
    found = [shifted("a", 0.0, WIDE), evidence("b", swings, WIDE), shifted("c", 0.1, WIDE)]
    result = verdict(*found)
    assert (result.decision, result.recommended) == ("lead", "a")
    assert (result.tie_set, result.undecided) == (["a"], ["b"])
    assert (
        "On validation no other scheme comes within 0.0100 of it, but b is not shown to be worse."
    ) in result.statement
    assert result.rule[3].endswith("No other comes within 0.0100 of a. Neither tied nor worse: b.")
    assert set(result.picks) == {"a", "b"}
    # In a tie they are named, too.
    tie = verdict(*found, shifted("d", 0.003, WIDE))
    assert (tie.decision, tie.undecided) == ("tie", ["b"])
    assert "a has the lowest mean. Too few seeds to tell: b. " in tie.statement


def test_of_many_tied_schemes_the_first_are_named_and_the_others_counted():
    result = verdict(*(shifted(name, place / 500, WIDE) for place, name in enumerate("abcde")))
    assert len(result.tie_set) == 5
    assert " Tied with b, c, d and 1 more: as good on validation" in result.statement


def test_schemes_that_are_all_the_same_are_tied_and_the_first_name_is_picked_every_time():
    same = noisy(0.2)
    result = verdict(*(evidence(scheme, same, WIDE) for scheme in "cba"))
    assert (result.recommended, result.picks, result.firm) == ("a", {"a": 1.0}, True)
    assert "Holm over 0 comparisons" in result.rule[2]


def test_cannot_tell_says_how_many_seeds_it_takes():
    found = [evidence(s, noisy(m, s, seeds=5), WIDE) for s, m in (("a", 0.1), ("b", 0.8))]
    result = verdict(*found)
    assert result.decision == "cannot_tell"
    assert (result.recommended, result.learning_rate, result.usable_rates) == (None, None, None)
    assert result.best_on_validation == "a"
    assert result.statement == (
        "Cannot tell: 5 fresh seeds cannot name a winner among 2 trainable schemes, at "
        "least 9 are needed. The lowest mean validation loss so far is that of a at learning rate "
        "0.1."
    )
    assert "5 of 9 seeds" in result.rule[-1]


def test_nothing_trains():
    result = verdict(evidence("a", [None] * 10, flat([None] * 4)), WINNER[2])
    assert result.decision == "none_trainable"
    assert (result.recommended, result.best_on_validation, result.tie_set) == (None, None, [])
    assert result.untrainable == ["a", "dead"]
    assert result.statement == (
        "No scheme is trainable: better than guessing, by loss (the constant predictor's cross "
        "entropy is 1.000) or by score, was not reached both on the learning-rate grid and on "
        "fresh seeds."
    )
    assert len(result.rule) == 1


def test_one_scheme():
    alone = verdict(WINNER[0])
    assert alone.statement.endswith(" It is the only scheme.")
    assert alone.rule[-1] == (
        "Recommended: a. Other studies of the same data, drawn from these seeds, pick: a 100 %."
    )
    survivor = verdict(WINNER[0], WINNER[2])
    assert survivor.statement.endswith(" It is the only trainable scheme.")
    assert verdict(WINNER[2]).statement.startswith("The only scheme is untrainable:")


def test_what_limits_the_data_limits_the_verdict():
    leak = "3 of 40 test rows have the same features as a training row."
    found = compare(WINNER, replace(SCHEMA, caveats=[leak]), DECIDE, PROVENANCE)
    assert leak in found.verdict.caveats


@pytest.mark.parametrize(
    ("task", "validation", "scaling", "expected"),
    [
        ("classification", "fixed", "feature", "inputs standardized {0} the training rows"),
        ("classification", "rotating", "channel",
         "inputs standardized by channel {0} each seed's training rows"),
        ("classification", "fixed", "none", "unscaled inputs"),
        ("regression", "fixed", "feature", "inputs and targets standardized {0} the training rows"),
        ("regression", "rotating", "feature",
         "inputs standardized {0} each seed's training rows, and targets standardized {0} the "
         "development rows"),
        ("regression", "fixed", "none",
         "unscaled inputs, and targets standardized {0} the training rows"),
    ],
)  # fmt: skip
def test_a_verdict_says_what_inputs_and_targets_its_rates_are_for(
    task, validation, scaling, expected
):
    schema = replace(SCHEMA, task=task, validation=validation, scaling=scaling,
                     rows={"train": 30, "validation": 10, "test": 10})  # fmt: skip
    found = compare(WINNER, schema, DECIDE, PROVENANCE).verdict.holds_for
    assert found == expected.format("with the mean and standard deviation of")


def test_a_faultless_study_has_the_caveats_of_any_study():
    result = verdict(evidence("a", noisy(0.2, seeds=20), CLEAN))
    assert len(result.caveats) == 3
    assert some(result.caveats, "tuned once", "tune.retunes: 2")
    assert "this data split, network, optimizer and training length" in result.caveats[0]
    assert "share its test rows" in result.caveats[1]


def test_a_rotating_split_is_among_what_intervals_cover():
    rotating = replace(
        SCHEMA, validation="rotating", rows={"train": 60, "validation": 20, "test": 20}
    )
    found = [evidence("a", noisy(0.2, seeds=20), CLEAN)]
    first = compare(found, rotating, DECIDE, PROVENANCE).verdict.caveats[0]
    assert "a seed draws its 60 training and" in first
    assert "intervals cover all of these" in first
    assert "data split" not in first


def test_intervals_on_test_cover_which_rows_the_test_rows_are():
    losses = np.full((20, 200), 0.4) + np.tile([-0.3, 0.3], 100)
    found = replace(evidence("a", [0.2] * 20, CLEAN), test_rows=losses)
    row = compare([found], SCHEMA, DECIDE, PROVENANCE).schemes[0]
    half = 1.96 * 0.3 / math.sqrt(200)  # seeds agree: all of it is rows
    assert (row.test_low, row.test_high) == pytest.approx((0.4 - half, 0.4 + half), rel=0.01)
    share = 1.96 * math.sqrt(0.9 * 0.1 / 200)  # accuracy counts rows
    assert (row.test_score_low, row.test_score_high) == pytest.approx(
        (0.9 - share, 0.9 + share), abs=0.003
    )


def test_where_rows_are_not_covered_it_says_so():
    found = evidence("a", [0.2] * 20, CLEAN)
    assert not some(verdict(found).caveats, "over seeds", "leave out")
    regression = replace(SCHEMA, task="regression", score_name="r_squared")
    result = compare([found], regression, DECIDE, PROVENANCE).verdict
    assert some(result.caveats, "Intervals of the test r squared are over seeds", "200 rows")
    assert "r squared 0.900 (0.900 to 0.900)" in result.statement


def test_an_interval_of_r_squared_covers_the_test_rows_where_losses_are_squared_errors():
    rows = np.full((20, 200), 0.1)
    rows[:, ::2] = 0.7
    found = replace(
        evidence("a", [0.2] * 20, CLEAN), test_rows=rows, test_targets=np.tile([-2.0, 1.0], 100)
    )
    squared = {"loss_name": "mean_squared_error", "score_name": "r_squared"}
    result = compare([found], replace(SCHEMA, task="regression", **squared), DECIDE, PROVENANCE)
    row = result.schemes[0]
    half = 1.96 * 0.1 * 0.75 / math.sqrt(200)  # 1 - r squared times the rows' spread about it
    assert (row.test_score_low, row.test_score_high) == pytest.approx(
        (0.9 - half, 0.9 + half), abs=0.002
    )
    assert not some(result.verdict.caveats, "over seeds", "leave out")


def test_half_width_of_a_share():
    interval = stats.binomtest(348, 360).proportion_ci(method="wilson")
    expected = (interval.high - interval.low) / 2
    assert half_width(348 / 360, 360) == pytest.approx(expected)
    assert half_width(1.0, 100) > 0


def test_a_scheme_that_learns_by_score_alone_is_trainable_and_said_to_be_overconfident():
    loud = evidence(
        "loud", [1.5] * 10, flat([1.5, 1.1, 1.2, None]), scores=[0.9] * 10, tuned_score=0.9
    )
    result = comparison(*WINNER, loud)
    row = result.schemes[-1]
    assert (row.trainable, row.standing, row.outcome) == (True, "worse", "worse")
    assert (row.failed_runs, row.overconfident_runs) == (0, 10)
    assert (row.basin_width, row.validation_loss) == (None, 1.0)  # by loss it has no basin
    assert result.verdict.untrainable == ["dead"]
    assert some(result.verdict.caveats, "overconfident", "loud (10 of 10 runs)")
    assert not some(verdict(*WINNER).caveats, "overconfident")


def test_worse_than_the_best_of_many_is_easy_to_get():
    three = (*WINNER, evidence("c", noisy(0.3, "c"), WIDE))
    assert some(verdict(*three).caveats, "same fresh runs that it is compared with", "too easy")
    assert not some(verdict(*WINNER).caveats, "too easy")  # two schemes: the choice costs nothing


def test_equivalent_is_said_to_be_uncorrected():
    twins = [evidence(scheme, noisy(0.2), WIDE) for scheme in "ab"]
    assert some(verdict(*twins).caveats, "`equivalent`", "uncorrected")
    assert not some(verdict(*WINNER).caveats, "`equivalent`")


CLEAN = flat([0.9, 0.3, 0.2, 1.0], seeds=20)
PART_FAILED = {0.001: [0.9] * 10, 0.01: [0.15] * 9 + [0.96], 0.1: [0.2] * 10, 1.0: [1.0] * 10}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (evidence("a", noisy(0.2, seeds=9), CLEAN), ["over 9 fresh seeds", "too narrow"]),
        (evidence("a", [0.2], CLEAN), ["one fresh seed"]),
        (
            evidence("a", noisy(0.2), flat([0.9, 0.3, 0.2, 1.0], seeds=5)),
            ["over 5 tuning seeds"],
        ),
        (evidence("a", noisy(0.2), flat([0.9, 0.3, 0.2, 1.0], seeds=1)), ["one tuning seed"]),
        (
            evidence("a", [0.99] * 10, CLEAN),
            ["Untrainable: a were better than", "but not on fresh seeds"],
        ),
        (evidence("a", noisy(0.2), CLEAN, censored="low"), ["best rate lies at", "a (low end)"]),
        (evidence("a", noisy(0.2), flat([0.9, 0.9, 0.3, 0.2], 10)), ["basin reaches", "a (high)"]),
        (
            evidence("a", noisy(0.2), CLEAN, extension={3.0: [0.1] * 10, 10.0: [1.0] * 10}),
            ["outside the grid", "a (3; grid 0.001 to 1)"],
        ),
        (evidence("a", noisy(0.2), PART_FAILED), ["Within the basin", "a (0.01: 10 %)"]),
        (
            evidence("a", noisy(0.2), CLEAN, rate=1.0),
            ["already failed", "a (1; first failure at 1)"],
        ),
        (
            evidence("a", [*noisy(0.2)[:9], 0.97], CLEAN),
            [
                "Some fresh runs failed (diverged, or no better than guessing by loss and",
                "a (1 of 10",
            ],
        ),
        (evidence("a", [*noisy(0.2)[:9], None], CLEAN), ["mean test score", "a (1 of 10 runs)"]),
        (
            replace(
                one := evidence("a", noisy(0.2), CLEAN),
                selection=replace(one.selection, provenance=replace(PROVENANCE, code_sha="old")),
            ),
            ["same code and library versions"],
        ),
    ],
)
def test_caveats_are_said_where_true_and_only_there(found, words):
    assert some(verdict(found).caveats, *words)
    assert not some(verdict(evidence("a", noisy(0.2, seeds=20), CLEAN)).caveats, *words)


def test_failures_that_do_not_show_a_scheme_to_be_worse_are_said_plainly():
    kept = evidence("a", noisy(0.2, "a"), CLEAN)
    failing = evidence("b", [*noisy(0.2, "b")[:6], *[None] * 4], CLEAN)
    result = verdict(kept, failing, evidence("c", noisy(0.2, "c"), CLEAN))
    assert (result.decision, result.undecided) == ("tie", ["b"])
    # Two comparisons: 2 * 2^-6 < 0.05 < 2 * 2^-5.
    words = [
        "Not shown to be worse in spite of failed fresh runs: b (4 of 10)",
        "and 10 runs, failures",
        "from about 6 on",
    ]
    assert some(result.caveats, *words)
    enough = evidence("b", [*noisy(0.2, "b")[:4], *[None] * 6], CLEAN)
    worse = verdict(kept, enough, evidence("c", noisy(0.2, "c"), CLEAN))
    assert "b" not in {*worse.tie_set, *worse.undecided}
    short = [noisy(0.2, name)[:5] for name in "abc"]
    few = verdict(
        evidence("a", short[0], CLEAN),
        evidence("b", [*short[1][:3], None, None], CLEAN),
        evidence("c", short[2], CLEAN),
    )
    assert some(few.caveats, "and 5 runs, no number of failures alone makes a scheme worse")
    alike = verdict(kept, evidence("b", noisy(0.2, "b"), CLEAN))
    assert not some(alike.caveats, "in spite of failed")


def test_a_scheme_whose_other_runs_make_up_for_a_failure_ties_and_is_named():
    made_up = evidence("b", [0.11] * 9 + [None], CLEAN)  # mean 0.199
    result = verdict(evidence("a", [0.2] * 10, CLEAN), made_up)
    assert (result.decision, set(result.tie_set)) == ("tie", {"a", "b"})
    assert some(result.caveats, "in spite of failed fresh runs: b (1 of 10)")


def test_schemes_of_one_law_are_one_comparison_wherever_comparisons_are_counted():
    kept, other = evidence("a", noisy(0.2, "a"), CLEAN), evidence("c", noisy(0.2, "c"), CLEAN)
    failing = [*noisy(0.2, "b")[:6], *[None] * 4]
    copies = [evidence(f"b{place}", failing, CLEAN) for place in range(9)]
    result = verdict(kept, other, *copies)
    assert "Holm over 2 comparisons" in result.rule[2]
    assert some(result.caveats, "correction for 2 comparisons", "from about 6 on")
    assert some(result.caveats, "b0, b1, b2", "They count once")


def test_losses_that_were_cut_on_both_sides_are_no_evidence_of_equivalence():
    above = [2.5] * 9  # the constant predictor's is 2
    made = comparison(
        evidence("a", noisy(0.2, "a"), CLEAN, test=[*above, 0.5]),
        evidence("b", noisy(0.2, "b"), CLEAN, test=[*above, 0.5]),
        evidence("c", noisy(0.2, "c"), CLEAN, test=noisy(0.2, "c test")),
    )
    outcomes = {(p.scheme, p.reference): p.outcome for p in made.pairs if p.family == "test"}
    recommended = made.verdict.recommended
    assert recommended in {"a", "b"}
    other = "b" if recommended == "a" else "a"
    assert outcomes[other, recommended] == "inconclusive"
    assert outcomes["c", recommended] == "better"
    words = [f"On test rows 9 of 10 runs of {recommended} are no better than the constant"]
    assert some(made.verdict.caveats, *words)
    assert not some(verdict(*WINNER).caveats, "On test rows")


def test_a_better_test_loss_is_said_plainly():
    result = verdict(
        evidence("a", noisy(0.1, "a"), CLEAN, test=noisy(0.9, "a test")),
        evidence("b", noisy(0.3, "b"), CLEAN, test=noisy(0.3, "b test")),
    )
    assert result.recommended == "a"
    assert some(result.caveats, "On test loss b is better than the recommended a", "not revised")
    assert not some(verdict(*WINNER).caveats, "On test losses")


def test_tables_keep_the_order_of_schemes():
    result = comparison(*WINNER)
    assert [row.scheme for row in result.schemes] == ["a", "b", "dead"]
    assert list(dict.fromkeys(row.scheme for row in result.response)) == ["a", "b", "dead"]
    assert [(p.family, p.reference, p.scheme, p.outcome) for p in result.pairs] == [
        ("validation", "b", "a", "worse"),
        ("test", "b", "a", "worse"),
    ]
    dead = [row for row in result.response if row.scheme == "dead"]
    assert not any(row.in_basin for row in dead)
    assert all(row.failure_rate == 1.0 and row.divergence_rate == 0.0 for row in dead)


@pytest.mark.parametrize(
    "found",
    [
        WINNER,
        [evidence("a", [None] * 10, flat([None] * 4))],
        [evidence("a", [0.2] * 10, WIDE), evidence("b", [0.2] * 10, WIDE)],
        [evidence("a", [0.2], flat([0.9, 0.3, 0.2, 1.0], seeds=1))],
    ],
)
def test_no_number_is_ever_nan_or_infinite(found):
    result = comparison(*found)
    rows = [*result.schemes, *result.pairs, *result.response]
    numbers = [v for row in rows for v in asdict(row).values() if isinstance(v, float)]
    assert numbers
    assert all(math.isfinite(value) for value in numbers)
    assert comparison(*found) == result


def test_schemes_whose_runs_are_the_same_are_named():
    losses = noisy(0.2, 1)
    result = verdict(
        evidence("a", losses, WIDE), evidence("b", losses, WIDE), evidence("c", noisy(0.2, 2), WIDE)
    )
    assert some(result.caveats, "a, b are the same law here")
    assert not some(result.caveats, "c are the same law")


def test_a_claimed_difference_says_what_the_test_asks():
    result = verdict(evidence("a", noisy(0.5, 1), WIDE), evidence("b", noisy(0.2, 2), WIDE))
    assert some(result.caveats, "symmetric about zero", "up to 28 % of failures")
    alike = verdict(evidence("a", noisy(0.5, 1), WIDE))
    assert not some(alike.caveats, "symmetric about zero")


def test_validation_curves_that_turn_up_are_said_with_the_epochs_to_train():
    def bent(one, lowest):
        curves = [
            replace(row, validation_loss=lowest + 0.001 * (row.seed % 7)) if row.epoch == 2 else row
            for row in one.curves
        ]
        return replace(one, curves=curves)

    other = evidence("b", noisy(0.5, "b"), WIDE)
    turning = verdict(bent(evidence("a", noisy(0.3, "a"), WIDE), 0.1), other)
    assert "`training.epochs: 2`" in some(turning.caveats, "turn up", "epoch 2")[0]
    falling = verdict(evidence("a", noisy(0.3, "a"), WIDE), bent(other, 0.1))
    assert not some(falling.caveats, "turn up")  # that of another scheme does not matter


def test_the_rule_says_the_level_of_looks_and_what_failures_may_have_been_missed():
    failing = evidence("f", [0.2] * 9 + [None], WIDE)
    assert "could make up for" not in verdict(*WINNER).rule[3]
    assert "could make up for" in verdict(*WINNER, failing).rule[3]
    looking = DECIDE.model_copy(update={"most_seeds": 40})
    rule = compare([*WINNER], SCHEMA, looking, PROVENANCE, 10).verdict.rule
    assert some(rule, "Worse means: Holm p below the level for its number of seeds, ")


def test_a_recommended_scheme_without_a_basin_is_said_to_have_none():
    loud = evidence(
        "loud", [0.9] * 10, flat([1.0, 0.97, 0.98, 1.0]), scores=[0.9] * 10, tuned_score=0.9
    )
    result = verdict(loud)
    assert (result.recommended, result.usable_rates) == ("loud", None)
    assert "No rate has a basin: over the tuning seeds" in result.statement


def test_schemes_that_no_redrawn_study_in_a_hundred_picks_are_not_named():
    picks = {"a": 0.757, "b": 0.241, "c": 0.002}
    result = replace(verdict(*WINNER), recommended="b", firm=False, repicked=0.241, picks=picks)
    said = answer_in_words(result, comparison(*WINNER).schemes)
    assert said is not None
    assert said.sure == "Fragile: 24 of 100 studies redrawn from its seeds pick it, 76 a."


def test_where_the_score_is_compared_the_answer_says_it_once_with_one_interval():
    by_score = replace(SCHEMA, select_by="score")
    result = compare([evidence("a", [0.2] * 20, CLEAN)], by_score, DECIDE, PROVENANCE)
    row = result.schemes[0]
    wide = 2 * 1.96 * math.sqrt(0.4 * 0.6 / 200)  # it counts rows: 0.4 of them are wrong
    assert row.test_high - row.test_low == pytest.approx(wide, abs=0.003)
    assert ": test accuracy 90.0 % (95 % interval " in result.verdict.statement
    assert "1 - accuracy" not in result.verdict.statement
    assert some(result.verdict.caveats, "differences between schemes are over seeds")
    assert not some(result.verdict.caveats, "test 1 - accuracy are over seeds")
