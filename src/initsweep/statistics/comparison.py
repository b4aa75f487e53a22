"""Paired comparisons of schemes over the same fresh seeds, corrected for their number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval, Outcome, PairRow
from initsweep.statistics.intervals import mean_interval, mean_of
from initsweep.statistics.over_rows import with_rows
from initsweep.statistics.proportions import upper_share
from initsweep.statistics.thresholds import Family, Thresholds

Losses = NDArray[np.float64]

FEWEST_SEEDS = 9
EXACT_UP_TO = 20
RANDOM_FLIPS = 99_999
MOSTLY = 0.5
UNSEEN = 0.8
"""How sure the bound of failures that were not seen must be; calibrated in docs/statistics.md."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """The fresh runs of a scheme as they are compared.

    Attributes:
        losses: Capped losses, shape (seeds,), seeds in the same order for all schemes.
        failed: Which of the runs failed, shape (seeds,).
        rows: On test, the mean loss of each row over seeds, shape (rows,), where it is known.
    """

    losses: Losses
    failed: NDArray[np.bool_]
    rows: Losses | None = None

    def allowance(self, cap: float, shared: int) -> float:
        """Return by how much failures that compared seeds did not meet may raise the mean loss.

        From the share of failures in these to the upper end of the one-sided 80 % interval of the
        share in all, each of them from the mean of the other runs to the cap.

        Args:
            cap: The loss of a failed run.
            shared: How many of the seeds, the first ones, are compared.
        """
        trained = self.losses[~self.failed]
        if not len(trained):
            return 0.0
        seen = int(self.failed.sum())
        unseen = upper_share(seen, len(self.failed), UNSEEN) - float(self.failed[:shared].mean())
        return max(0.0, unseen) * (cap - mean_of(trained))


def compare_with(
    family: Family, reference: str, runs: Mapping[str, Runs], thresholds: Thresholds
) -> list[PairRow]:
    """Compare every other scheme with the reference: the declared family of comparisons.

    Schemes whose runs are the same, run by run, are one law here and one comparison. A pair is
    compared over the seeds that both have, which are the first ones of the other.

    Args:
        family: Which losses these are; the margin is a share of the constant predictor's.
        reference: The scheme all others are compared with; a key of `runs`.
        runs: The fresh runs of each scheme.
        thresholds: Margin and significance level.

    Returns:
        One row for each scheme but the reference, in the order of `runs`.
    """
    differences = differences_from(reference, runs)
    laws = {d.tobytes(): sign_flip_p(d) for d in differences.values() if d.any()}
    corrected = dict(zip(laws, holm(list(laws.values())), strict=True))
    rows = []
    for scheme, difference in differences.items():
        law = difference.tobytes()
        p_values = (laws.get(law, 1.0), corrected.get(law, 1.0))
        alpha = thresholds.level(len(difference))
        rows.append(_pair_row(family, reference, scheme, runs, p_values, alpha, thresholds))
    return rows


def differences_from(reference: str, runs: Mapping[str, Runs]) -> dict[str, Losses]:
    """Return every other scheme's losses minus the reference's, in the order of `runs`.

    Over the seeds that both have, shape (seeds,).
    """
    base = runs[reference].losses
    return {
        scheme: paired_difference(one.losses, base)
        for scheme, one in runs.items()
        if scheme != reference
    }


def paired_difference(losses: Losses, reference: Losses) -> Losses:
    """Return losses minus others', seed by seed, over the first seeds, which both have."""
    shared = min(len(losses), len(reference))
    return losses[:shared] - reference[:shared]


def family_size(reference: str, runs: Mapping[str, Runs]) -> int:
    """Return how many comparisons Holm's correction counts: one for every law but the reference's.

    Schemes whose runs are the same, run by run, count once.
    """
    return len({d.tobytes() for d in differences_from(reference, runs).values() if d.any()})


def _pair_row(
    family: Family,
    reference: str,
    scheme: str,
    runs: Mapping[str, Runs],
    p_values: tuple[float, float],
    alpha: float,
    thresholds: Thresholds,
) -> PairRow:
    cap, one, other = thresholds.cap(family), runs[scheme], runs[reference]
    rows = None if one.rows is None or other.rows is None else one.rows - other.rows
    possible, differences = (-cap, cap), paired_difference(one.losses, other.losses)
    difference = with_rows(mean_interval(differences, possible), rows, possible)
    outcome = outcome_of(difference, p_values[1], thresholds.margin(family), alpha)
    outcome = with_failures(outcome, difference, one, other, cap, len(differences))
    if outcome == "equivalent" and mostly_cut(one.losses, other.losses, cap):
        outcome = "inconclusive"  # equal because both were cut, whatever they were before
    return PairRow(
        family=family,
        reference=reference,
        scheme=scheme,
        seeds=len(differences),
        low=difference.low,
        mean_difference=difference.estimate,
        high=difference.high,
        p_value=p_values[0],
        p_holm=p_values[1],
        probability_better=probability_better(
            one.losses[: len(differences)], other.losses[: len(differences)]
        ),
        outcome=outcome,
    )


def with_failures(
    outcome: Outcome, difference: Interval, one: Runs, other: Runs, cap: float, shared: int
) -> Outcome:
    """Return an outcome that failures leave standing, else "inconclusive"."""
    if outcome in {"better", "worse"} and (one.failed.any() or other.failed.any()):
        nearest = min(abs(difference.low), abs(difference.high))
        if nearest <= (one if outcome == "better" else other).allowance(cap, shared):
            return "inconclusive"  # the seeds may have missed failures of the one ahead
    if outcome == "equivalent" and any(r.failed[shared:].any() for r in (one, other)):
        return "inconclusive"  # equal on seeds that have missed failures
    return outcome


def mostly_cut(first: Losses, second: Losses, cap: float) -> bool:
    """Return whether both losses lie at the cap for more than half of the seeds."""
    shared = min(len(first), len(second))
    return bool(np.mean((first[:shared] >= cap) & (second[:shared] >= cap)) > MOSTLY)


def outcome_of(difference: Interval, p_holm: float, margin: float, alpha: float) -> Outcome:
    """Say what a difference in loss means for the scheme it is the loss of.

    Equivalence comes first: a difference whose interval lies within the margin is of no practical
    interest, even if that interval excludes zero. It rests on the interval alone, without
    correction for the number of comparisons.

    Returns:
        "equivalent" if the interval lies within the margin; "better" or "worse" if the corrected
        p-value is below alpha and the interval excludes zero; otherwise "inconclusive".
    """
    if -margin < difference.low and difference.high < margin:
        return "equivalent"
    if p_holm < alpha and difference.high < 0:
        return "better"
    if p_holm < alpha and difference.low > 0:
        return "worse"
    return "inconclusive"


def sign_flip_p(differences: Losses) -> float:
    """Return the two-sided sign-flip p-value of "the differences are symmetric about zero".

    Exact up to 20 seeds: the share of all sign patterns whose sum is at least as far from zero
    as the observed one. Above that the share among 99 999 random patterns and the observed one.

    Args:
        differences: Loss of one scheme minus loss of the other, shape (seeds,).

    Returns:
        A probability, at least 2**(1 - seeds) where exact.

    Source: Fisher, R. A. (1935), The Design of Experiments, section 21; for the random patterns
    Phipson, B. and Smyth, G. K. (2010), Stat. Appl. Genet. Mol. Biol. 9(1), 39.
    """
    # Sums that are equal on paper differ by rounding; without slack they would not count as ties.
    slack = 1e-12 * float(np.abs(differences).sum())
    observed = abs(float(differences.sum())) - slack
    if len(differences) <= EXACT_UP_TO:
        # Patterns come in mirrored pairs, so the first sign may stay fixed.
        sums = differences[:1]
        for difference in differences[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return float(np.mean(np.abs(sums) >= observed))
    sums = np.zeros(RANDOM_FLIPS)
    for signs, difference in zip(_random_signs(len(differences)), differences, strict=True):
        sums += signs * difference
    return float((1 + np.sum(np.abs(sums) >= observed)) / (1 + RANDOM_FLIPS))


@lru_cache(maxsize=8)
def _random_signs(seeds: int) -> NDArray[np.int8]:
    """Return random sign patterns, shape (seeds, RANDOM_FLIPS), the same for all comparisons."""
    stream = numpy_stream("statistics", "sign-flip", seeds)
    return np.stack([
        np.where(stream.random(RANDOM_FLIPS) < 0.5, 1, -1).astype(np.int8) for _ in range(seeds)
    ])  # fmt: skip


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for the size of their family, in the order given.

    Source: Holm, S. (1979), A simple sequentially rejective multiple test procedure, Scand. J.
    Statist. 6, 65-70.
    """
    corrected = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected


def probability_better(losses: Losses, reference: Losses) -> float:
    """Return the probability that a run of the first scheme has the lower loss.

    Taken over all pairs of runs, seeds paired or not; ties count half.

    Source: Mann, H. B. and Whitney, D. R. (1947), Ann. Math. Statist. 18, 50-60: U / (n m).
    """
    lower = losses[:, np.newaxis] < reference
    tied = losses[:, np.newaxis] == reference
    return float(np.mean(lower + 0.5 * tied))


def seeds_needed(comparisons: int, alpha: float) -> int:
    """Return how many paired seeds a family needs before any scheme may be named the winner.

    With n seeds the smallest sign-flip p is 2**(1 - n); Holm multiplies it by the number of
    comparisons, and the product must be able to fall below alpha. Never fewer than nine.
    """
    seeds = FEWEST_SEEDS
    while comparisons * 2.0 ** (1 - seeds) >= alpha:
        seeds += 1
    return seeds
