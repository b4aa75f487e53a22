import pytest

from initsweep.running import pace as paces
from initsweep.running.pace import Pace, Plan

WORK = {"prepare": 0, "tune@a": 80, "tune@b": 80, "train@a": 10, "train@b": 10, "compare": 0}


@pytest.fixture
def clock(monkeypatch):
    """Time as the test sets it."""
    now = [0.0]
    monkeypatch.setattr(paces.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


@pytest.fixture
def pace():
    return Pace(Plan(noun="stage", work=WORK))


def test_stages_are_counted_whether_they_run_or_not(pace):
    assert pace.place() == ""
    pace.begins("prepare")
    assert pace.place() == "stage 1 of 6"
    pace.passes("tune@a")
    pace.begins("tune@b")
    assert pace.place() == "stage 3 of 6"
    pace.begins("versions")
    assert pace.place() == ""
    pace.begins("compare")
    assert pace.place() == "stage 4 of 6"


def test_nothing_is_said_before_something_is_known(pace, clock):
    assert pace.seconds_left() is None
    pace.begins("prepare")
    clock(30)
    assert pace.seconds_left() is None
    pace.begins("tune@a")
    clock(5)
    pace.is_at(0.0)  # its libraries are imported: from here on it counts
    assert pace.seconds_left() is None


def test_the_rest_takes_as_long_as_its_kind_has_taken(pace, clock):
    pace.begins("tune@a")
    pace.is_at(0.0)
    clock(10)
    pace.is_at(0.5)  # 40 of 80 in 10 seconds; the fresh runs at the same pace until seen
    assert pace.seconds_left() == pytest.approx(10 + 20 + 5)
    clock(4)  # within one chunk: the rest does not grow
    assert pace.seconds_left() == pytest.approx(6 + 20 + 5)
    clock(6)
    pace.begins("train@a")
    clock(8)  # 10 runs in 8 seconds
    pace.begins("tune@b")
    assert pace.seconds_left() == pytest.approx(20 + 8)
    clock(5)  # it has no bar, as claims have none
    assert pace.seconds_left() == pytest.approx(15 + 8)
    clock(100)
    assert pace.seconds_left() == pytest.approx(8)
    pace.passes("train@b")
    pace.begins("compare")
    assert pace.seconds_left() is None  # no work is left that is counted


def test_a_stage_that_does_the_work_of_others_has_it_counted_as_its_own(pace, clock):
    pace.begins("tune@a")
    pace.covers(["tune@b", "train@a", "train@b", "unknown"])
    pace.is_at(0)
    clock(90)
    pace.is_at(0.5)
    assert pace.seconds_left() == pytest.approx(90)
    pace.begins("tune@b")
    assert pace.place() == "stage 2 of 6"
    assert not pace.seconds_left()
