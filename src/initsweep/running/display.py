"""What people see of a run: a line for the whole above the bar of its stage, and what stages say.

On a terminal both are drawn in place; elsewhere, in a log of CI for example, every stage is a line.
"""

import os
from typing import TextIO

from tqdm import tqdm

from initsweep.core.progress import Bar, draw, drawn, minutes
from initsweep.running.pace import Pace


class Display:
    """Writes to the terminal; nobody else does while a run goes on."""

    def __init__(self, pace: Pace, screen: TextIO) -> None:
        self._pace, self._screen = pace, screen
        # A terminal that has no size, as some that programs open, would show nothing.
        self._live = screen.isatty() and os.get_terminal_size(screen.fileno()).columns > 0
        self._whole: tqdm[None] | None = None
        self._stage: tqdm[None] | None = None
        self._place, self._name = "", "looking for what is out of date"

    def begins(self, stage: str) -> None:
        """Show that a stage has begun."""
        self._close_stage()
        self._place = self._pace.place()
        self._name = " ".join(stage.rpartition(":")[2].split("@"))
        if self._live:
            self.refresh()
        else:
            self.line(self._sentence(), self._screen)

    def shows(self, bar: Bar) -> None:
        """Show how far the stage is."""
        if self._live:
            if self._stage is None or self._stage.desc != bar.what:
                self._close_stage()
                self._stage = drawn(bar, position=1)
            draw(self._stage, bar)

    def refresh(self) -> None:
        """Bring the line for the whole up to date."""
        if self._live:
            if self._whole is None:
                self._whole = tqdm(bar_format="{desc}", position=0, leave=False, file=self._screen)
            self._whole.set_description_str(self._sentence())

    def line(self, text: str, stream: TextIO) -> None:
        """Write a line that stays."""
        tqdm.write(text, file=stream)
        stream.flush()

    def close(self) -> None:
        """Leave nothing but the lines that stay."""
        self._close_stage()
        if self._whole is not None:
            self._whole.close()

    def _close_stage(self) -> None:
        if self._stage is not None:
            self._stage.close()
        self._stage = None

    def _sentence(self) -> str:
        # The bar has the name of its stage.
        where = [self._place, *([] if self._stage else [self._name])]
        left = self._pace.seconds_left()
        time_left = "" if left is None else f", {minutes(left)} left"
        return ": ".join(filter(None, where)) + time_left
