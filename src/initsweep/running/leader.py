"""Runs `dvc repro`: the only process that writes to the terminal and that listens to Ctrl-C.

Stages report to it over a socket. A signal stops the stage, which ends in order, and DVC, which is
left to end by itself because of that: it may be writing its lock. If the leader is killed, the
kernel closes the sockets, and stages stop as well.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, Any, TextIO

from initsweep.core import stopping
from initsweep.core.link import CHUNK, GRACE, LEADER, Lines
from initsweep.core.progress import Bar
from initsweep.core.stopping import ONCE, RUN, SIGNALS
from initsweep.running import dvc_words
from initsweep.running.display import Display
from initsweep.running.folder_lock import run_folder
from initsweep.running.pace import Pace, Plan
from initsweep.running.warm_client import warm_process

FORCE = "--force"
PLAN = "plan.json"
"""In the folder of a run: its stages with their work, and whether all of them are to be run."""

MISTAKE = 2  # the exit status where a stage has said what is wrong
TICK = 1.0  # seconds between two looks at the clock


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        status: The exit status: 0, 128 + the signal that stopped it, 2 if a stage said what is
            wrong, else that of DVC.
        stopped: Whether a signal stopped it.
        failed: The stages that failed with a message, and the messages, first to last.
        at: The stage that DVC has ended at, because it could not be reproduced; "" for none.
    """

    status: int = 0
    stopped: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    at: str = ""

    def has_all_but(self, stage: str) -> bool:
        """Return whether everything is up to date, whatever came of the last stage."""
        return not self.stopped and (not self.status or self.at == stage)

    def say(self) -> None:
        """Say what went wrong, or that the run was stopped."""
        for text in self.failed.values():
            sys.stderr.write(f"initsweep: {text}\n")
        if self.stopped:
            stopping.say_so()


def lead(command: str, arguments: Sequence[str], plan: Plan, first: str = "") -> Outcome:
    """Run `dvc repro` in the current folder.

    Args:
        command: What runs here, for others who want to run something here.
        arguments: Targets and options, as for `dvc repro`.
        plan: The stages to count.
        first: The stage that is likely to run first, if that is known.

    Returns:
        What came of it.

    Raises:
        RunningError: If something runs here already.
    """
    environment = {**os.environ}
    # `mlflow run` exports the id of its own run, which our publisher must not resume.
    environment.pop("MLFLOW_RUN_ID", None)
    # The stages run `python`: make it this one, activated environment or not.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with run_folder(command) as folder, _listening(folder) as listening:
        environment[RUN] = str(folder)
        planned = {"work": plan.work, "all": FORCE in arguments}
        (folder / PLAN).write_text(json.dumps(planned), "utf-8")
        with warm_process(environment, first):
            dvc = subprocess.Popen(
                [sys.executable, "-m", "initsweep.running.dvc_process", "repro", *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # signals of the terminal are for us alone
            )
            return _Leader(dvc, listening, Pace(plan)).run()


@contextlib.contextmanager
def _listening(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / LEADER))
        listening.listen()
        yield listening


class _Leader:
    """Serves DVC and its stages until they have ended."""

    def __init__(
        self, dvc: "subprocess.Popen[bytes]", listening: socket.socket, pace: Pace
    ) -> None:
        self._dvc, self._pace = dvc, pace
        self._display = Display(pace, sys.stderr)
        self._outcome = Outcome()
        self._stopped, self._since = 0, 0.0
        self._stages: dict[socket.socket, int] = {}  # with the processes behind them
        self._held = list[str]()  # what DVC says of a failure that its stage may explain better
        self._selector = selectors.DefaultSelector()
        self._register(listening, partial(self._accept, listening))
        self._open = 0
        for pipe, stream in ((dvc.stdout, sys.stdout), (dvc.stderr, sys.stderr)):
            if pipe is not None:
                self._register(pipe, partial(self._hear, pipe, Lines(), stream))
                self._open += 1

    def run(self) -> Outcome:
        """Return what came of the run, once it has ended."""
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            for number, handler in handlers.items():
                if handler is not signal.SIG_IGN:
                    signal.signal(number, self._on_signal)
            while self._open:
                for key, _ in self._selector.select(TICK):
                    key.data()
                self._display.refresh()
                if self._dvc.poll() is not None:  # stages that outlive it write for nobody
                    self._stop_stages()
            self._display.close()
        finally:
            self._end()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return self._outcome_now()

    def _outcome_now(self) -> Outcome:
        failed = self._outcome.failed
        if not failed and not self._stopped and (words := self._words_on_dvc()):
            failed["DVC"] = words
        for line in [] if failed or self._stopped else self._held:
            self._display.line(line, sys.stderr)
        ended = self._dvc.returncode
        status = 128 - ended if ended < 0 else MISTAKE if failed else ended
        self._outcome.stopped = bool(self._stopped)
        self._outcome.status = 128 + self._stopped if self._stopped else status
        return self._outcome

    def _words_on_dvc(self) -> str | None:
        """Return what to say where it was not a stage that failed, but DVC; None if it says so."""
        if self._dvc.returncode < 0:
            name = signal.Signals(-self._dvc.returncode).name
            return f"DVC was ended by {name}. Finished work is kept, run again to go on."
        return dvc_words.refused(self._held)

    def _register(self, source: IO[bytes] | socket.socket, callback: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, callback)

    def _hear(self, pipe: IO[bytes], lines: Lines, stream: TextIO) -> None:
        """Read what DVC or a stage has printed."""
        chunk = os.read(pipe.fileno(), CHUNK)
        for line in lines.add(chunk):
            self._take(line, stream)
        if not chunk:
            self._selector.unregister(pipe)
            self._open -= 1

    def _take(self, line: str, stream: TextIO) -> None:
        if runs := dvc_words.RUNS.fullmatch(line):
            self._pace.begins(runs[1])
            self._display.begins(runs[1])
        elif passed := dvc_words.PASSED.fullmatch(line):
            self._pace.passes(passed[1])
        elif failed := dvc_words.FAILED.fullmatch(line):
            self._held.append(line)
            self._outcome.at = failed["stage"] or self._outcome.at
        elif not dvc_words.is_noise(line):
            self._display.line(line, stream)

    def _accept(self, listening: socket.socket) -> None:
        stage, _ = listening.accept()
        self._stages[stage] = 0
        self._register(stage, partial(self._listen, stage, Lines()))
        if self._stopped:
            _stop(stage)

    def _listen(self, stage: socket.socket, lines: Lines) -> None:
        """Read what a stage reports."""
        try:
            chunk = stage.recv(CHUNK)
        except OSError:
            chunk = b""
        for line in lines.add(chunk) if chunk else ():  # a killed stage may leave half a message
            self._told(stage, json.loads(line))
        if not chunk:
            self._selector.unregister(stage)
            self._stages.pop(stage)
            stage.close()

    def _told(self, stage: socket.socket, message: dict[str, Any]) -> None:
        """Take one message of a stage."""
        if "process" in message:
            self._stages[stage] = message["process"]
        if "covers" in message:
            self._pace.covers(message["covers"])
        if "bar" in message:
            bar = Bar(**message["bar"])
            if not bar.is_part:
                self._pace.is_at(bar.at / bar.total if bar.total else 0.0)
            self._display.shows(bar)
        if "error" in message:
            self._outcome.failed[message["stage"]] = message["error"]

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if not self._stopped:
            self._stopped, self._since = number, now
            self._stop_stages()
        elif now - self._since > ONCE:  # whoever asks twice does not want to wait
            self._kill()

    def _stop_stages(self) -> None:
        for stage in self._stages:
            _stop(stage)

    def _kill(self) -> None:
        self._dvc.kill()
        for process in filter(None, self._stages.values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _end(self) -> None:
        """Leave nothing behind, whatever has happened here."""
        self._stop_stages()
        for pipe in (self._dvc.stdout, self._dvc.stderr):
            if pipe is not None:
                pipe.close()
        try:
            self._dvc.wait(2 * GRACE)  # after the stage, which has that once
        except subprocess.TimeoutExpired:
            self._kill()
            self._dvc.wait()
        for stage in self._stages:
            stage.close()
        self._selector.close()


def _stop(stage: socket.socket) -> None:
    with contextlib.suppress(OSError):
        stage.send(b"!")
