"""The learning-rate responses of each scheme at all sizes, with their best rates on each other.

Question answered: does the whole response keep its shape as the network grows?
Requires: the responses by size, and a prediction that was made from them.
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initsweep.core import numbers
from initsweep.core.records import SizeResponse
from initsweep.statistics.transfer import SchemeTransfer, Transfer
from initsweep.views.figures import axes as scales
from initsweep.views.figures import marks, panels, style
from initsweep.views.figures.palette import Look

_FAINTEST = 0.3


def draw(
    responses: Sequence[SizeResponse],
    found: Transfer,
    looks: Mapping[str, Look],
    key: str,
    *,
    loss_name: str,
) -> Figure:
    """Return a figure with one panel per scheme and one line per size, the largest the darkest.

    Args:
        responses: Of all schemes at all sizes.
        found: What was predicted from them.
        looks: Of the schemes.
        key: What grows.
        loss_name: What networks were trained to lower.
    """
    if not found.schemes:
        return style.message_figure("Of no scheme anything can be predicted.")
    best = {(one.scheme, point.size): point.rate for one in found.schemes for point in one.points}
    moved = [
        (row, row.learning_rate / best[row.scheme, row.size])
        for row in responses
        if (row.scheme, row.size) in best
    ]
    with style.styled():
        figure, panel_axes = panels.grid(len(found.schemes))
        names = panels.names(one.scheme for one in found.schemes)
        for axes, one in zip(panel_axes, found.schemes, strict=True):
            axes.set_label(one.scheme)
            marks.tag(axes, one.scheme)
            _lines(axes, moved, one, looks[one.scheme], key)
            scales.rate_axis(axes, [ratio for _, ratio in moved])
            axes.axvline(1, color=style.MUTED, linewidth=0.8, zorder=1)
            scales.loss_axis(axes, [row.mean_loss for row, _ in moved])
            panels.head(
                axes, names[one.scheme], "", looks[one.scheme].ink,
                marked=one.scheme == found.recommended,
            )  # fmt: skip
        panels.name_axes(
            figure, "learning rate over the best one of its size",
            f"validation {loss_name.replace('_', ' ')}",
        )  # fmt: skip
        panels.legend(figure, [
            panels.sample_line(f"{key} {numbers.trimmed(size, 6)}", alpha=_alpha(size, found.sizes))
            for size in found.sizes
        ])  # fmt: skip
    return figure


def _lines(
    axes: Axes,
    moved: Sequence[tuple[SizeResponse, float]],
    one: SchemeTransfer,
    look: Look,
    key: str,
) -> None:
    sizes = [point.size for point in one.points]
    for size in sizes:
        of_size = [(row, x) for row, x in moved if (row.scheme, row.size) == (one.scheme, size)]
        axes.plot(
            [x for _, x in of_size], [row.mean_loss for row, _ in of_size], color=look.colour,
            alpha=_alpha(size, sizes), marker="o", markersize=2.2, label="response",
        )  # fmt: skip
        for row, x in of_size:
            text = (
                f"{row.scheme}, {key} {row.size} at {numbers.rate(row.learning_rate)}: "
                f"{numbers.loss(row.mean_loss)} "
                f"({numbers.interval(row.best_loss, row.worst_loss)} over the seeds)"
            )
            marks.mark(axes, x, row.mean_loss, row.scheme, text)


def _alpha(size: float, sizes: Sequence[float]) -> float:
    """Return how strongly a size is drawn."""
    return _FAINTEST + (1 - _FAINTEST) * sorted(sizes).index(size) / max(len(sizes) - 1, 1)
