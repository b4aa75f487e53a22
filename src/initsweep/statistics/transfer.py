"""From studies at a few sizes to a larger network: best rates, basins and losses that follow a law.

A *size* is the width, the depth, the rows of data or the steps: one number, of which all else is
kept. `docs/transfer.md` says how the prediction is made and how far it can be trusted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ends = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeRuns:
    """The tuning runs of one scheme at one size, in any order.

    Attributes:
        size: Width, depth, rows of data or steps.
        scheme: The scheme.
        learning_rates: One per run, shape (runs,).
        seeds: Shape (runs,).
        losses: Capped validation losses (`RunRow.capped_loss`), 0 or more, shape (runs,).
        constant_loss: The constant predictor's, the unit of tolerances.
    """

    size: float
    scheme: str
    learning_rates: Array
    seeds: NDArray[np.int64]
    losses: Array
    constant_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPoint:
    """What one size says of a scheme.

    Attributes:
        size: The size.
        rate: The best rate, between those tried.
        interval: Of the best rate, 95 %, over seeds and what lies between the rates.
        basin: The ends of the basin.
        loss: At the best rate, mean over the seeds.
        edge: Where the best rate is the lowest or highest one tried, which; else "". Such a size
            says nothing to the law.
    """

    size: float
    rate: float
    interval: Ends
    basin: Ends
    loss: float
    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The largest size predicted from the others: the check that a law has to pass.

    Attributes:
        size: The largest size.
        predicted: The best rate that the other sizes predict there.
        interval: Of what would be found there, 95 %.
        found: The best rate found there.
        error: Decades from the rate found up to the predicted one.
        inside: Whether the rate found lies in the interval.
    """

    size: float
    predicted: float
    interval: Ends
    found: float
    error: float
    inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeTransfer:
    """What is predicted of one scheme at the target.

    Attributes:
        scheme: The scheme.
        exponent: The best rate goes with the size to this power.
        exponent_interval: 95 %.
        rate: The predicted best rate.
        rate_interval: Of the best rate that a sweep with endless seeds would find there, 95 %.
        basin: The predicted ends of the basin; None where it reaches the end of the rates tried
            at too many sizes.
        loss: The predicted mean loss at the best rate.
        loss_interval: 95 %.
        promised_loss: With `rate`, at most so much more than at the best rate, in the unit of the
            loss, with the stated confidence.
        promised_share: The same as a share of the constant predictor's loss.
        trusted: Whether the law passed its checks.
        reason: Why not, or what speaks for it, in a sentence.
        check: The largest size predicted from the others; None where too few are left.
        points: What was found at each size, ascending.
    """

    scheme: str
    exponent: float
    exponent_interval: Ends
    rate: float
    rate_interval: Ends
    basin: Ends | None
    loss: float
    loss_interval: Ends
    promised_loss: float
    promised_share: float
    trusted: bool
    reason: str
    check: HeldOut | None
    points: tuple[LawPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A scheme about which nothing is predicted, and why."""

    scheme: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingCheck:
    """Whether the choice of a scheme carries over: that for the largest size, from the others.

    Attributes:
        size: The largest size.
        picked: The scheme that the other sizes recommend for it.
        best: The scheme with the lowest loss found there.
        behind: How much more `picked` loses there at the best rate of each, as a share of the
            constant predictor's loss.
        kept: Whether that is within the margin, so that the choice carries over.
    """

    size: float
    picked: str
    best: str
    behind: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The answer for the target.

    Attributes:
        target: The size that is predicted.
        sizes: Those that were measured, ascending.
        confidence: Of the promised losses.
        schemes: Those of which something is predicted, by name in the order given.
        omitted: The others.
        recommended: The trusted scheme to start from: the lowest predicted loss at its predicted
            rate. None if no law is trusted.
        tied: The trusted schemes that are not shown to lose more than the margin against it,
            itself included.
        ranking: How the choice for the largest size would have ended; None if nothing is left to
            choose from.
    """

    target: float
    sizes: tuple[float, ...]
    confidence: float
    schemes: tuple[SchemeTransfer, ...]
    omitted: tuple[Omitted, ...]
    recommended: str | None
    tied: tuple[str, ...]
    ranking: RankingCheck | None


def predict(
    runs: Sequence[SizeRuns],
    target: float,
    *,
    tolerance: float,
    margin: float,
    skill: float,
    confidence: float = 0.9,
) -> Transfer:
    """Predict each scheme's best rate, basin and loss at a size that was not trained.

    Args:
        runs: Tuning runs, one entry per scheme and size; at least two sizes. With two, nothing is
            trusted, because nothing checks the law.
        target: The size to predict, usually larger than all.
        tolerance: How far above the best a rate may be and belong to the basin, as a share of the
            constant predictor's loss (`decide.basin_tolerance`).
        margin: Differences below this do not matter, as such a share (`decide.margin`).
        skill: A scheme that removes less of that loss is untrainable (`decide.trainable_skill`).
        confidence: With which the promised losses are kept.

    Raises:
        TransferError: If sizes are missing, twice there or not positive.
    """
    raise NotImplementedError
