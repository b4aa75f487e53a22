import os
import select
import signal
import time
from functools import partial
from multiprocessing import active_children

import pytest

from initsweep.core.errors import ArtifactError, InitsweepError
from initsweep.views.figures import style
from initsweep.views.figures.drawing import drawings

NAMES = ("one", "two", "three")


@pytest.fixture(autouse=True)
def _nobody_is_left_behind():
    yield
    assert active_children() == []


def test_bytes_and_order_are_the_same_however_many_draw():
    figures = {name: partial(style.message_figure, name) for name in NAMES}
    alone = drawings(figures, 1)
    assert [*alone] == [*NAMES]
    for workers in (2, 8):
        together = drawings(figures, workers)
        assert together == alone
        assert [*together] == [*NAMES]


@pytest.mark.parametrize(("workers", "here"), [(1, 3), (2, 0)])
def test_one_worker_is_this_process_and_more_are_others(workers, here):
    drawn_here = []

    def draw(name):
        drawn_here.append(name)
        return style.message_figure(name)

    drawings({name: partial(draw, name) for name in NAMES}, workers)
    assert len(drawn_here) == here


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_arrives_in_its_words(workers):
    def draw():
        raise ArtifactError("'curves.csv' is missing")

    with pytest.raises(InitsweepError, match=r"^'curves.csv' is missing$"):
        drawings(dict.fromkeys(NAMES, draw), workers)


def test_a_process_that_is_killed_is_told_of():
    def draw():
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(InitsweepError, match="memory ran out"):
        drawings(dict.fromkeys(NAMES, draw), 2)


def test_whoever_is_stopped_stops_all():
    def stop(*_):
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            drawings({name: partial(time.sleep, 600) for name in NAMES}, 2)
    finally:
        signal.signal(signal.SIGALRM, usual)


def test_whoever_dies_leaves_nobody_behind():
    def draw():
        time.sleep(0.1)
        return style.message_figure("more than fits into a pipe, all together")

    ended, held = os.pipe()  # at its end when the last process that holds it has gone
    if not (process := os.fork()):
        drawings({str(number): draw for number in range(100)}, 2)
        os._exit(0)
    os.close(held)
    time.sleep(1)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert select.select([ended], [], [], 30)[0]
    os.close(ended)
