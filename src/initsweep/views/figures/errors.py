"""What the recommended scheme's median-seed model gets wrong on test rows.

Question answered: which classes are taken for which others; or, for regression, how far are the
predictions off, and where?
Requires: `predictions.csv` of the recommended scheme, the schema.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from initsweep.core.records import PredictionRow, Schema
from initsweep.views.figures import labels, style
from initsweep.views.figures.axes import quantity_ticks
from initsweep.views.figures.palette import Look

_SHADES = LinearSegmentedColormap.from_list(
    "count", [(0.18, 0.5, 0.82, 0.0), (0.18, 0.5, 0.82, 0.75)]
)
_NAMES, _TARGET = 1.05, 2.85  # inches for the names of classes, and of the target
_MOST_CLASSES = 30  # beyond, cells are too small for their counts


def confusion(rows: Sequence[PredictionRow], classes: int) -> NDArray[np.int64]:
    """Return counts of test rows, shape (true class, predicted class)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    for row in rows:
        counts[int(row.target), int(row.prediction)] += 1
    return counts


def in_units(rows: Sequence[PredictionRow], schema: Schema) -> tuple[list[float], list[float]]:
    """Return targets and predictions in the unit of the raw target."""
    scale, mean = schema.target_scale, schema.target_mean
    targets = [row.target * scale + mean for row in rows]
    return targets, [row.prediction * scale + mean for row in rows]


def draw(rows: Sequence[PredictionRow], schema: Schema, look: Look | None) -> Figure:
    """Return a confusion matrix, or predictions and residuals for regression."""
    if not rows or look is None:
        return style.message_figure("No scheme is recommended, so no model was kept to look at.")
    with style.styled():
        return (
            _confusion(rows, schema)
            if schema.task == "classification"
            else _residuals(rows, schema, look)
        )


def _confusion(rows: Sequence[PredictionRow], schema: Schema) -> Figure:
    counts = confusion(rows, schema.n_outputs)
    size = min(max(0.42 * len(counts), 1.9), 7.0)
    numbered = map(str, range(len(counts)))
    names = [*labels.called(schema.class_names or numbered, 12, inches=_NAMES).values()]
    turned = max(map(len, names)) > 4
    bottom = max(0.7, labels.longest(names, 8.5) + 0.15) if turned else 0.7
    wide, high = 1.6 + size, 0.55 + bottom + size
    figure = style.new_figure(wide, high)
    axes = figure.add_axes((1.4 / wide, bottom / high, size / wide, size / high))
    axes.set_label("confusion")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    edges = np.arange(len(counts) + 1) - 0.5
    axes.pcolormesh(
        edges, edges, shares, cmap=_SHADES, vmin=0, vmax=1, edgecolor=style.GRID, linewidth=0.4
    )
    every = max(1, len(counts) // _MOST_CLASSES)
    places = range(0, len(counts), every)
    axes.set_xticks(places, names[::every], rotation=90 if turned else 0)
    axes.set_yticks(places, names[::every])
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.xaxis.set_label_position("top")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(counts) <= _MOST_CLASSES:
        _counts(axes, counts)
    return figure


def _counts(axes: Axes, counts: NDArray[np.int64]) -> None:
    for (true, predicted), count in np.ndenumerate(counts):
        if count:
            wrong = true != predicted
            axes.text(
                predicted, true, str(count), ha="center", va="center", fontsize=8.5,
                fontweight="bold" if wrong else "normal",
            )  # fmt: skip


def _residuals(rows: Sequence[PredictionRow], schema: Schema, look: Look) -> Figure:
    targets, predictions = in_units(rows, schema)
    residuals = [p - t for p, t in zip(predictions, targets, strict=True)]
    figure = style.new_figure(9.2, 3.9)
    left = figure.add_axes((0.08, 0.14, 0.38, 0.78))
    left.set_label("predictions")
    ends = min(*targets, *predictions), max(*targets, *predictions)
    left.plot(ends, ends, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    dots = {"marker": "o", "markersize": 4, "alpha": 0.7, "linestyle": "", "color": look.colour}
    left.plot(predictions, targets, **dots, label="rows")  # type: ignore[arg-type]
    left.set_title("test rows; dashed: as predicted")
    (name,) = labels.called([schema.target_name or "target"], 36, inches=_TARGET, size=9).values()
    left.set_xlabel(f"predicted {name}")
    left.set_ylabel(f"true {name}")
    right = figure.add_axes((0.56, 0.14, 0.41, 0.78))
    right.set_label("residuals")
    right.axhline(0, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    right.plot(predictions, residuals, **dots, label="residuals")  # type: ignore[arg-type]
    right.set_title("residuals: predicted minus true")
    right.set_xlabel(f"predicted {name}")
    quantity_ticks(left, "x", "y")
    quantity_ticks(right, "x", "y")
    return figure
