"""Grids of learning rates in half decades, and which rate to try next."""

import math

from initclaims.laboratory.runs import By, Runs

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


def learns(response: Runs, by: By = "loss") -> bool:
    """Return whether the mean over seeds is better than guessing at any rate."""
    if by == "loss":
        return bool(response.final_losses.mean(axis=1).min() <= LEARNED * response.constant_loss)
    missed = 1 - response.final_scores.mean(axis=1).max()
    return bool(missed <= LEARNED * (1 - response.guessed_score))
