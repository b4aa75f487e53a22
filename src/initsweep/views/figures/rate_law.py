"""How the best rate of each scheme moves with the size of the network, and where that leads.

Question answered: at which rate does a larger network start, and how sure is that?
Requires: the predictions, one per target.
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from initsweep.core import numbers
from initsweep.statistics.transfer import LawPoint, SchemeTransfer, Transfer
from initsweep.views.figures import axes as scales
from initsweep.views.figures import marks, panels, style
from initsweep.views.figures.palette import Look

_ROOM = 1.25  # beside the first and last size


def draw(predictions: Sequence[Transfer], looks: Mapping[str, Look], key: str) -> Figure:
    """Return a figure with one panel per scheme of which something is predicted.

    Args:
        predictions: One for each target, ascending; the sizes are those of the first.
        looks: Of the schemes.
        key: What grows.
    """
    first = predictions[0]
    if not first.schemes:
        return style.message_figure("Of no scheme anything can be predicted.")
    rates = [end for found in predictions for one in found.schemes for end in _span(one)]
    sizes = [*first.sizes, *(found.target for found in predictions)]
    with style.styled():
        figure, panel_axes = panels.grid(len(first.schemes))
        names = panels.names(one.scheme for one in first.schemes)
        for axes, one in zip(panel_axes, first.schemes, strict=True):
            look = looks[one.scheme]
            axes.set_label(one.scheme)
            marks.tag(axes, one.scheme)
            _measured(axes, one.points, one.scheme, look, key)
            for found in predictions:
                _predicted(axes, found, one.scheme, look, key)
            _scale(axes, sizes, rates)
            panels.head(
                axes, names[one.scheme], _detail(one), look.ink,
                marked=one.scheme == first.recommended,
            )  # fmt: skip
        panels.name_axes(figure, key, "best learning rate")
        panels.legend(figure, [
            panels.sample_line("best rate at a size", marker="o", markersize=5, linestyle=""),
            panels.sample_line("law"),
            panels.sample_line("not trusted", linestyle=(0, (3, 2))),
            panels.sample_line("predicted", marker="D", markersize=6, linestyle=""),
        ])  # fmt: skip
    return figure


def _span(one: SchemeTransfer) -> list[float]:
    points = [end for point in one.points for end in (point.rate, *point.interval)]
    return [*points, one.rate, *one.rate_interval]


def _measured(axes: Axes, points: Sequence[LawPoint], scheme: str, look: Look, key: str) -> None:
    for point in points:
        low, high = point.interval
        axes.plot([point.size] * 2, [low, high], color=look.colour, linewidth=1.1, zorder=3)
        axes.plot(
            [point.size], [point.rate], marker="o", markersize=5, color=look.colour,
            markerfacecolor=style.PAPER if point.edge else look.colour, zorder=4, label="best",
        )  # fmt: skip
        text = (
            f"{scheme}, {key} {numbers.trimmed(point.size, 6)}: best at "
            f"{numbers.rate(point.rate)} ({numbers.rate_range(low, high)}), "
            f"loss {numbers.loss(point.loss)}"
        )
        edge = f", the {point.edge} of those tried" if point.edge else ""
        marks.mark(axes, point.size, point.rate, scheme, text + edge)


def _predicted(axes: Axes, found: Transfer, scheme: str, look: Look, key: str) -> None:
    """Draw the law up to a target, and what it says there."""
    one = next((one for one in found.schemes if one.scheme == scheme), None)
    if one is None:
        return
    ends = [found.sizes[0], found.target]
    law = [one.rate * (size / found.target) ** one.exponent for size in ends]
    dash = "-" if one.trusted else (0, (3, 2))
    axes.plot(ends, law, color=look.colour, linewidth=1.2, linestyle=dash, zorder=2, label="law")
    low, high = one.rate_interval
    axes.plot([found.target] * 2, [low, high], color=look.colour, linewidth=2.4, alpha=0.5)
    axes.plot(
        [found.target], [one.rate], marker="D", markersize=6, color=look.colour,
        markeredgecolor=style.PAPER, zorder=5, label="predicted",
    )  # fmt: skip
    text = (
        f"{scheme}, {key} {numbers.trimmed(found.target, 6)}: predicted {numbers.rate(one.rate)} "
        f"({numbers.rate_range(low, high)}){'' if one.trusted else ', not trusted'}"
    )
    marks.mark(axes, found.target, one.rate, scheme, text)


def _scale(axes: Axes, sizes: Sequence[float], rates: Sequence[float]) -> None:
    scales.rate_axis(axes, sizes)
    axes.set_xlim(min(sizes) / _ROOM, max(sizes) * _ROOM)
    axes.set_xticks(sizes, [numbers.trimmed(size, 6) for size in sizes])
    axes.set_xticks([], minor=True)
    low, high = min(rates) / 1.3, max(rates) * 1.3
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = scales.log_ticks(low, high)
    axes.set_yticks(ticks, [numbers.rate(tick) for tick in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([], minor=True)


def _detail(one: SchemeTransfer) -> str:
    return f"exponent {numbers.fixed(one.exponent)}" + ("" if one.trusted else ", not trusted")
