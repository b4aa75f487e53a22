"""Grids of learning rates in half decades, and which rate to try next."""

import math
from collections.abc import Mapping

import numpy as np

from initclaims.laboratory.runs import By, Matrix, Runs

LEARNED = 0.95
"""A mean loss above this share of the constant predictor's is no better than guessing."""


def half_decade(rate: float, steps: int) -> float:
    """Return the rate so many half decades up, of the form 1eN or 3eN."""
    exponent = round(2 * math.log10(rate)) + steps
    return float(f"{10 ** (exponent / 2):.0e}")


def next_rate(response: Runs, by: By = "loss") -> float | None:
    """Return the rate to try next, or None if the grid needs no more.

    It lies beyond the edge that the best rate lies at. Where nothing learned no rate is best, so
    the runs have to tell the side: down if those at the lowest rate diverged or are far worse
    than guessing, which is what steps that are too large do; otherwise up, until all diverge.
    """
    lowest, highest = min(response.rates), max(response.rates)
    if learns(response, by):
        step = {lowest: -1, highest: 1}.get(response.best(by))
        return None if step is None else half_decade(response.best(by), step)
    ends = response.raw_losses[response.at(lowest), :, -1]
    if response.diverged[response.at(lowest)].any() or (
        ends.mean() > response.constant_loss / LEARNED
    ):
        return half_decade(lowest, -1)
    return None if response.diverged[response.at(highest)].all() else half_decade(highest, 1)


def best_rates(response: Runs) -> Matrix:
    """Return the best rate of each seed, between the rates tried, shape (seeds,).

    Where the parabola through the logarithm of the lowest loss and those beside it is lowest; a
    loss counts as a thousandth of the constant predictor's at least. On the edge: the edge.
    """
    order = np.argsort(response.rates)
    rates = np.log10(np.array(response.rates)[order])
    losses = np.log(np.fmax(response.final_losses[order], response.constant_loss / 1000))
    return 10 ** np.array([_lowest(rates, column) for column in losses.T])


def _lowest(rates: Matrix, losses: Matrix) -> float:
    place = int(losses.argmin())
    if place in {0, len(rates) - 1}:
        return float(rates[place])
    beside = slice(place - 1, place + 2)
    curvature, slope, _ = np.polyfit(rates[beside], losses[beside], 2)
    if curvature <= 0:  # three equal losses
        return float(rates[place])
    return float(np.clip(-slope / (2 * curvature), rates[place - 1], rates[place + 1]))


def exponents(rates_by_size: Mapping[float, Matrix]) -> Matrix:
    """Return for each seed the power of the size with which its best rate goes, shape (seeds,).

    By least squares through the logarithms.
    """
    sizes = np.log(np.array([*rates_by_size], dtype=np.float64))
    rates = np.log(np.array([*rates_by_size.values()]))
    slopes: Matrix = np.polyfit(sizes, rates, 1)[0]
    return slopes


def learns(response: Runs, by: By = "loss") -> bool:
    """Return whether the mean over seeds is better than guessing at any rate."""
    if by == "loss":
        return bool(response.final_losses.mean(axis=1).min() <= LEARNED * response.constant_loss)
    missed = 1 - response.final_scores.mean(axis=1).max()
    return bool(missed <= LEARNED * (1 - response.guessed_score))
