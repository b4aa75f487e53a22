"""Made-up studies at several sizes whose law is known, on response curves of real networks.

A scheme is the response curve of some network, task and split of `benchmarks/pools`, seeds and all.
At each size it is moved by the law, its losses shrink, and tuning reads some of its seeds at a grid
of half decades and at a few rates near the best, as the tune stage does.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_pools import FOLDER, RATES, read
from initsweep.core.randomness import numpy_stream
from initsweep.statistics.transfer import SizeRuns

Array = NDArray[np.float64]

DECADES = np.log10(RATES)
MARGIN, TOLERANCE, SKILL = 0.01, 0.05, 0.05
SEEDS = 5
REFINED, AROUND = 6, 0.35
"""Rates near the best one that are tried as well, and how far from it, in decades."""

FLOOR = 0.01
OUTERS = (0, 3, 6, 9)
FREE = 2
"""Rates of a curve on either side that its best one keeps away from."""

PLACES = np.linspace(-7.0, 3.0, 2001)


@dataclass(frozen=True, kw_only=True)
class World:
    """What is true of all schemes of a study.

    Attributes:
        exponent: Of the best rate, on average over schemes.
        spread: How far schemes differ in that.
        own: How many of the schemes put factors on rates: their exponents are 0 on average.
        bend: How much the exponents of the others change per doubling.
        steep: How much narrower responses become per doubling, as a share.
        shrink: Of the loss: it goes with the size to minus this power.
        sizes: Those measured.
        target: The one predicted.
        schemes: How many.
        lowest: Of the rates tried, in decades.
        highest: Of the rates tried.
    """

    exponent: float = -0.5
    spread: float = 0.2
    own: int = 0
    bend: float = 0.0
    steep: float = 0.0
    shrink: float = 0.15
    sizes: tuple[int, ...] = (32, 64, 128)
    target: int = 512
    schemes: int = 4
    lowest: float = -5.0
    highest: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Scheme:
    """A curve with its law: losses as shares of the constant's, shape (rates, seeds)."""

    losses: Array
    exponent: float
    bend: float
    scales_rates: bool
    world: World

    def at(self, size: float, places: Array, seeds: Iterable[int]) -> Array:
        """Return losses at rates (in decades), shape (places, seeds)."""
        world, doublings = self.world, math.log2(size / self.world.sizes[0])
        exponent = self.exponent + self.bend * doublings / 2
        shift = math.log10(2) * exponent * doublings
        best = DECADES[self.losses.mean(axis=1).argmin()]
        read_at = best + (places - shift - best) * (1 + world.steep * doublings)
        logs = np.log(self.losses + FLOOR)
        curves = [np.exp(np.interp(read_at, DECADES, logs[:, seed])) - FLOOR for seed in seeds]
        return np.minimum(np.stack(curves, axis=1) * 2 ** (-world.shrink * doublings), 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """What a sweep with all seeds would find: mean losses at PLACES."""

    means: Array

    @property
    def loss(self) -> float:
        """The lowest mean loss."""
        return float(self.means.min())

    @property
    def rate(self) -> float:
        """The best rate in decades, as the page defines it."""
        weights = np.exp((self.loss - self.means) / MARGIN)
        return float((weights * PLACES).sum() / weights.sum())

    def excess(self, rate: float) -> float:
        """Return what a rate, in decades, loses against the best one."""
        return float(np.interp(rate, PLACES, self.means)) - self.loss


@lru_cache(maxsize=1)
def curves() -> list[Array]:
    """Return the response curves of all pools whose best rate lies within those tried."""
    found: list[Array] = []
    for file in sorted(FOLDER.glob("*.npz")):
        pool = read(file.stem)
        losses, constants = pool.runs["validation_loss"][1], pool.constants[1, :, :, 0]
        shares = losses / constants[:, np.newaxis, np.newaxis, :]
        shares = np.where(np.isnan(shares), 1.0, np.minimum(shares, 1.0))
        found.extend(curve for outer in OUTERS for curve in shares[outer] if _within(curve))
    return found


def _within(curve: Array) -> bool:
    means = curve.mean(axis=1)
    return bool(FREE <= means.argmin() < len(means) - FREE and means.min() < 1 - 2 * SKILL)


def draw_studies(
    world: World, name: str, count: int
) -> Iterator[tuple[list[Scheme], list[SizeRuns]]]:
    """Yield schemes and their tuning runs, study after study."""
    for number in range(count):
        stream = numpy_stream("transfer studies", name, number)
        chosen = stream.choice(len(curves()), world.schemes, replace=False)
        schemes = [
            Scheme(
                losses=curves()[place],
                exponent=(0.0 if at < world.own else world.exponent)
                + world.spread * stream.normal(),
                bend=0.0 if at < world.own else world.bend,
                scales_rates=at < world.own,
                world=world,
            )
            for at, place in enumerate(chosen)
        ]
        yield (
            schemes,
            [
                _tuned(scheme, f"s{index}", size, stream)
                for index, scheme in enumerate(schemes)
                for size in world.sizes
            ],
        )


def _tuned(scheme: Scheme, name: str, size: int, stream: np.random.Generator) -> SizeRuns:
    world = scheme.world
    seeds = stream.choice(scheme.losses.shape[1], SEEDS, replace=False)
    grid = np.arange(world.lowest, world.highest + 0.01, 0.5)
    best = grid[scheme.at(size, grid, seeds).mean(axis=1).argmin()]
    near = np.clip(best + AROUND * stream.normal(size=REFINED), world.lowest, world.highest)
    places = np.concatenate([grid, near])
    return SizeRuns(
        size=size,
        scheme=name,
        learning_rates=np.repeat(10**places, SEEDS),
        seeds=np.tile(np.arange(SEEDS), len(places)),
        losses=scheme.at(size, places, seeds).ravel(),
        constant_loss=1.0,
        scales_rates=scheme.scales_rates,
    )


def truth_at_target(scheme: Scheme) -> Truth:
    """Return what is true of a scheme at the target."""
    every = range(scheme.losses.shape[1])
    return Truth(means=scheme.at(scheme.world.target, PLACES, every).mean(axis=1))
