"""Axes shared by several figures: learning rates in decades, losses on a readable scale."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, NullFormatter

from initsweep.core import numbers

# Above this ratio of largest to smallest loss a linear axis hides the good schemes.
_LOG_RATIO = 4.0

_FEW_TICKS = 6
_ABBREVIATED = 10_000


def rate_axis(axes: Axes, rates: Iterable[float], *, every: int = 1) -> None:
    """Make x a logarithmic learning-rate axis over `rates`, labelled every so many decades."""
    present = sorted(set(rates))
    low, high = math.log10(present[0]), math.log10(present[-1])
    pad = max(0.04 * (high - low), 0.05)
    axes.set_xscale("log")
    axes.set_xlim(10 ** (low - pad), 10 ** (high + pad))
    decades = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    labelled = [10.0**d for d in decades if (d - decades[0]) % every == 0] or present[:1]
    axes.set_xticks(labelled, [numbers.rate(value) for value in labelled])
    axes.set_xticks([10.0**d for d in decades], minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, which="minor", axis="x")


def loss_axis(axes: Axes, values: Sequence[float], *, linear: bool = False) -> None:
    """Make y a loss axis over `values`: logarithmic if they span more than a factor of four.

    Only so if `linear` does not forbid it.
    """
    low, high = min(values), max(values)
    if not linear and low > 0 and high / low > _LOG_RATIO:
        pad = (high / low) ** 0.06
        axes.set_yscale("log")
        axes.set_ylim(low / pad, high * pad)
        ticks = log_ticks(low / pad, high * pad)
        axes.set_yticks(ticks, [tick_text(tick) for tick in ticks])
        axes.set_yticks([], minor=True)
        return
    pad = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    axes.set_ylim(low - pad, high + pad)
    axes.locator_params(axis="y", nbins=5)


def quantity_ticks(axes: Axes, *names: Literal["x", "y"]) -> None:
    """Label axes of quantities in a unit of the user's with a few ticks; large ones as 250k, 1.5M.

    The limits must be final.
    """
    for name in names:
        axes.locator_params(axis=name, nbins=_FEW_TICKS)
        axis = axes.xaxis if name == "x" else axes.yaxis
        if max(map(abs, axis.get_view_interval())) >= _ABBREVIATED:
            axis.set_major_formatter(EngFormatter(sep=""))


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two bounds: 1-2-5 steps, or decades if there are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    span = math.log10(high / low)
    if span > 6:
        step = math.ceil(span / 6)
        candidates = [10.0**d for d in range(first, last + 1) if d % step == 0]
    else:
        factors = (1, 2, 5) if span <= 2.2 else (1,)
        candidates = [f * 10.0**d for d in range(first, last + 1) for f in factors]
    return [tick for tick in candidates if low <= tick <= high]


def tick_text(value: float) -> str:
    """Return a tick label without trailing zeros: 0.05, 2, 1e-6."""
    return numbers.rate(value)
