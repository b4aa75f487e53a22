"""How measurements are drawn: one panel, or up to three beside another.

A claim names its picture; none draws its own, so that all pages look alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initclaims.laboratory.panels import Lines, Picture, Strips
from initclaims.laboratory.table import Table
from initsweep.views.figures import style
from initsweep.views.figures.palette import looks

__all__ = ["Beside", "Lines", "Picture", "Strips", "draw"]

_WIDTHS = {1: 6.4, 2: 8.8, 3: 9.9}  # inches by number of panels; a page is ten inches wide
_ENTRY, _LETTER, _ROW = 0.55, 0.062, 0.2  # inches of a legend: line and gaps, a letter, a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Up to three pictures beside another.

    Attributes:
        pictures: From left to right.
        titles: One heading for each, or none.
    """

    pictures: tuple[Picture, ...]
    titles: tuple[str, ...] = ()


def draw(picture: Picture | Beside, table: Table) -> Figure:
    """Return the figure of one claim."""
    panels = picture.pictures if isinstance(picture, Beside) else (picture,)
    titles = picture.titles if isinstance(picture, Beside) else ()
    told = [panel.names(table) for panel in panels if isinstance(panel, Lines)]
    seen = looks(list(dict.fromkeys(name for names in told for name in names)))
    with style.styled():
        width = _WIDTHS[len(panels)]
        height = max(panel.height(table) for panel in panels) + 0.25 * bool(titles)
        shared = bool(told) and all(names == told[0] for names in told)
        columns = _columns(told[0], width) if shared else 1
        rows = math.ceil((len(told[0]) + 1) / columns) if shared else 0
        figure = style.new_figure(width, height + _ROW * rows)
        figure.set_layout_engine("constrained")
        grid: Sequence[Axes] = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(grid, panels, strict=True):
            panel.panel(axes, table, seen)
            if isinstance(panel, Lines) and not shared:
                axes.legend(fontsize=7.5, handlelength=2.4, labelspacing=0.25)
        for axes, title in zip(grid, titles, strict=False):
            axes.set_title(title)
        if shared:
            _legend(figure, grid, columns)
    return figure


def _legend(figure: Figure, grid: Sequence[Axes], columns: int) -> None:
    """Name the lines of all panels once, above them, where no curve can run."""
    found: dict[str, Artist] = {}
    for axes in grid:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(
        handles=[*found.values()],
        loc="outside upper left",
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.4,
        labelspacing=0.25,
    )


def _columns(names: Sequence[str], width: float) -> int:
    """Return how many names stand in one row of the legend."""
    inches = [_ENTRY + _LETTER * len(name) for name in names]
    return len(names) + 1 if sum(inches) < width else max(1, int(width / max(inches)))
