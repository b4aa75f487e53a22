"""Figures as what is written of them, drawn by as many processes as may work side by side."""

import os
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from initsweep.core import link, stopping
from initsweep.core.errors import InitsweepError, RunError
from initsweep.running import forks
from initsweep.views.figures import marks, style


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure as SVG text and as PNG, and what it says under the pointer."""

    svg: str
    png: bytes
    marks: Sequence[marks.Mark]


Figures = Mapping[str, Callable[[], Figure]]
"""What draws each of up to 256 figures, by name."""


def drawings(figures: Figures, workers: int) -> dict[str, Drawing]:
    """Draw figures; their bytes do not depend on how many processes do it.

    Args:
        figures: What to draw.
        workers: How many processes may do so; with 1 it is this one.

    Returns:
        Each by its name, in the order given.

    Raises:
        InitsweepError: What drawing a figure has raised, or if a process was ended.
    """
    workers = min(workers, len(figures))
    if workers < 2:
        return {name: _drawing(name, draw) for name, draw in figures.items()}
    # Whoever is free takes the next place out of the pipe, one byte each.
    todo, places = os.pipe()
    os.write(places, bytes(range(len(figures))))
    os.close(places)
    found: dict[str, Drawing] = {}
    try:
        forks.run([partial(_work, figures, todo)] * workers, workers, partial(_hear, found))
    finally:
        os.close(todo)
    return {name: found[name] for name in figures}


def _drawing(name: str, draw: Callable[[], Figure]) -> Drawing:
    figure = draw()
    svg = style.to_svg(figure, name)
    return Drawing(svg=svg, png=style.to_png(figure), marks=marks.marks_of(figure))


def _work(figures: Figures, todo: int, connect: Callable[[], None]) -> int:
    """Draw what is left to do, and tell of each.

    Returns:
        The exit status.
    """
    for number in stopping.SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # whoever has begun this says that it has stopped
    connect()
    names = list(figures)
    while place := os.read(todo, 1):
        name = names[place[0]]
        try:
            one = _drawing(name, figures[name])
        except InitsweepError as error:
            link.tell(error=str(error))
            return 1
        png = b64encode(one.png).decode()
        link.tell(name=name, svg=one.svg, png=png, marks=[*map(asdict, one.marks)])
    return 0


def _hear(found: dict[str, Drawing], message: Mapping[str, Any]) -> None:
    """Take what a process tells.

    Raises:
        RunError: If drawing failed there.
    """
    if "error" in message:
        raise RunError(message["error"])
    if "name" in message:
        found[message["name"]] = Drawing(
            svg=message["svg"],
            png=b64decode(message["png"]),
            marks=[marks.Mark(**one) for one in message["marks"]],
        )
