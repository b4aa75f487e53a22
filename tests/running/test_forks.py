"""Tasks run in forks, report while they run, and none outlives the others' failure."""

import os
import signal
import time
import warnings

import pytest

from initsweep.core import link, stopping
from initsweep.core.errors import InitsweepWarning, RunError
from initsweep.running import forks


def task(*told, status=0):
    """Return a task that reports and ends."""

    def do(connect):
        connect()
        for one in told:
            link.tell(bar=one)
        return status

    return do


def test_every_message_of_every_task_is_heard():
    heard = list(forks.run([task(1, 2), task(3), task(4)], 2))
    assert sorted(one["bar"] for one in heard if "bar" in one) == [1, 2, 3, 4]
    processes = {one["process"] for one in heard if "process" in one}
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_no_more_run_at_the_same_time_than_may(tmp_path):
    def counted(connect):
        connect()
        mine = tmp_path / str(os.getpid())
        mine.touch()
        link.tell(bar=len([*tmp_path.iterdir()]))
        time.sleep(0.1)
        mine.unlink()
        return 0

    heard = list(forks.run([counted] * 5, 2))
    assert max(one["bar"] for one in heard if "bar" in one) <= 2


def killed(connect):
    connect()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize(
    ("failing", "message"),
    [(task(status=3), "ended with status 3"), (killed, "was killed, perhaps because memory")],
)
def test_a_failure_stops_the_others(failing, message, tmp_path):
    def waits(connect):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        connect()
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)
        return 0

    def fails_later(connect):
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        return failing(connect)

    began = time.monotonic()
    with pytest.raises(RunError, match=message):
        list(forks.run([waits, fails_later], 2))
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_each_number_is_done_once_whoever_does_it_and_however_much_comes_of_it():
    def work(number):
        time.sleep(0.05)
        return f"{os.getpid()} {number} ".encode() + bytes(10 ** (number % 7))

    found = dict(forks.each(work, 20, 3))
    assert sorted(found) == list(range(20))
    assert all(int(found[number].split()[1]) == number for number in found)
    assert all(len(found[number]) >= 10 ** (number % 7) for number in found)
    processes = {int(content.split()[0]) for content in found.values()}
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_one_that_is_stopped_says_nothing(capfd):
    def waits(connect):
        stopping.raise_at_signals()
        connect()
        link.tell(bar=1)
        time.sleep(60)
        return 0

    told = forks.run([waits], 1)
    while "bar" not in next(told):
        pass
    told.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [KeyError("broken"), SystemExit("ended")])
def test_what_raises_there_is_raised_here_and_what_was_begun_is_kept(error, tmp_path):
    def work(number):
        (tmp_path / str(number)).touch()
        while not (tmp_path / "1").exists():  # two have begun
            time.sleep(0.01)
        if number == 0:
            raise type(error)(f"{error.args[0]} {os.getpid()}")
        time.sleep(0.3)
        return b""

    found = forks.each(work, 50, 2)
    assert next(found)[0] != 0
    with pytest.raises(type(error), match=str(os.getpid())):
        list(found)
    assert len([*tmp_path.iterdir()]) < 5


def test_what_fails_there_alone_is_done_here_and_the_rest_goes_on():
    parent = os.getpid()

    def work(number):
        if number == 3 and os.getpid() != parent:
            raise KeyError("for the moment")
        return str(number).encode()

    found = dict(forks.each(work, 9, 2))
    assert found == {number: str(number).encode() for number in range(9)}


def test_one_that_ends_before_its_work_is_done_is_no_success():
    def work(number):
        if number == 3:
            os._exit(0)
        return b""

    with pytest.raises(RunError, match="ended before its work was done"):
        list(forks.each(work, 5, 2))


def test_what_all_of_them_warn_of_is_said_once():
    def work(number):
        for _ in range(3):
            warnings.warn(f"same for all of {test_forks}", InitsweepWarning, stacklevel=1)
        warnings.warn(f"of {number}", RuntimeWarning, stacklevel=1)
        return b""

    test_forks = os.getpid()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(2):
            assert len(list(forks.each(work, 4, 2))) == 4
    assert [str(one.message) for one in heard if one.category is InitsweepWarning] == [
        f"same for all of {test_forks}"
    ]
    own = sorted(str(one.message) for one in heard if one.category is RuntimeWarning)
    assert own == [f"of {number}" for number in range(4)]


def test_none_outlives_a_caller_that_asks_for_no_more(tmp_path):
    def work(number):
        if number:
            (tmp_path / str(os.getpid())).touch()
            time.sleep(60)
        return b""

    began = time.monotonic()
    for _ in forks.each(work, 3, 2):
        while not [*tmp_path.iterdir()]:
            time.sleep(0.01)
        break
    assert time.monotonic() - began < 30
    for file in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name), 0)
