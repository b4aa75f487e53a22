"""How measurements are drawn: lines over a setting, strips of seeds by arm, panels beside another.

A claim names its picture; none draws its own, so that all pages look alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initsweep.figures import axes as scales
from initsweep.figures import labels, style
from initsweep.figures.palette import Look, looks
from initsweep.laboratory.table import Table

_PANEL = 4.4  # inches wide
_HEIGHT = 3.1
_STRIP = 0.27  # inches per arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(ABC):
    """One way of drawing one quantity.

    Attributes:
        quantity: What is drawn.
        label: What its axis says, with the unit; by default the quantity.
        arms: The arms to draw, in this order; by default all that have the quantity.
        log: Whether its axis is logarithmic.
        reference: A value to mark with a dashed line, and what it is called.
        limits: Lowest and highest value of its axis; values beyond are drawn at the edge.
    """

    quantity: str
    label: str = ""
    arms: tuple[str, ...] = ()
    log: bool = False
    reference: tuple[float, str] | None = None
    limits: tuple[float, float] | None = None

    @abstractmethod
    def height(self, table: Table) -> float:
        """Return how high the panel should be, in inches."""

    @abstractmethod
    def panel(self, axes: Axes, table: Table, seen: Mapping[str, Look]) -> None:
        """Draw into one panel."""

    def drawn_arms(self, table: Table) -> list[str]:
        """Return the arms in this picture."""
        return list(self.arms) or table.arms(self.quantity)

    def clipped(self, values: np.ndarray) -> np.ndarray:
        """Return values moved to the edge of the axis where they lie beyond it."""
        return values if self.limits is None else np.clip(values, *self.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Picture):
    """The mean over seeds against the setting, one line per arm, with a band of all seeds.

    Attributes:
        x: What the setting is called.
        log_x: Whether the settings are on a logarithmic axis.
    """

    x: str
    log_x: bool = False

    def height(self, table: Table) -> float:  # noqa: ARG002 - others need it
        """Return the same height for any table."""
        return _HEIGHT

    def panel(self, axes: Axes, table: Table, seen: Mapping[str, Look]) -> None:
        """Draw lines, bands and the legend."""
        for arm in self.drawn_arms(table):
            settings = table.settings(self.quantity, arm)
            values = [self.clipped(table.values(self.quantity, arm, at)) for at in settings]
            look = seen[arm]
            low, high = [v.min() for v in values], [v.max() for v in values]
            axes.fill_between(settings, low, high, color=look.colour, alpha=0.15, linewidth=0)
            axes.plot(
                settings, [v.mean() for v in values], color=look.colour, linestyle=look.dash,
                marker=look.marker, label=arm,
            )  # fmt: skip
        if self.log_x:
            scales.rate_axis(axes, table.settings(self.quantity))
        else:
            whole = all(at.is_integer() for at in table.settings(self.quantity))
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
        if self.log:
            axes.set_yscale("log")
            _round_ticks(axes.yaxis, axes.get_ylim())
        if self.limits:
            axes.set_ylim(*self.limits)
        axes.set_xlabel(self.x)
        axes.set_ylabel(self.label or self.quantity)
        if self.reference:
            value, text = self.reference
            axes.axhline(value, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)), label=text)
        axes.legend(fontsize=7.5, handlelength=2.4, labelspacing=0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips(Picture):
    """Every seed as a dot, one row per arm, with the mean and its 95 % interval.

    Attributes:
        setting: The setting to draw; by default all of an arm's values.
    """

    setting: float | None = None

    def height(self, table: Table) -> float:
        """Return a height that follows the number of arms."""
        return 0.95 + _STRIP * len(self.drawn_arms(table))

    def panel(self, axes: Axes, table: Table, seen: Mapping[str, Look]) -> None:
        """Draw dots, means and intervals, the first arm on top."""
        arms = self.drawn_arms(table)
        for place, arm in enumerate(arms):
            values = self.clipped(table.values(self.quantity, arm, self.setting))
            colour = seen[arm].colour
            axes.plot(
                values, np.full(len(values), place), linestyle="none", marker="o", color=colour,
                alpha=0.35, markersize=4.5, markeredgewidth=0,
            )  # fmt: skip
            mean = table.mean(self.quantity, arm, self.setting)
            low, middle, high = self.clipped(np.array([mean.low, mean.estimate, mean.high]))
            axes.plot([low, high], [place, place], color=colour, linewidth=2.2, zorder=3)
            axes.plot([middle], [place], marker="D", color=colour, markersize=5, zorder=4)
        if self.log:
            axes.set_xscale("log")
            _round_ticks(axes.xaxis, axes.get_xlim())
        if self.limits:
            axes.set_xlim(*self.limits)
        axes.set_yticks(range(len(arms)), [labels.shorten(arm, 30) for arm in arms])
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.set_xlabel(self.label or self.quantity)
        if self.reference:
            value, text = self.reference
            axes.axvline(value, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                text, (value, 1), (2, 3), xycoords=("data", "axes fraction"),
                textcoords="offset points", fontsize=7.5, color=style.MUTED,
            )  # fmt: skip


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
    arms = list(dict.fromkeys(arm for panel in panels for arm in panel.drawn_arms(table)))
    seen = looks(arms)
    with style.styled():
        height = max(panel.height(table) for panel in panels)
        width = max(6.4, _PANEL * len(panels))
        figure = style.new_figure(width, height + 0.25 * bool(titles))
        figure.set_layout_engine("constrained")
        grid: Sequence[Axes] = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(grid, panels, strict=True):
            panel.panel(axes, table, seen)
        for axes, title in zip(grid, titles, strict=False):
            axes.set_title(title)
    return figure


def _round_ticks(axis: Axis, limits: tuple[float, float]) -> None:
    """Label a logarithmic axis with round numbers; over few decades matplotlib's overlap."""
    ticks = scales.log_ticks(*limits)
    if len(ticks) > 1:
        axis.set_ticks(ticks, labels=[scales.tick_text(tick) for tick in ticks])
        axis.set_ticks([], minor=True)
