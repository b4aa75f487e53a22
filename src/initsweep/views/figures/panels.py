"""Small multiples: one panel per scheme on common axes, the other schemes in pale grey."""

from collections.abc import Iterable, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from initsweep.views.figures import labels, style

_WIDTH, _HEIGHT = 2.06, 1.3  # of one panel, inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.72, 0.1, 0.26, 0.56
_BETWEEN, _TITLE, _STAR = 0.2, 0.5, 0.15

Points = tuple[Sequence[float], Sequence[float]]


def grid(count: int, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels of one size, filled row by row.

    Only outer panels are labelled; axes limits are the caller's to set, the same for all.
    """
    columns = min(columns, max(count, 2))
    rows = -(-count // columns)
    width = _LEFT + columns * _WIDTH + (columns - 1) * _BETWEEN + _RIGHT
    height = _TOP + rows * (_TITLE + _HEIGHT) + _BOTTOM
    figure = style.new_figure(width, height)
    panels = []
    for index in range(count):
        row, column = divmod(index, columns)
        left = _LEFT + column * (_WIDTH + _BETWEEN)
        bottom = _BOTTOM + (rows - 1 - row) * (_TITLE + _HEIGHT)
        axes = figure.add_axes((left / width, bottom / height, _WIDTH / width, _HEIGHT / height))
        axes.tick_params(labelbottom=index + columns >= count, labelleft=column == 0, length=2.5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_label_coords(0, 0)  # panels have no names, so no room for one is looked for
        panels.append(axes)
    return figure, panels


def name_axes(figure: Figure, x: str, y: str) -> None:
    """Write the axis names once for the whole figure."""
    width, height = figure.get_size_inches()
    centre = (_LEFT + (width - _RIGHT - _LEFT) / 2) / width
    figure.text(centre, 0.1 / height, x, ha="center", va="bottom", fontsize=9.5)
    middle = (_BOTTOM + (height - _TOP - _BOTTOM) / 2) / height
    figure.text(0.08 / width, middle, y, ha="left", va="center", rotation=90, fontsize=9.5)


def names(schemes: Iterable[str]) -> dict[str, str]:
    """Return what to call schemes above their panels."""
    return labels.called(schemes, 23, inches=_WIDTH + _BETWEEN - _STAR, size=9.5, weight="bold")


def head(axes: Axes, name: str, detail: str, colour: str, *, marked: bool = False) -> None:
    """Write one of `names` and one line of detail above a panel; `marked` adds a star."""
    title = f"{'★ ' if marked else ''}{name}"
    axes.annotate(
        title, (0, 1), (0, 15), xycoords="axes fraction", textcoords="offset points",
        fontsize=9.5, fontweight="bold", color=colour,
    )  # fmt: skip
    axes.annotate(
        detail, (0, 1), (0, 4.5), xycoords="axes fraction", textcoords="offset points",
        fontsize=8, color=style.MUTED,
    )  # fmt: skip


def others(axes: Axes, lines: Sequence[Points]) -> None:
    """Draw the other schemes' lines as one pale background."""
    gap = float("nan")
    xs = [value for line in lines for value in (*line[0], gap)]
    ys = [value for line in lines for value in (*line[1], gap)]
    axes.plot(xs, ys, color=style.PALE, linewidth=0.7, zorder=1, label="others")


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Write the legend along the top, in one line, or in two where few panels make it narrow."""
    width, height = figure.get_size_inches()

    def written(lines: int) -> Legend:
        return figure.legend(
            handles=list(handles), loc="upper left", bbox_to_anchor=(0.0, 1 - 0.02 / height),
            ncols=-(-len(handles) // lines), columnspacing=1.3, handlelength=1.8,
            handletextpad=0.5, labelspacing=0.2, fontsize=8 if width > 8 else 7, borderaxespad=0.2,
        )  # fmt: skip

    one = written(1)
    if one.get_window_extent().width > figure.bbox.width:
        one.remove()
        written(2)


def sample_line(label: str, **look: object) -> Line2D:
    """Return a line for the legend."""
    return Line2D([], [], label=label, **({"color": style.INK} | look))  # type: ignore[arg-type]


def sample_area(label: str, alpha: float) -> Patch:
    """Return a shaded area for the legend."""
    return Patch(label=label, facecolor=style.INK, alpha=alpha, linewidth=0)
