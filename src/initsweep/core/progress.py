"""What stages show while they run: a bar with ETA and the current best, and remarks, each once.

Whoever leads the run draws the bar; where nobody does, the stage itself, if it has a terminal.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from initsweep.core import link
from initsweep.core.stopping import RUN

if TYPE_CHECKING:
    from tqdm import tqdm

SAID = "said"
"""A file in the folder of a run with the remarks that its stages have made already."""

TOLD_EVERY = 0.1  # seconds between two reports to the leader


def first_time(remark: str) -> bool:
    """Return whether no stage of this run has made this remark, and note it; a remark is a line."""
    if (folder := os.environ.get(RUN)) is None:
        return True
    file = Path(folder) / SAID
    try:
        said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if remark in said:
            return False
        with file.open("a", encoding="utf-8") as notes:
            notes.write(f"{remark}\n")
    except OSError:  # nowhere to note it: better twice than never
        return True
    return True


@dataclass(slots=True, kw_only=True)
class Bar:
    """How far something is: `at` of `total` units.

    `is_part`: other bars of the same stage come before or after it.
    """

    what: str
    unit: str
    total: int
    is_part: bool = False
    at: int = 0
    note: str = ""


class Progress:
    """Handle on one running bar."""

    def __init__(self, bar: Bar, show: Callable[[Bar], None]) -> None:
        self._bar, self._show = bar, show

    def advance(self, n: int = 1) -> None:
        """Count `n` more units as done."""
        self._bar.at += n
        self._show(self._bar)

    def extend(self, n: int) -> None:
        """Raise the total by `n` units, where work turns out to be longer than announced."""
        self._bar.total += n
        self._show(self._bar)

    def note(self, text: str) -> None:
        """Show `text`, such as the current best, behind the bar."""
        self._bar.note = text


@contextmanager
def progress(
    total: int, description: str, unit: str, *, is_part: bool = False
) -> Iterator[Progress]:
    """Show a bar while the block runs.

    Yields:
        The handle to advance the bar with.
    """
    bar = Bar(what=description, unit=unit, total=total, is_part=is_part)
    if link.tell(bar=asdict(bar)):
        yield Progress(bar, _teller())
        link.tell(bar=asdict(bar))
        return
    with drawn(bar) as shown:
        yield Progress(bar, partial(draw, shown))


def drawn(bar: Bar, position: int = 0) -> "tqdm[None]":
    """Return the bar on the terminal of standard error; nothing is shown if it is none."""
    from tqdm import tqdm  # of the extra `study`

    # disable=None is tqdm's "only on a terminal".
    return tqdm(
        total=bar.total, desc=bar.what, unit=bar.unit, position=position, leave=not position,
        disable=None, dynamic_ncols=True,
    )  # fmt: skip


def draw(shown: "tqdm[None]", bar: Bar) -> None:
    """Bring what the terminal shows up to date."""
    shown.total = bar.total
    shown.set_postfix_str(bar.note, refresh=False)
    shown.update(bar.at - shown.n)


def _teller() -> Callable[[Bar], None]:
    last = 0.0

    def tell(bar: Bar) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= TOLD_EVERY:
            last = now
            link.tell(bar=asdict(bar))

    return tell


def minutes(seconds: float) -> str:
    """Return a time in words, no more exact than it is known."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    halves = round(seconds / 30) / 2 if seconds < 600 else round(seconds / 60)
    return f"about {halves:g} minutes"
