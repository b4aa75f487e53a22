import dataclasses
import math

import pytest

from initsweep.core.errors import ParamsError
from initsweep.views.terminal.answer import Answer
from initsweep.views.terminal.gate_rules import Limits, check_limits
from tests.made_study import changed, make_study, with_row


@pytest.fixture
def answer():
    study = make_study(names=["zeros", "he_normal", "orthogonal"])
    return changed(
        Answer(),
        verdict=study.verdict,
        schemes=study.schemes,
        response=study.response,
        challenge=study.challenge,
    )


def outcomes(answer, **limits):
    return {check.rule: check.passed for check in check_limits(answer, Limits(**limits))}


@pytest.mark.parametrize(
    ("decision", "passing"),
    [
        ("winner", {"winner", "tie", "any"}),
        ("lead", {"tie", "any"}),
        ("tie", {"tie", "any"}),
        ("cannot_tell", {"any"}),
        ("none_trainable", {"any"}),
    ],
)
def test_the_least_that_a_study_must_say(answer, decision, passing):
    verdict = dataclasses.replace(answer.verdict, decision=decision)
    said = changed(answer, verdict=verdict)
    for least in ("winner", "tie", "any"):
        assert outcomes(said, decision=least) == {"decision": least in passing}


@pytest.mark.parametrize(
    ("limit", "rule", "field", "passing", "failing"),
    [
        ("max_test_loss", "test loss", "test_loss", 0.2, 0.2001),
        ("max_regret", "regret", "regret", 1.0, 1.1),
        ("max_failed", "failed runs", "failed_runs", 1, 2),
        ("min_score", "test score", "test_score", 0.95, 0.9499),
        ("min_basin", "basin width", "basin_width", 1.5, 1.0),
    ],
)
def test_a_limit_is_kept_by_its_own_value_and_broken_beyond(
    answer, limit, rule, field, passing, failing
):
    recommended = answer.verdict.recommended
    assert outcomes(with_row(answer, recommended, **{field: passing}), **{limit: passing})[rule]
    assert not outcomes(with_row(answer, recommended, **{field: failing}), **{limit: passing})[rule]


def test_a_limit_that_rounding_alone_would_break_is_kept(answer):
    recommended = answer.verdict.recommended
    wide = with_row(answer, recommended, basin_width=math.log10(0.1 / 0.00316227766) - 1e-12)
    assert outcomes(wide, min_basin=1.5)["basin width"]


def test_only_limits_that_are_set_are_checked(answer):
    assert set(outcomes(answer)) == {"decision"}
    assert list(outcomes(answer, max_regret=9.0, min_basin=0.0)) == [
        "decision", "regret", "basin width",
    ]  # fmt: skip


def test_what_is_not_defined_breaks_its_limit_and_says_why(answer):
    recommended = answer.verdict.recommended
    unscored = with_row(answer, recommended, test_score=None, failed_runs=2)
    check = check_limits(unscored, Limits(min_score=0.5))[-1]
    assert not check.passed
    assert "2/" in check.found


def test_without_a_recommended_scheme_limits_have_nothing_to_hold_and_fail(answer):
    verdict = dataclasses.replace(answer.verdict, decision="cannot_tell", recommended=None)
    undecided = changed(answer, verdict=verdict)
    check = check_limits(undecided, Limits(decision="any", max_regret=100.0))[-1]
    assert not check.passed
    assert "--scheme" in check.found
    own = check_limits(undecided, Limits(decision="any", scheme="he_normal", max_regret=100.0))
    assert own[-1].passed


@pytest.mark.parametrize(
    ("standing", "outcome", "passes"),
    [
        ("tied", "recommended", True),
        ("tied", "inconclusive", True),
        ("tied", "better", True),
        ("tied", "worse", False),
        ("undecided", "inconclusive", True),
        ("undecided", "worse", False),
        ("worse", "equivalent", False),
        ("worse", "better", False),
        ("untrainable", "untrainable", False),
    ],
)
def test_a_scheme_of_one_s_own_must_not_be_shown_to_be_worse(answer, standing, outcome, passes):
    judged = with_row(answer, "he_normal", standing=standing, outcome=outcome)
    check = check_limits(judged, Limits(scheme="he_normal"))[1]
    assert (check.rule, check.passed) == ("he_normal not worse", passes)
    assert check.found == f"{standing} on validation, {outcome} on test"


def test_limits_hold_for_the_scheme_that_is_named(answer):
    named = with_row(answer, "he_normal", regret=50.0)
    assert not outcomes(named, scheme="he_normal", max_regret=40.0)["regret"]


@pytest.mark.parametrize(
    ("rate", "passes"),
    [
        (0.00316, True),
        (0.1, True),
        (0.02, True),
        (0.1004, True),  # as people write rates, to three digits
        (0.0031, False),
        (0.11, False),
        (0.3, False),  # chosen, and on fresh seeds beside the basin: no reason to pass
    ],
)
def test_a_rate_must_lie_in_the_basin(answer, rate, passes):
    measured = with_row(
        answer, "he_normal", basin_low=0.00316227766, basin_high=0.1, learning_rate=0.3
    )
    assert outcomes(measured, scheme="he_normal", rate=rate)["rate"] == passes


def test_an_untrainable_scheme_has_no_rate(answer):
    assert not outcomes(answer, scheme="zeros", rate=0.1)["rate"]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"max_regret": math.nan}, "--max-regret: received nan"),
        ({"min_score": math.inf}, "--min-score: received inf"),
        ({"max_failed": -1}, "--max-failed: received -1"),
        ({"rate": 0.0}, "--rate: received 0"),
        ({"scheme": "mine"}, "--scheme: received 'mine'. The study has"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(answer, limits, named):
    with pytest.raises(ParamsError, match=named):
        check_limits(answer, Limits(**limits))


def test_a_score_may_have_a_negative_limit(answer):
    assert outcomes(answer, min_score=-1.0)["test score"]
