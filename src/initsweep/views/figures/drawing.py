"""Figures as what is written of them, drawn by as many processes as may work side by side."""

import os
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from matplotlib.figure import Figure

from initsweep.core import stopping
from initsweep.core.errors import InitsweepError
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
        workers: How many processes may do so. They are forks of this one, which have imported all
            and need be told nothing; with 1 there are none.

    Returns:
        Each by its name, in the order given.

    Raises:
        BaseException: What drawing a figure has raised.
        InitsweepError: If a process was ended.
    """
    workers = min(workers, len(figures))
    if workers < 2:
        return {name: _drawing(name, draw) for name, draw in figures.items()}
    # Whoever is free takes the next place out of the pipe, one byte each.
    todo, places = os.pipe()
    os.write(places, bytes(range(len(figures))))
    os.close(places)
    children: dict[Connection, ForkProcess] = {}
    found: dict[str, Drawing] = {}
    try:
        for _ in range(workers):
            from_it, child = _begin(figures, todo, list(children))
            children[from_it] = child
        while children:
            for one in wait(list(children)):
                _hear(one, children, found)  # type: ignore[arg-type]
    finally:
        os.close(todo)
        for child in children.values():
            child.kill()
            child.join()
    return {name: found[name] for name in figures}


def _drawing(name: str, draw: Callable[[], Figure]) -> Drawing:
    figure = draw()
    svg = style.to_svg(figure, name)
    return Drawing(svg=svg, png=style.to_png(figure), marks=marks.marks_of(figure))


def _begin(
    figures: Figures, todo: int, others: Sequence[Connection]
) -> tuple[Connection, ForkProcess]:
    context = get_context("fork")
    from_it, to = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(figures, todo, to, [*others, from_it]))
    child.start()
    to.close()  # so that its end is the end of what it tells
    return from_it, child


def _work(figures: Figures, todo: int, to: Connection, not_ours: Sequence[Connection]) -> None:
    """Draw what is left to do, and tell of each; what is raised is told, too."""
    for one in not_ours:
        one.close()  # only whoever listens keeps them open, so that its death is noticed
    for number in stopping.SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # whoever has begun this says that it has stopped
    names = list(figures)
    try:
        while place := os.read(todo, 1):
            name = names[place[0]]
            to.send((name, _drawing(name, figures[name])))
    except BrokenPipeError:
        return  # nobody listens any more
    except Exception as error:  # noqa: BLE001 - raised again where somebody waits
        error.add_note(traceback.format_exc())
        to.send(("", error))


def _hear(
    one: Connection, children: dict[Connection, ForkProcess], found: dict[str, Drawing]
) -> None:
    """Take what a process tells, or its end.

    Raises:
        Exception: What it tells, if it was raised there.
        InitsweepError: If it was ended.
    """
    try:
        name, told = one.recv()
    except EOFError:
        child = children.pop(one)
        child.join()
        if child.exitcode:
            raise InitsweepError(
                f"A process that drew figures ended with status {child.exitcode}, perhaps because "
                "memory ran out. Run again; fewer `runtime.workers` take less memory."
            ) from None
        return
    if isinstance(told, Exception):
        raise told
    found[name] = told
