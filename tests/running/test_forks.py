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
    heard = []
    forks.run([task(1, 2), task(3), task(4)], 2, heard.append)
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

    heard = []
    forks.run([counted] * 5, 2, heard.append)
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
        forks.run([waits, fails_later], 2, lambda _: None)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
