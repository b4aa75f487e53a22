"""Which path is taken, and what is told of it."""

import logging

import pytest
import torch

from initsweep.core.errors import PathError
from initsweep.core.stopping import RUN
from initsweep.engine import choice
from initsweep.engine.one_by_one import ReferencePath
from initsweep.engine.paths import Job
from initsweep.engine.stacked_path import StackedPath


class Unable(StackedPath):
    def __init__(self, job, fallback_from=()):
        raise PathError("it only takes\n prime widths")


class Faster(ReferencePath):
    @property
    def kind(self):
        return "compiled (fast)"


@pytest.fixture
def job(make_problem, training, optimizer, runtime):
    return lambda engine, network="plain": Job(
        problem=make_problem(network),
        training=training(),
        optimizer=optimizer(),
        runtime=runtime(engine=engine),
        keep_states=False,
    )


@pytest.fixture(autouse=True)
def nothing_told_yet():
    choice._log_choice.cache_clear()


def test_auto_takes_the_first_that_covers_the_job(job, monkeypatch):
    monkeypatch.setattr(choice, "FAST_PATHS", {"compiled": Faster, "torch": StackedPath})
    vectors = torch.backends.cpu.get_cpu_capability()
    assert choice.choose_path(job("auto")).name == f"compiled (fast) on {vectors}"
    assert choice.choose_path(job("torch")).name.startswith("torch")
    assert choice.choose_path(job("reference")).name == f"reference on {vectors}"


def test_every_fallback_is_recorded_in_one_line_and_told_once(job, monkeypatch, caplog):
    monkeypatch.setattr(choice, "FAST_PATHS", {"compiled": Unable, "torch": StackedPath})
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            path = choice.choose_path(job("auto"))
    vectors = torch.backends.cpu.get_cpu_capability()
    assert path.name == f"{path.kind} on {vectors}: it only takes prime widths"
    assert isinstance(path, StackedPath)
    assert caplog.messages == ["The compiled path is not used: it only takes prime widths"]
    path = choice.choose_path(job("auto", "remembering"))
    why = "it only takes prime widths; Sequential cannot be"
    assert path.name.startswith(f"reference on {vectors}: {why}")
    assert len(path.name.splitlines()) == 1


def test_one_run_is_told_once_however_many_processes_it_has(job, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(choice, "FAST_PATHS", {"compiled": Unable, "torch": StackedPath})
    for runs in (1, 2):
        folder = tmp_path / str(runs)
        folder.mkdir()
        monkeypatch.setenv(RUN, str(folder))
        for _ in range(3):
            choice._log_choice.cache_clear()  # as in a new process
            choice.choose_path(job("auto"))
        assert len(caplog.messages) == runs


def test_a_path_asked_for_by_name_is_taken_or_refused(job, monkeypatch):
    monkeypatch.setattr(choice, "FAST_PATHS", {"compiled": Unable, "torch": StackedPath})
    with pytest.raises(PathError, match=r"prime widths\. Set `runtime\.engine: auto`"):
        choice.choose_path(job("compiled"))
    monkeypatch.setattr(choice, "FAST_PATHS", {"torch": StackedPath})
    with pytest.raises(PathError, match=r"received 'compiled', but this installation"):
        choice.choose_path(job("compiled"))
