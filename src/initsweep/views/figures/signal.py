"""How the signal fares through the layers of the untrained network.

Question answered: under which schemes do activations and gradients keep their size from layer
to layer, and does theory predict it?
Requires: `layers.csv` of the diagnosis.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initsweep.core import numbers
from initsweep.core.records import LayerRow
from initsweep.core.spelling import shorten
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, marks, panels, style
from initsweep.views.figures.palette import Look

Direction = Literal["forward", "backward"]

_FARTHEST = 1e30  # a signal beyond this or its inverse leaves the axes; it is lost either way


def draw(layers: Sequence[LayerRow], schemes: Sequence[str], looks: Mapping[str, Look]) -> Figure:
    """Return a figure with forward and backward std by layer, one line per scheme."""
    height = max(4.6, 0.2 * len(schemes) + 1.3)
    with style.styled():
        figure = style.new_figure(9.2, height)
        for left, direction in ((0.075, "forward"), (0.575, "backward")):
            axes = figure.add_axes((left, 0.62 / height, 0.24, 1 - 1.4 / height))
            axes.set_label(direction)
            _panel(axes, layers, schemes, looks, direction)  # type: ignore[arg-type]
        panels.legend(
            figure,
            [
                panels.sample_line("mean over seeds", marker="o", markersize=3),
                panels.sample_area("lowest to highest seed", 0.25),
                panels.sample_line("predicted by theory", linestyle=(0, (1, 1.2))),
            ],
        )
    return figure


def _panel(
    axes: Axes,
    layers: Sequence[LayerRow],
    schemes: Sequence[str],
    looks: Mapping[str, Look],
    direction: Direction,
) -> None:
    titles = {"forward": "std of pre-activations", "backward": "std of gradients"}
    axes.set_title(titles[direction])
    axes.set_xlabel("layer" if direction == "forward" else "layer, from output to input")
    ends, silent, values = [], [], []
    seen = {row.scheme for row in layers}
    for scheme in (one for one in schemes if one in seen):
        rows = sorted((r for r in layers if r.scheme == scheme), key=lambda row: row.layer)
        if direction == "backward":
            rows.reverse()  # the gradient flows from the last layer to the first
        if not all(_std(row, direction) > 0 for row in rows):
            silent.append(scheme)
            continue
        look = looks[scheme]
        before = set(axes.get_children())
        values += _line(axes, rows, look, direction)
        marks.tag_new(axes, before, scheme)
        for row in rows:
            text = f"{scheme}, layer {row.layer}: {numbers.significant(_std(row, direction), 3)}"
            marks.mark(axes, row.layer, _std(row, direction), scheme, text)
        ends.append(
            labels.Label(
                text=scheme,
                x=rows[-1].layer,
                y=_std(rows[-1], direction),
                colour=look.ink,
                scheme=scheme,
            )
        )
    if values:
        _scale(axes, values)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if direction == "backward":
            axes.xaxis.set_inverted(True)
        labels.name_ends(axes, ends, inches=1.55, size=8)
    if silent:
        text = shorten("zero in some layer: " + ", ".join(silent), 60)
        axes.annotate(
            text, (0, 0), (0, -40), xycoords="axes fraction", textcoords="offset points",
            fontsize=8, color=style.MUTED,
        )  # fmt: skip


def _line(axes: Axes, rows: Sequence[LayerRow], look: Look, direction: Direction) -> list[float]:
    xs = [row.layer for row in rows]
    ys = [_std(row, direction) for row in rows]
    forward = direction == "forward"
    low = [row.forward_low if forward else row.backward_low for row in rows]
    high = [row.forward_high if forward else row.backward_high for row in rows]
    axes.fill_between(xs, low, high, color=look.colour, alpha=0.2, linewidth=0)
    axes.plot(
        xs, ys, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=3.2,
        linewidth=1.5, label="measured",
    )  # fmt: skip
    predicted = [row.forward_predicted if forward else row.backward_predicted for row in rows]
    shown = _with_stubs(xs, [y if y is not None and y > 0 else math.nan for y in predicted])
    axes.plot(
        [x for x, _ in shown], [y for _, y in shown], color=look.colour, linewidth=1.3,
        linestyle=(0, (1, 1.2)), label="predicted",
    )  # fmt: skip
    return [*ys, *low, *high, *(y for _, y in shown if math.isfinite(y))]


def _with_stubs(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points of a line with gaps, where a value between two gaps is a short dash."""
    points: list[tuple[float, float]] = []
    if all(math.isnan(y) for y in ys):
        return points
    for place, (x, y) in enumerate(zip(xs, ys, strict=True)):
        beside = [ys[near] for near in (place - 1, place + 1) if 0 <= near < len(ys)]
        alone = not math.isnan(y) and all(math.isnan(other) for other in beside)
        points += [(x - 0.3, y), (x + 0.3, y)] if alone else [(x, y)]
    return points


def _std(row: LayerRow, direction: Direction) -> float:
    return row.forward_std if direction == "forward" else row.backward_std


def _scale(axes: Axes, values: Sequence[float]) -> None:
    low = max(min(value for value in values if value > 0) / 1.4, 1 / _FARTHEST)
    high = max(min(max(values) * 1.4, _FARTHEST), 10 * low)
    axes.set_ylim(low, high)
    axes.set_yscale("log")
    ticks = scales.log_ticks(low, high)
    axes.set_yticks(ticks, [scales.tick_text(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
