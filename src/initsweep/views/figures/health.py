"""What is wrong inside the layers of an untrained network, and how many directions are left.

Question answered: where do units die, saturate or say the same about every example?
Requires: `layers.csv` of the diagnosis.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initsweep.core.records import LayerRow
from initsweep.core.spelling import shorten
from initsweep.views.figures import axes as scales
from initsweep.views.figures import labels, marks, panels, style
from initsweep.views.figures.palette import Look

Quantity = Literal["dead", "saturated", "cosine"]
Rank = Literal["effective_rank", "stable_rank"]

# One hue that fades into the page, light or dark.
_SHADES = LinearSegmentedColormap.from_list(
    "share", [(0.88, 0.45, 0.0, 0.0), (0.75, 0.22, 0.0, 1.0)]
)
_ROW, _LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 0.23, 1.75, 0.75, 0.42, 0.5, 0.2  # inches
_WIDTH = 9.2


def draw(layers: Sequence[LayerRow], schemes: Sequence[str]) -> Figure:
    """Return maps of dead units, saturated activations and alike examples, scheme by layer."""
    height = max(1.6, _TOP + _ROW * len(schemes) + _BOTTOM)
    titles = {"dead": "units that never change", "saturated": "activations on the flat part",
              "cosine": "mean cosine of two examples"}  # fmt: skip
    panel = (_WIDTH - _LEFT - _RIGHT - 2 * _BETWEEN) / 3
    with style.styled():
        figure = style.new_figure(_WIDTH, height)
        for place, (quantity, title) in enumerate(titles.items()):
            left = _LEFT + place * (panel + _BETWEEN)
            box = (left / _WIDTH, _BOTTOM / height, panel / _WIDTH, 1 - (_TOP + _BOTTOM) / height)
            axes = figure.add_axes(box)
            axes.set_label(quantity)
            axes.set_title(title)
            _map(axes, layers, schemes, quantity)  # type: ignore[arg-type]
            if place == 0:
                names = labels.called(schemes, 24, inches=_LEFT - 0.1)
                axes.set_yticks(np.arange(len(schemes)) + 0.5, list(names.values()))
            else:
                axes.set_yticks([])
        _key(figure, height)
    return figure


def draw_spectrum(
    layers: Sequence[LayerRow], schemes: Sequence[str], looks: Mapping[str, Look]
) -> Figure:
    """Return effective and stable rank of the activations by layer, one line per scheme."""
    height = max(4.0, 0.2 * len(schemes) + 1.3)
    with style.styled():
        figure = style.new_figure(_WIDTH, height)
        for left, rank in ((0.075, "effective_rank"), (0.575, "stable_rank")):
            axes = figure.add_axes((left, 0.62 / height, 0.24, 1 - 1.4 / height))
            axes.set_label(rank)
            axes.set_title(f"{rank.replace('_', ' ')} of activations")
            axes.set_xlabel("layer")
            _ranks(axes, layers, schemes, looks, rank)  # type: ignore[arg-type]
        panels.legend(
            figure,
            [
                panels.sample_line("mean over seeds", marker="o", markersize=3),
                panels.sample_area("lowest to highest seed", 0.25),
            ],
        )
    return figure


def _map(
    axes: Axes, layers: Sequence[LayerRow], schemes: Sequence[str], quantity: Quantity
) -> None:
    depth = 1 + max(row.layer for row in layers)
    values = np.full((len(schemes), depth), np.nan)
    place = {scheme: index for index, scheme in enumerate(schemes)}
    for row in layers:
        if row.scheme in place:
            values[place[row.scheme], row.layer] = min(max(getattr(row, quantity), 0.0), 1.0)
    axes.pcolormesh(
        np.arange(depth + 1) - 0.5, np.arange(len(schemes) + 1), values, cmap=_SHADES, vmin=0,
        vmax=1, edgecolor=style.GRID, linewidth=0.4,
    )  # fmt: skip
    axes.set_xlabel("layer")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _key(figure: Figure, height: float) -> None:
    """Draw the scale of shades at the right."""
    side = (_WIDTH - _RIGHT + 0.15) / _WIDTH
    tall = min(1.6, height - _TOP - _BOTTOM)
    axes = figure.add_axes((side, (height - _TOP - tall) / height, 0.12 / _WIDTH, tall / height))
    axes.set_label("key")
    steps = np.linspace(0, 1, 21)
    axes.pcolormesh([0, 1], steps, (steps[:-1, None] + 0.025), cmap=_SHADES, vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.yaxis.tick_right()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _ranks(
    axes: Axes,
    layers: Sequence[LayerRow],
    schemes: Sequence[str],
    looks: Mapping[str, Look],
    rank: Rank,
) -> None:
    ends, silent, values = [], [], []
    for scheme in schemes:
        rows = sorted((r for r in layers if r.scheme == scheme), key=lambda row: row.layer)[:-1]
        ys = [max(getattr(row, rank), 0.0) for row in rows]
        if not rows or min(ys) < 1:
            silent.append(scheme)
            continue
        look, xs = looks[scheme], [row.layer for row in rows]
        before = set(axes.get_children())
        if rank == "effective_rank":
            low = [max(row.effective_rank_low, 1.0) for row in rows]
            high = [row.effective_rank_high for row in rows]
            axes.fill_between(xs, low, high, color=look.colour, alpha=0.2, linewidth=0)
        axes.plot(
            xs, ys, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=3.2,
            linewidth=1.5,
        )  # fmt: skip
        marks.tag_new(axes, before, scheme)
        values += ys
        ends.append(labels.Label(text=scheme, x=xs[-1], y=ys[-1], colour=look.ink, scheme=scheme))
    if values:
        bottom, top = 0.9, max(*values, 4.0) * 1.2
        axes.set_ylim(bottom, top)
        axes.set_yscale("log")
        ticks = scales.log_ticks(bottom, top)
        axes.set_yticks(ticks, [scales.tick_text(tick) for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        labels.name_ends(axes, ends, inches=1.55, size=8)
    if silent:
        axes.annotate(
            shorten("no signal in some layer: " + ", ".join(silent), 60), (0, 0), (0, -40),
            xycoords="axes fraction", textcoords="offset points", fontsize=8, color=style.MUTED,
        )  # fmt: skip
