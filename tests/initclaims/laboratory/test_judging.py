"""A judgement follows from comparisons, and names what they rest on."""

import pytest

from initclaims.laboratory.contest import EDGE
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval

BEHIND = Interval(low=0.1, estimate=0.2, high=0.3)


@pytest.mark.parametrize(
    ("conditions", "answer"),
    [
        ({"supported": True, "refuted": True}, "supported"),
        ({"refuted": True, "supported": True}, "refuted"),
        ({"supported": False, "depends": None, "refuted": True}, "refuted"),
        ({"supported": False, "refuted": None}, "cannot tell"),
    ],
)
def test_the_first_answer_whose_condition_holds_is_given(conditions, answer):
    assert first_that(**conditions) == answer


@pytest.mark.parametrize(
    ("criterion", "answer"),
    [([True, True], "supported"), ([True, False], "depends"), ("refuted", "refuted")],
)
def test_an_answer_brings_its_reading_and_what_it_depends_on(criterion, answer):
    readings = {name: f"It is {name}." for name in ("supported", "refuted", "depends")}
    found = judged(criterion, {}, readings, on="depth")
    assert (found.answer, found.reading) == (answer, f"It is {answer}.")
    assert found.on == ("depth" if answer == "depends" else "")


def test_effects_are_intervals_and_what_could_not_be_measured_is_left_out():
    rates = Table([Measurement.of("He", EDGE, 1.0)])
    effects = {"behind": (BEHIND, "0.2"), "p": 0.04, "lost": None}
    first, second, edge = judged([True], effects, "So it is.", rates=rates).effects
    assert (first.name, first.value, first.published) == ("behind", BEHIND, "0.2")
    assert (second.name, second.published) == ("p", "")
    assert second.value == Interval(low=0.04, estimate=0.04, high=0.04)
    assert edge.name.startswith("best rates at the edge")
    assert judged([True], effects, "So it is.").effects == [first, second]


def test_a_claim_has_the_name_of_its_file_and_stands_under_no_other():
    from initclaims.claims import CLAIMS, zero_rank

    assert CLAIMS.get("zero_rank") is zero_rank.CLAIM
    assert len(CLAIMS.names()) == len(set(map(id, dict(CLAIMS).values())))
