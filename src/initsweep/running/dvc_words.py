"""What the lines mean that `dvc repro` prints: most of them are the leader's to say, or noise."""

import re
from collections.abc import Iterable

from initsweep.core.writing import refusal

RUNS = re.compile(r"Running stage '(.+)':")
PASSED = re.compile(r"(?:Stage )?'(.+)' (?:didn't change, skipping|is cached - skipping run.*)")
FAILED = re.compile(
    r"ERROR: (?:failed to (?:reproduce(?: '(?P<stage>[^']+)')?|transfer)|unexpected error) .*"
)
_REFUSED = re.compile(r"\[Errno (\d+)\] ([^:']+)(?:: '([^']+)')?(?: -> '([^']+)')?")
_NOISE = re.compile(
    r"""\s*
    | >\ .*                                          # the command of a stage
    | (Updating|Generating)\ lock\ file\ '.*'
    | To\ (track\ the\ changes\ with\ git|enable\ auto\ staging),\ run:
    | \t(git\ add\ |dvc\ config\ core\.autostage).*
    | Use\ `dvc\ push`\ to\ send\ your\ updates\ to\ remote\ storage\.
    | WARNING:\ Process\ '.*'\ with\ \(Pid\ \d+\),\ in\ RWLock-file\ .*  # of a run that was killed
    | Data\ and\ pipelines\ are\ up\ to\ date\.
    """,
    re.VERBOSE,
)


def refused(failures: Iterable[str]) -> str | None:
    """Return what to tell a person whose disk or rights DVC has failed for; None for all else."""
    for number, reason, source, target in _REFUSED.findall("\n".join(failures)):
        return refusal(OSError(int(number), reason.strip(), target or source or None))
    return None


def is_noise(line: str) -> bool:
    """Return whether a line says nothing that a person needs."""
    return bool(_NOISE.fullmatch(line))
