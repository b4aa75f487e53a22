"""Validation loss by epoch, every scheme at its own chosen learning rate.

Question answered: has training settled, how fast, and how much do the seeds differ?
Requires: `curves.csv` of the fresh runs, `schemes.csv`, the constant predictor's validation
loss.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initsweep.core import numbers
from initsweep.core.records import CurveRow, SchemeRow
from initsweep.views.figures import axes as scales
from initsweep.views.figures import marks, panels, responses, style
from initsweep.views.figures.palette import Look


class Curve(NamedTuple):
    """Capped validation loss over the seeds, epoch by epoch."""

    epochs: list[int]
    low: list[float]
    median: list[float]
    high: list[float]


def curve_of(rows: Sequence[CurveRow], cap: float, last_epoch: int) -> Curve:
    """Return lowest, median and highest seed by epoch.

    A diverged run, and any loss above the constant predictor's, counts at that loss `cap`.
    """
    seeds = sorted({row.seed for row in rows})
    known = {(row.seed, row.epoch): row.validation_loss for row in rows}
    curve = Curve([], [], [], [])
    for epoch in range(last_epoch + 1):
        measured = [known.get((seed, epoch)) for seed in seeds]
        losses = [cap if loss is None else min(loss, cap) for loss in measured]
        if losses:
            curve.epochs.append(epoch)
            curve.low.append(min(losses))
            curve.median.append(statistics.median(losses))
            curve.high.append(max(losses))
    return curve


def draw(
    curves: Sequence[CurveRow],
    schemes: Sequence[SchemeRow],
    looks: Mapping[str, Look],
    *,
    constant_loss: float,
    loss_name: str,
) -> Figure:
    """Return a figure with one panel per scheme, in the order given, on common axes."""
    last = max(row.epoch for row in curves)
    drawn = {
        scheme.scheme: curve_of(
            [row for row in curves if row.scheme == scheme.scheme], constant_loss, last
        )
        for scheme in schemes
    }
    losses = [loss for curve in drawn.values() for loss in (*curve.low, *curve.high)]
    with style.styled():
        figure, panel_axes = panels.grid(len(schemes))
        names = panels.names(scheme.scheme for scheme in schemes)
        for axes, scheme in zip(panel_axes, schemes, strict=True):
            look, curve = looks[scheme.scheme], drawn[scheme.scheme]
            axes.set_label(scheme.scheme)
            marks.tag(axes, scheme.scheme)
            rest = [(c.epochs, c.median) for name, c in drawn.items() if name != scheme.scheme]
            panels.others(axes, rest)
            responses.constant_line(axes, constant_loss)
            axes.fill_between(
                curve.epochs, curve.low, curve.high, color=look.colour, alpha=0.25, linewidth=0
            )
            dash = "-" if scheme.trainable else look.dash
            axes.plot(curve.epochs, curve.median, color=look.colour, linestyle=dash, label="median")
            scales.loss_axis(axes, [*losses, constant_loss])
            axes.set_xlim(0, last)
            for epoch, loss in zip(curve.epochs, curve.median, strict=True):
                text = f"{scheme.scheme}, epoch {epoch}: {numbers.loss(loss)}"
                marks.mark(axes, epoch, loss, scheme.scheme, text)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panels.head(
                axes, names[scheme.scheme], _detail(scheme), look.ink,
                marked=scheme.outcome == "recommended",
            )  # fmt: skip
        panels.name_axes(figure, "epoch", f"validation {loss_name.replace('_', ' ')}")
        panels.legend(figure, _legend())
    return figure


def _detail(scheme: SchemeRow) -> str:
    return f"learning rate {numbers.rate(scheme.learning_rate)}" + (
        "" if scheme.trainable else ", untrainable"
    )


def _legend() -> list[Artist]:
    return [
        panels.sample_line("median of fresh seeds"),
        panels.sample_area("best to worst seed", 0.25),
        panels.sample_line(
            "constant predictor", color=style.MUTED, linewidth=1, linestyle=(0, (4, 3))
        ),
        panels.sample_line("other schemes", color=style.PALE, linewidth=1),
    ]
