import io
import os

import pytest

from initsweep.core.progress import Bar
from initsweep.running import dvc_words
from initsweep.running.display import Display
from initsweep.running.pace import Pace, Plan


class Terminal(io.StringIO):
    """Looks like a terminal, and shows what is on its lines now."""

    def isatty(self):
        return True

    def fileno(self):
        return 2


def display(screen, work):
    pace = Pace(Plan(noun="claim", work=work))
    return pace, Display(pace, screen)


def sized(monkeypatch, columns, lines):
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, lines)))


@pytest.mark.parametrize("screen", [io.StringIO(), Terminal()])
def test_a_log_has_a_line_for_every_stage_and_those_that_they_print(monkeypatch, screen):
    """And so has a terminal that has no size."""
    sized(monkeypatch, 0, 0)
    out = io.StringIO()
    pace, shown = display(screen, {"claims/dvc.yaml:measure@one": 1, "b": 1})
    pace.begins("claims/dvc.yaml:measure@one")
    shown.begins("claims/dvc.yaml:measure@one")
    shown.shows(Bar(what="one: zeros", unit="run", total=3, at=1))
    shown.refresh()
    shown.line("One: supported", out)
    pace.begins("claims/dvc.yaml:page")
    shown.begins("claims/dvc.yaml:page")
    shown.close()
    assert screen.getvalue().splitlines() == [
        "claim 1 of 2: measure one",
        "page, about a second left",
    ]
    assert out.getvalue() == "One: supported\n"


def test_a_terminal_shows_the_whole_above_the_bar_and_keeps_neither(monkeypatch):
    screen = Terminal()
    sized(monkeypatch, 80, 24)
    monkeypatch.setattr("sys.stderr", screen)
    pace, shown = display(screen, {"tune@zeros": 8})
    shown.refresh()
    assert "looking for what is out of date" in screen.getvalue()
    pace.begins("tune@zeros")
    shown.begins("tune@zeros")
    bar = Bar(what="tune zeros", unit="run", total=8)
    shown.shows(bar)
    bar.at, bar.note = 4, "best loss 0.3"
    pace.is_at(0.5)
    shown.shows(bar)
    shown.refresh()
    written = screen.getvalue()
    assert "claim 1 of 1: tune zeros" in written
    assert "claim 1 of 1, about a second left" in written
    assert "tune zeros:   0%" in written
    shown.close()
    assert screen.getvalue().endswith("\r")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "> PYTHONPATH=src python -m initsweep tune --scheme zeros",
        "Updating lock file 'dvc.lock'",
        "Generating lock file 'claims/dvc.lock'",
        "To track the changes with git, run:",
        "\tgit add dvc.lock",
        "To enable auto staging, run:",
        "\tdvc config core.autostage true",
        "Use `dvc push` to send your updates to remote storage.",
        "Data and pipelines are up to date.",
        "WARNING: Process 'dvc repro' with (Pid 12), in RWLock-file '.dvc/tmp/rwlock' had been "
        "killed. Auto removed it from the lock file.",
    ],
)
def test_what_dvc_says_of_itself_is_left_out(line):
    assert dvc_words.is_noise(line)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Unable to acquire lock.",
        "WARNING: 'data/raw' is empty.",
        "prepare: 20 values are missing",
        "  File 'net.py', line 3",
    ],
)
def test_all_else_is_shown(line):
    assert not dvc_words.is_noise(line)


def test_names_of_stages_are_read_from_what_dvc_says():
    assert dvc_words.RUNS.fullmatch("Running stage 'claims/dvc.yaml:measure@a':")[1].endswith("@a")
    for line in (
        "Stage 'tune@zeros' didn't change, skipping",
        "Stage 'tune@zeros' is cached - skipping run, checking out outputs",
    ):
        assert dvc_words.PASSED.fullmatch(line)[1] == "tune@zeros"
    assert dvc_words.PASSED.fullmatch("'data.dvc' didn't change, skipping")[1] == "data.dvc"


def test_a_disk_that_refuses_dvc_is_one_sentence(tmp_path):
    target = tmp_path / "cache/files/md5/16/tmp"
    failures = [
        "ERROR: failed to transfer '16' - [Errno 28] No space left on device: "
        f"'a.csv' -> '{target}'",
        "ERROR: failed to reproduce 'tune@zeros': [Errno 28] No space left on device",
    ]
    assert all(dvc_words.FAILED.fullmatch(line) for line in failures)
    said = dvc_words.refused(failures)
    assert said.startswith(f"'{target}' cannot be used: No space left on device; ")
    assert "MB are free in" in said
    assert said.endswith("run again to go on.")
    assert "writable for" in dvc_words.refused(["ERROR: x - [Errno 13] Permission denied: 'a'"])
    assert (
        dvc_words.refused(["ERROR: failed to reproduce 'a': failed to run: b, exited with 1"])
        is None
    )
