"""One panel of a claim's picture: lines over a setting, or strips of seeds by arm."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from initclaims.laboratory.table import Table
from initsweep.core.spelling import shorten
from initsweep.views.figures import axes as scales
from initsweep.views.figures import style
from initsweep.views.figures.palette import Look, looks

_HEIGHT = 2.9  # inches
_STRIP = 0.27  # inches per arm
_LONGEST = 42  # letters of a name beside its row
_FEW_TICKS = 6
_ROUND = (1, 2, 5, 10)
_ONLY = looks(["all"])["all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(ABC):
    """One way of drawing one quantity.

    Attributes:
        quantity: What is drawn.
        label: What its axis says, with the unit; by default the quantity.
        arms: The arms to draw, in this order; by default all that have the quantity.
        suffix: What the arms' names end with and a heading says instead; left out, so that one
            scheme has one name and one colour in all panels.
        log: Whether its axis is logarithmic.
        reference: A value to mark with a dashed line, and what it is called.
        limits: Lowest and highest value of its axis; values beyond are drawn at the edge.
    """

    quantity: str
    label: str = ""
    arms: tuple[str, ...] = ()
    suffix: str = ""
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

    def names(self, table: Table) -> list[str]:
        """Return what the arms are called in this picture."""
        return [self.name(arm) for arm in self.drawn_arms(table)]

    def name(self, arm: str) -> str:
        """Return what an arm is called in this picture."""
        return arm.removesuffix(self.suffix)

    def clipped(self, values: np.ndarray) -> np.ndarray:
        """Return values moved to the edge of the axis where they lie beyond it."""
        return values if self.limits is None else np.clip(values, *self.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Picture):
    """The mean over seeds against the setting, one line per arm, with a band of all seeds.

    Attributes:
        x: What the setting is called.
        log_x: Whether the settings are on a logarithmic axis.
        points: Arms of which nothing is known between the settings: drawn as points alone.
    """

    x: str
    log_x: bool = False
    points: tuple[str, ...] = ()

    def height(self, table: Table) -> float:  # noqa: ARG002 - others need it
        """Return the same height for any table."""
        return _HEIGHT

    def panel(self, axes: Axes, table: Table, seen: Mapping[str, Look]) -> None:
        """Draw lines and bands."""
        for arm in self.drawn_arms(table):
            settings = table.settings(self.quantity, arm)
            values = [self.clipped(table.values(self.quantity, arm, at)) for at in settings]
            look = seen[self.name(arm)]
            low, high = [v.min() for v in values], [v.max() for v in values]
            alone = arm in self.points
            if not alone:
                axes.fill_between(settings, low, high, color=look.colour, alpha=0.15, linewidth=0)
            axes.plot(
                settings, [v.mean() for v in values], color=look.colour,
                linestyle="none" if alone else look.dash, marker="D" if alone else look.marker,
                label=self.name(arm),
            )  # fmt: skip
        self._x_axis(axes, table)
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

    def _x_axis(self, axes: Axes, table: Table) -> None:
        """Mark the settings of this panel, each where they are few and round."""
        own = {at for arm in self.drawn_arms(table) for at in table.settings(self.quantity, arm)}
        if self.log_x:
            scales.rate_axis(axes, own)
        elif len(own) <= _FEW_TICKS and all(at == round(at, 1) for at in own):
            axes.set_xticks(sorted(own), [f"{at:g}" for at in sorted(own)])
        else:
            whole = all(at.is_integer() for at in own)
            axes.xaxis.set_major_locator(MaxNLocator(_FEW_TICKS, integer=whole, steps=_ROUND))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips(Picture):
    """Every seed as a dot, one row per arm, with the mean and its 95 % interval.

    Rows have one colour, unless lines beside them tell the same arms apart.

    Attributes:
        setting: The setting to draw, or an end of those that were measured; by default all of an
            arm's values.
    """

    setting: float | Literal["least", "greatest"] | None = None

    def height(self, table: Table) -> float:
        """Return a height that follows the number of arms."""
        return 0.95 + _STRIP * len(self.drawn_arms(table))

    def panel(self, axes: Axes, table: Table, seen: Mapping[str, Look]) -> None:
        """Draw dots, means and intervals, the first arm on top."""
        arms = self.drawn_arms(table)
        for place, arm in enumerate(arms):
            setting = self._setting(table, arm)
            values = self.clipped(table.values(self.quantity, arm, setting))
            colour = seen.get(self.name(arm), _ONLY).colour
            axes.plot(
                values, np.full(len(values), place), linestyle="none", marker="o", color=colour,
                alpha=0.35, markersize=4.5, markeredgewidth=0,
            )  # fmt: skip
            mean = table.mean(self.quantity, arm, setting)
            low, middle, high = self.clipped(np.array([mean.low, mean.estimate, mean.high]))
            if self.log:  # The interval of a mean may reach below zero, which this axis lacks.
                low = max(low, values.min())
            axes.plot([low, high], [place, place], color=colour, linewidth=2.2, zorder=3)
            axes.plot([middle], [place], marker="D", color=colour, markersize=5, zorder=4)
        if self.log:
            axes.set_xscale("log")
            _round_ticks(axes.xaxis, axes.get_xlim(), _FEW_TICKS)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(_FEW_TICKS, steps=_ROUND))
        if self.limits:
            axes.set_xlim(*self.limits)
        names = [shorten(name, _LONGEST) for name in self.names(table)]
        axes.set_yticks(range(len(arms)), names)
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.set_xlabel(self.label or self.quantity)
        if self.reference:
            value, text = self.reference
            axes.axvline(value, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
            right = value > sum(axes.get_xlim()) / 2
            axes.annotate(
                text, (value, 1), (-2 if right else 2, 3), xycoords=("data", "axes fraction"),
                textcoords="offset points", fontsize=7.5, color=style.MUTED,
                ha="right" if right else "left",
            )  # fmt: skip

    def _setting(self, table: Table, arm: str) -> float | None:
        ends = {"least": 0, "greatest": -1}
        if isinstance(self.setting, str):
            return table.settings(self.quantity, arm)[ends[self.setting]]
        return self.setting


def _round_ticks(axis: Axis, limits: tuple[float, float], most: int = 10) -> None:
    """Label a logarithmic axis with round numbers; over few decades matplotlib's overlap."""
    ticks = scales.log_ticks(*limits)
    if len(ticks) > most:
        ticks = [tick for tick in ticks if round(math.log10(tick), 9).is_integer()]
    if len(ticks) > 1:
        axis.set_ticks(ticks, labels=[scales.tick_text(tick) for tick in ticks])
        axis.set_ticks([], minor=True)
    else:  # matplotlib's own labels would be formulas
        axis.set_major_formatter(lambda value, _: scales.tick_text(value))
        axis.set_minor_formatter(lambda value, _: scales.tick_text(value))
