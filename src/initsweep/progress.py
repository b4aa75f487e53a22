"""A progress bar with ETA and the current best, silent when nobody is watching."""

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


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
