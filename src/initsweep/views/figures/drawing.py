"""Figures as what is written of them, drawn by as many processes as may work side by side."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from matplotlib.figure import Figure

from initsweep.running import forks
from initsweep.views.figures import marks, style


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure as SVG text and as PNG, and what it says under the pointer."""

    svg: str
    png: bytes
    marks: Sequence[marks.Mark]


Figures = Mapping[str, Callable[[], Figure]]
"""What draws each figure, by name."""


def drawings(figures: Figures, workers: int) -> dict[str, Drawing]:
    """Draw figures; their bytes do not depend on how many processes do it.

    Args:
        figures: What to draw.
        workers: How many processes may do so; with 1 it is this one.

    Returns:
        Each by its name, in the order given.

    Raises:
        RunError: If a process was ended.
    """
    workers = min(workers, len(figures))
    if workers < 2:
        return {name: _drawing(name, draw) for name, draw in figures.items()}
    work = partial(_as_bytes, [*figures.items()])
    found = dict(forks.each(work, len(figures), workers))
    return {name: _from_bytes(found[place]) for place, name in enumerate(figures)}


def _drawing(name: str, draw: Callable[[], Figure]) -> Drawing:
    figure = draw()
    svg = style.to_svg(figure, name)
    return Drawing(svg=svg, png=style.to_png(figure), marks=marks.marks_of(figure))


def _as_bytes(figures: Sequence[tuple[str, Callable[[], Figure]]], place: int) -> bytes:
    drawing = asdict(_drawing(*figures[place]))
    return json.dumps({**drawing, "png": b64encode(drawing["png"]).decode()}).encode()


def _from_bytes(content: bytes) -> Drawing:
    drawing = json.loads(content)
    return Drawing(
        svg=drawing["svg"],
        png=b64decode(drawing["png"]),
        marks=[marks.Mark(**one) for one in drawing["marks"]],
    )
