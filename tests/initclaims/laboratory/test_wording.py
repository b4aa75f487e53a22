"""Intervals and lists as readings say them."""

import pytest

from initclaims.laboratory import wording
from initsweep.core.records import Interval

DEPTH, SIDE = "depth", "side"


def test_an_estimate_has_its_interval():
    interval = Interval(low=-0.05, estimate=0.31, high=0.844)
    assert wording.span(interval) == "\N{MINUS SIGN}0.05 to 0.84"
    assert wording.estimate(interval, 1) == "0.3, \N{MINUS SIGN}0.1 to 0.8"


def test_lists_and_capitals():
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.capital("he") == "He"


@pytest.mark.parametrize(
    ("parts", "on"),
    [
        ((True, False, True, False), "side"),
        ((True, True, False, False), "depth"),
        ((False, True, True, True), "depth and side"),
        ((True, None, None, False), "depth and side"),
    ],
)
def test_the_factor_that_turns_an_answer_about(parts, on):
    keys = [("3", "small"), ("3", "large"), ("6", "small"), ("6", "large")]
    assert wording.factors(dict(zip(keys, parts, strict=True)), (DEPTH, SIDE)) == on
