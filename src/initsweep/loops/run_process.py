"""One run of a training function: what its process does from the first line to the last.

Nothing that it does to its process (global seeds, threads, leaks, a crash) reaches another run.
"""

import json
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor, nn

from initsweep.core import own_code
from initsweep.core.artifacts import RUN_NOW
from initsweep.core.errors import OUT_OF_MEMORY, InitsweepError, cut, said_by
from initsweep.core.registry import function_from_outside, in_words
from initsweep.core.writing import write_text
from initsweep.loops.spec import Failure, Report, RunSpec
from initsweep.loops.training_run import Keep, RunOver, TrainingRun

PRINTED = "printed.txt"
"""What a run printed, in its folder."""

Look = Callable[[RunSpec, nn.Module, object, object], object]
"""A run, its untrained network, a batch and a loss to whatever is to be known of them."""

LONGEST = 2_000_000  # bytes of that; where more is printed, what came before is lost
_TAIL = 2000


class Looked(BaseException):
    """What was asked of the untrained network is known: nothing has to be trained."""


def work(spec: RunSpec, to: Connection, look: Look | None = None, keep: Keep | None = None) -> None:
    """Do one run and send what comes of it: reports, then an outcome or a failure.

    Args:
        spec: What to train.
        to: Where to send it.
        look: Called with the untrained network, a batch and a loss instead of training; what it
            returns is sent in the place of the outcome, None if the loop offers none.
        keep: Called with the trained network of a final run and the run's folder.
    """
    _leave_with_parent()
    folder = Path(spec.folder)
    folder.mkdir(parents=True, exist_ok=True)
    _print_into(folder / PRINTED)
    torch.set_num_threads(spec.threads)
    try:
        found = _done(spec, to, look, keep)
    except MemoryError:
        found = Failure(message="it ran out of memory", printed=_tail(folder))
    except InitsweepError as error:
        found = Failure(message=str(error).rstrip("."), printed=_tail(folder))
    except BaseException as error:  # noqa: BLE001 - a user's function may raise anything
        traceback.print_exc()
        found = Failure(message=_in_words(error), printed=_tail(folder))
    to.send(found)
    to.close()


def _done(spec: RunSpec, to: Connection, look: Look | None, keep: Keep | None) -> object:
    own_code.search(Path(spec.own_code))
    function = function_from_outside(spec.function, "training.function")
    seen: list[object] = []
    place = Path(spec.folder) / RUN_NOW

    def tell(report: Report) -> None:
        to.send((report, _memory()))
        now = {"called": spec.called, "epoch": len(run.reports), "loss": report.validation_loss}
        write_text(place, json.dumps({**now, "process": os.getpid()}))

    def offer(model: nn.Module, batch: object, loss: Callable[..., Tensor]) -> None:
        if look is not None:
            seen.append(look(spec, model, batch, loss))
            raise Looked

    run = TrainingRun.of(spec, tell, None if look is None else offer, keep)
    run.seed_everything()
    try:
        function(run)
    except RunOver:
        pass
    except Looked:
        return seen[0]
    return None if look is not None else run.outcome()


def _in_words(error: BaseException) -> str:
    if isinstance(error, torch.cuda.OutOfMemoryError) or OUT_OF_MEMORY.search(str(error)):
        return f"it ran out of memory ({cut(said_by(error)[0])})"
    return f"it raised {in_words(error)}"


def _tail(folder: Path) -> str:
    try:
        return (folder / PRINTED).read_bytes()[-_TAIL:].decode(errors="replace")
    except OSError:
        return ""


def _memory() -> int:
    """Return the most bytes that this process has needed so far."""
    import resource

    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_maxrss for one in whose) * 1024


def _print_into(file: Path) -> None:
    """Send what this process and its children print into a file, up to a size."""
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(target, stream)

    def watch() -> None:
        wait = threading.Event()
        while not wait.wait(1.0):
            if os.fstat(target).st_size > LONGEST:
                os.ftruncate(target, 0)

    threading.Thread(target=watch, daemon=True).start()


def _leave_with_parent() -> None:
    """End, with all processes begun here, when the stage that began this one ends."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
