"""The thresholds are those that the published cases give, not somebody's guess."""

import pytest

from benchmarks.diagnosis_fit import CANDIDATES, error_rates, fit, read_cases
from initsweep.probes.alarm_levels import ALARMS, LATE_SIGNS, SIGNS
from initsweep.probes.questions import CHECKS


@pytest.fixture(scope="module")
def cases():
    return read_cases()


@pytest.mark.parametrize("optimizer", sorted(ALARMS))
def test_a_fit_of_the_training_half_gives_the_thresholds(cases, optimizer):
    assert fit(cases, cases.training_half, optimizer) == ALARMS[optimizer]


@pytest.mark.parametrize(
    ("optimizer", "false", "missed"), [("sgd", 0.06, 0.1), ("adam", 0.1, 0.15)]
)
def test_they_hold_on_networks_that_had_no_part_in_it(cases, optimizer, false, missed):
    held, bad = cases.held_back, cases.untrainable(optimizer)
    found = error_rates(cases.alarms(ALARMS[optimizer])[held], bad[held])
    assert found[0] <= false
    assert found[1] <= missed
    theirs = error_rates(cases.rules()[held], bad[held])
    assert sum(found) < sum(theirs)


def test_no_network_is_in_both_halves(cases):
    names = list(zip(cases.networks, cases.training_half, strict=True))
    assert not {n for n, half in names if half} & {n for n, half in names if not half}


def test_every_threshold_has_its_check():
    names = {check.name for check in CHECKS}
    assert set(CANDIDATES) == names
    assert {*ALARMS["sgd"], *ALARMS["adam"], *SIGNS, *LATE_SIGNS} <= names
