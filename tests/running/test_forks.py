"""Tasks run in forks, report while they run, and none outlives the others' failure."""

import os
import signal
import time

import pytest

from initsweep.core import link
from initsweep.core.errors import RunError
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
        time.sleep(0.01)
        return f"{os.getpid()} {number} ".encode() + bytes(10 ** (number % 7))

    found = dict(forks.each(work, 20, 3))
    assert sorted(found) == list(range(20))
    assert all(int(found[number].split()[1]) == number for number in found)
    assert all(len(found[number]) >= 10 ** (number % 7) for number in found)
    processes = {int(content.split()[0]) for content in found.values()}
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_what_raises_there_is_raised_here():
    def work(number):
        if number == 3:
            raise KeyError("broken", os.getpid())
        return b""

    with pytest.raises(KeyError, match=str(os.getpid())):
        list(forks.each(work, 5, 2))


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
