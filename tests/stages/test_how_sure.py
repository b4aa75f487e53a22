"""What the packet says of how sure the choice is, and why other schemes were not chosen."""

import dataclasses

import pytest

from initsweep.reporting import facts
from initsweep.reporting.document import SECTIONS
from tests.stages.nasty_study import read_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.stages.nasty_study.SCHEMES", list(FOUR))
        return read_study(tmp_path_factory.mktemp("study"))


FOUR = ("orthogonal", "he_normal", "lecun_uniform", "zeros")


def with_verdict(study, **changes):
    return dataclasses.replace(study, verdict=dataclasses.replace(study.verdict, **changes))


def with_rows(study, **changes):
    """Change rows by scheme: `with_rows(study, he_normal={"test_loss": 0.1})`."""
    rows = [dataclasses.replace(row, **changes.get(row.scheme, {})) for row in study.schemes]
    return dataclasses.replace(study, schemes=rows)


@pytest.mark.parametrize(
    ("decision", "firm", "said"),
    [
        ("winner", True, "Winner, firm"),
        ("lead", False, "Ahead, fragile"),
        ("tie", False, "Tie, fragile"),
    ],
)
def test_the_decision_in_words(study, decision, firm, said):
    verdict = with_verdict(study, decision=decision, firm=firm).verdict
    assert facts.decision(verdict) == said


def test_without_a_recommendation_nothing_is_firm(study):
    none = with_verdict(study, decision="cannot_tell", recommended=None, firm=True)
    assert facts.decision(none.verdict) == "Cannot tell"
    assert facts.how_sure(none) == ""
    assert facts.why_not(none) == []


def test_how_sure_names_the_others_by_how_often_they_are_picked(study):
    picks = {"orthogonal": 0.4, "a": 0.05, "b": 0.3, "c": 0.15, "d": 0.1}
    said = facts.how_sure(with_verdict(study, repicked=0.4, firm=False, picks=picks))
    assert said.startswith("Fragile: only 40 of 100 studies like this one, drawn from its seeds, ")
    assert "(others: b 30, c 15, d 10)" in said
    assert "`confirm.seeds`" in said
    firm = facts.how_sure(with_verdict(study, repicked=0.93, firm=True))
    assert firm.startswith("Firm: 93 of 100 studies like this one")
    assert firm.endswith("pick the same scheme.")


def test_the_lowest_loss_on_validation_is_told_why_it_was_not_chosen(study):
    assert study.verdict.recommended == "orthogonal"
    lower = with_rows(
        study,
        he_normal={"validation_loss": 0.08, "basin_width": 0.5, "basin_censored": "no"},
        orthogonal={"basin_width": 1.5, "basin_censored": "high", "test_loss": 0.01},
    )
    (said,) = facts.why_not(lower)
    assert said.startswith("Why not he_normal, lowest on validation (0.0800 against ")
    assert said.endswith("shown to be narrower (0.50 decades against \N{GREATER-THAN OR EQUAL TO} "
                         "1.50).")  # fmt: skip


def test_the_lowest_loss_on_test_is_told_where_it_stands_on_validation(study):
    lower = with_rows(study, lecun_uniform={"test_loss": 0.01, "why": "0.011 behind, undecided"})
    (said,) = facts.why_not(lower)
    assert said.startswith("Why not lecun_uniform, lowest on test (0.0100 against ")
    assert said.endswith("on validation: 0.011 behind, undecided.")


def test_schemes_with_the_very_numbers_of_the_chosen_one_raise_no_question(study):
    chosen = next(row for row in study.schemes if row.scheme == "orthogonal")
    same = {"validation_loss": chosen.validation_loss, "test_loss": 0.01}
    twins = with_rows(study, orthogonal={"test_loss": 0.01}, he_normal=same)
    for rows in (twins.schemes, twins.schemes[::-1]):
        assert facts.why_not(dataclasses.replace(twins, schemes=rows)) == []


def test_overconfident_runs_of_the_recommended_scheme_are_a_warning(study):
    assert "overconfident" not in facts.warning(study)
    loud = with_rows(study, orthogonal={"overconfident_runs": 3})
    assert "3 of its 10 fresh runs are overconfident" in facts.warning(loud)


def test_the_verdict_section_says_who_ties_and_who_is_undecided(study):
    def said(changed):
        return SECTIONS.get("verdict")(changed).blocks[0].text

    assert study.verdict.tie_set == ["orthogonal", "he_normal"]
    assert study.verdict.undecided == ["lecun_uniform"]
    assert "2 schemes are as good on validation as far as matters" in said(study)
    assert "1 scheme more: beyond the margin and not shown to be worse either" in said(study)
    alone = with_verdict(study, decision="lead", tie_set=["orthogonal"])
    assert said(alone).startswith("No other scheme comes within the margin of orthogonal")
    none = with_verdict(study, best_on_validation=None)
    assert said(none) == "No scheme is better than guessing."
