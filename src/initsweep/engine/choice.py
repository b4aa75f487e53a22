"""Chooses the path that trains a job: the only place that knows all of them."""

import logging
from collections.abc import Mapping
from functools import cache

from initsweep.core.errors import PathError, StaleKernelsError
from initsweep.core.progress import first_time
from initsweep.engine.compiled_path import CompiledPath
from initsweep.engine.one_by_one import ReferencePath
from initsweep.engine.paths import Job, TrainingPath
from initsweep.engine.stacked_path import StackedPath

LOG = logging.getLogger(__name__)

FAST_PATHS: Mapping[str, type[TrainingPath]] = {"compiled": CompiledPath, "torch": StackedPath}
"""By the name that `runtime.engine` has for them, fastest first: the order in which they are tried.
`reference` is what remains when none of them covers the job."""


def choose_path(job: Job) -> TrainingPath:
    """Return the path that `job.runtime.engine` asks for, for "auto" the fastest that covers it.

    Every path passed over is named, with the reason, in the name of the one returned.

    Raises:
        PathError: If a path was asked for by name and does not cover the job.
        StaleKernelsError: If the kernels are older than their sources.
    """
    asked, reasons = job.runtime.engine, list[str]()
    for name, path in FAST_PATHS.items():
        if asked not in ("auto", name):
            continue
        try:
            return path(job, reasons)
        except StaleKernelsError:
            raise  # a slip to mend, not a reason to train another way
        except PathError as error:
            if asked == name:
                raise type(error)(
                    f"{error}. Set `runtime.engine: auto` to train it another way."
                ) from error
            reasons.append(" ".join(str(error).split()))
            _log_choice(name, reasons[-1])
    if asked not in ("auto", "reference", *FAST_PATHS):
        raise PathError(
            f"runtime.engine: received '{asked}', but this installation has no such path. "
            "Use `auto`."
        )
    return ReferencePath(job, reasons)


@cache
def _log_choice(name: str, reason: str) -> None:
    """Log a fallback, once for each reason however many calls and stages meet it."""
    remark = f"The {name} path is not used: {reason}"
    if first_time(remark):
        LOG.warning("%s", remark)
