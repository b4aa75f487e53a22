"""What stages show while they run: a bar with ETA and the current best, and remarks, each once.

The bar is silent when nobody is watching.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

SAID = "INITSWEEP_SAID"
"""The environment variable that names a file with the remarks that one run has made already."""


@contextmanager
def remarks_once() -> Iterator[None]:
    """Let all stages that are started inside the block make a remark once, not once each.

    Yields:
        Nothing.
    """
    before = os.environ.get(SAID)
    with tempfile.TemporaryDirectory(prefix="initsweep-") as folder:
        os.environ[SAID] = str(Path(folder) / "said")
        try:
            yield
        finally:
            os.environ.pop(SAID)
            if before is not None:
                os.environ[SAID] = before


def first_time(remark: str) -> bool:
    """Return whether no stage of this run has made this remark, and note it; a remark is a line."""
    if (place := os.environ.get(SAID)) is None:
        return True
    file = Path(place)
    try:
        said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if remark in said:
            return False
        with file.open("a", encoding="utf-8") as notes:
            notes.write(f"{remark}\n")
    except OSError:  # nowhere to note it: better twice than never
        return True
    return True


class Progress:
    """Handle on one running bar."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self._bar = bar

    def advance(self, n: int = 1) -> None:
        """Count `n` more units as done."""
        self._bar.update(n)

    def extend(self, n: int) -> None:
        """Raise the total by `n` units, where work turns out to be longer than announced."""
        if self._bar.total is not None:
            self._bar.total += n
            self._bar.refresh()

    def note(self, text: str) -> None:
        """Show `text`, such as the current best, behind the bar."""
        self._bar.set_postfix_str(text, refresh=False)


@contextmanager
def progress(total: int, description: str, unit: str) -> Iterator[Progress]:
    """Show a bar on standard error while the block runs; nothing if that is no terminal.

    Yields:
        The handle to advance the bar with.
    """
    # disable=None is tqdm's "only on a terminal".
    with tqdm(total=total, desc=description, unit=unit, disable=None, dynamic_ncols=True) as bar:
        yield Progress(bar)
