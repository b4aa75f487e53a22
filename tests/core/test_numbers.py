import pytest

from initsweep.core import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0316227766, "0.0316"),
        (0.1, "0.1"),
        (1.0, "1"),
        (10.0, "10"),
        (316.227766, "316"),
        (0.001, "0.001"),
        (0.000999, "9.99e-4"),
        (3.16227766e-4, "3.16e-4"),
        (1e-4, "1e-4"),
        (None, numbers.MISSING),
    ],
)
def test_rate(value, text):
    assert numbers.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.084219, "0.0842"),
        (2.302585, "2.303"),
        (0.99996, "1.00"),
        (12.3456, "12.35"),
        (1.5e7, "1.500e7"),
        (0.0, "0.00"),
        (1e300, "∞"),
        (float("nan"), numbers.MISSING),
        (None, numbers.MISSING),
    ],
)
def test_loss(value, text):
    assert numbers.loss(value) == text


def test_difference_shows_its_sign():
    assert numbers.difference(0.0312) == "+0.031"
    assert numbers.difference(-0.00421) == "\N{MINUS SIGN}0.0042"
    assert numbers.difference(0.0) == "0"


def test_score_is_percent_for_accuracy_only():
    assert numbers.score(0.9712, "accuracy") == "97.1 %"
    assert numbers.score(-0.5, "r_squared") == "\N{MINUS SIGN}0.500"
    assert numbers.score(None, "accuracy") == numbers.MISSING


def test_width_says_that_the_grid_ended_first():
    assert numbers.width(1.5, "no") == "1.50"
    assert numbers.width(1.5, "high") == "≥ 1.50"
    assert numbers.width(None, "no") == numbers.MISSING


def test_interval_rate_range_and_p_value():
    assert numbers.interval(0.0842, 0.1) == "0.0842 to 0.100"
    assert numbers.interval(None, 0.1) == ""
    assert numbers.interval(0.9, 0.95, "accuracy") == "90.0 % to 95.0 %"
    assert numbers.rate_range(0.01, 0.1) == "0.01 to 0.1"
    assert numbers.rate_range(0.01, 0.01) == "0.01"
    assert numbers.rate_range(None, None) == numbers.MISSING
    assert numbers.rate_range(0.01, 0.1, "low") == "≤ 0.01 to 0.1"
    assert numbers.rate_range(0.01, 0.1, "high") == "0.01 to ≥ 0.1"
    assert numbers.rate_range(0.01, 0.1, "both") == "≤ 0.01 to ≥ 0.1"
    assert numbers.rate_range(0.1, 0.1, "high") == "0.1 to ≥ 0.1"
    assert numbers.fixed(-0.154, 2) == "\N{MINUS SIGN}0.15"
    assert numbers.p_value(0.00098) == "< 0.001"
    assert numbers.p_value(0.0217) == "0.022"
    assert numbers.p_value(1.0) == "1"
    assert numbers.percent(0.754) == "75 %"
    assert numbers.percent(0.754, 1) == "75.4 %"


def test_fixed_decimals_have_a_true_minus_sign_and_no_negative_zero():
    assert numbers.fixed(-0.154) == "\N{MINUS SIGN}0.15"
    assert numbers.fixed(-0.004) == "0.00"
    assert numbers.fixed(0.31, 1) == "0.3"


def test_what_any_terminal_must_show_is_written_as_python_writes_it():
    assert numbers.plain(-3.16227766e-5) == "-3.16e-05"
    assert numbers.plain(float("inf"), 4) == "inf"


def test_a_setting_keeps_its_digits():
    assert numbers.setting_percent(0.125) == "12.5 %"
    assert numbers.setting_percent(0.05) == "5 %"
