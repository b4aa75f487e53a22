"""What a figure can say under the pointer: places in it, the scheme they belong to, and a text.

Also tags: drawn things that belong to one scheme, so that a page can hide them.
"""

from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TAG = "scheme="


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One place of a figure in SVG units, which are points from the upper left corner.

    Attributes:
        panel: Number of the axes; places of one panel and equal x are read together.
    """

    panel: int
    x: float
    y: float
    scheme: str
    text: str


class Sheet(Figure):
    """A figure that remembers what to say where."""

    marked: list[tuple[Axes, float, float, str, str]]


def mark(axes: Axes, x: float, y: float, scheme: str, text: str) -> None:
    """Let a place, in data coordinates, say a text under the pointer.

    Raises:
        TypeError: If the axes belong to a figure that `style.new_figure` did not make.
    """
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Sheet):
        raise TypeError(f"expected axes of a figure made by new_figure, received {figure!r}")
    figure.marked.append((axes, x, y, scheme, text))


def tag(artist: Artist, scheme: str) -> None:
    """Note that something drawn belongs to one scheme."""
    artist.set_gid(TAG + scheme)


def tag_new(axes: Axes, before: set[Artist], scheme: str) -> None:
    """Tag everything drawn into the axes since `before`, a set of their children."""
    for artist in axes.get_children():
        if artist not in before:
            tag(artist, scheme)


def marks_of(figure: Figure) -> list[Mark]:
    """Return the marks of a finished figure; none if it is not one of ours."""
    if not isinstance(figure, Sheet):
        return []
    scale, height = 72 / figure.dpi, 72 * figure.get_size_inches()[1]
    marks = []
    for axes, x, y, scheme, text in figure.marked:
        right, up = axes.transData.transform((x, y)) * scale
        panel = figure.axes.index(axes)
        place = round(float(right), 1), round(float(height - up), 1)
        marks.append(Mark(panel=panel, x=place[0], y=place[1], scheme=scheme, text=text))
    return marks
