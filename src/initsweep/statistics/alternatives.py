"""What would change the decision: the same rule under other settings and with other seeds.

Nothing here guesses: each line is the decision of `selection.choose`, made again from the same
records with one thing changed. Only how many seeds a pair would need is an estimate.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from initsweep.params import Decide
from initsweep.records import Alternative, NeededSeeds, Schema
from initsweep.statistics.comparison import FEWEST_SEEDS, Losses
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.selection import Choice, choose
from initsweep.statistics.summary import Summary, summarize
from initsweep.statistics.yardstick import Family, Yardstick

POWER = 0.8
FACTORS = (0.25, 0.5, 2.0, 4.0)
MOST_SEEDS = 10_000  # beyond, "more" says enough
# Multiplied by a factor; a share of the constant predictor's loss cannot exceed all of it.
_SETTINGS = ("margin", "basin_tolerance", "trainable_skill", "alpha")
_NORMAL = NormalDist()


def alternatives(evidence: Sequence[Evidence], schema: Schema, decide: Decide) -> list[Alternative]:
    """Decide again with other margins, and with each fresh and each tuning seed left out.

    Without a tuning seed, basins, regrets and who is trainable are measured anew; the rates chosen
    and the fresh runs at them stay, because no others have been run.

    Returns:
        One row per setting and factor, then one per fresh seed and one per tuning seed; the
        decision as it stands is the first row.
    """
    yardstick = Yardstick.of(schema, decide)
    summaries = summarize(evidence, yardstick)
    rows = [_row("as it stands", "", choose(summaries, yardstick))]
    for name in _SETTINGS:
        now = getattr(decide, name)
        for value in (float(f"{now * factor:.6g}") for factor in FACTORS):
            if value < 1:
                changed = Yardstick.of(schema, decide.model_copy(update={name: value}))
                choice = choose(summarize(evidence, changed), changed)
                rows.append(_row(f"decide.{name}", f"{value:g}", choice))
    return rows + [
        _row("without fresh seed", str(seed), choose(left, yardstick))
        for seed, left in _without_each_seed(summaries)
    ] + [
        _row("without tuning seed", str(seed), choose(summarize(left, yardstick), yardstick))
        for seed, left in _without_each_tuning_seed(evidence)
    ]  # fmt: skip


def _without_each_seed(summaries: Sequence[Summary]) -> Iterable[tuple[int, list[Summary]]]:
    seeds = sorted(run.seed for run in summaries[0].evidence.confirm)
    if len(seeds) < 2:
        return
    for place, seed in enumerate(seeds):
        yield (
            seed,
            [
                replace(
                    one,
                    validation=np.delete(one.validation, place),
                    test=np.delete(one.test, place),
                    scores=None if one.scores is None else np.delete(one.scores, place),
                )
                for one in summaries
            ],
        )


def _without_each_tuning_seed(
    evidence: Sequence[Evidence],
) -> Iterable[tuple[int, list[Evidence]]]:
    seeds = sorted({run.seed for run in evidence[0].tuning if run.kind == "grid"})
    if len(seeds) < 2:
        return
    for seed in seeds:
        yield (
            seed,
            [
                replace(one, tuning=[run for run in one.tuning if run.seed != seed])
                for one in evidence
            ],
        )


def _row(question: str, setting: str, choice: Choice) -> Alternative:
    return Alternative(
        question=question,
        setting=setting,
        decision=choice.decision,
        pick=choice.pick,
        tied=len(choice.tie_set),
    )


def needed_seeds(evidence: Sequence[Evidence], schema: Schema, decide: Decide) -> list[NeededSeeds]:
    """Estimate how many fresh seeds would settle each inconclusive pair.

    Returns:
        One row per inconclusive pair of either family, in the order of the comparisons.
    """
    yardstick = Yardstick.of(schema, decide)
    summaries = summarize(evidence, yardstick)
    choice = choose(summaries, yardstick)
    losses: dict[Family, dict[str, Losses]] = {
        "validation": {one.scheme: one.validation for one in summaries},
        "test": {one.scheme: one.test for one in summaries},
    }
    rows = []
    for pair in choice.pairs:
        if pair.outcome == "inconclusive":
            of_family = losses[pair.family]
            comparisons = sum(other.family == pair.family for other in choice.pairs)
            seeds, settles = seeds_to_settle(
                of_family[pair.scheme] - of_family[pair.reference],
                yardstick.margin(pair.family), decide.alpha, comparisons,
            )  # fmt: skip
            rows.append(
                NeededSeeds(
                    family=pair.family, reference=pair.reference, scheme=pair.scheme,
                    seeds=pair.seeds, needed=seeds, settles=settles,
                )
            )  # fmt: skip
    return rows


def seeds_to_settle(
    differences: Losses, margin: float, alpha: float, comparisons: int
) -> tuple[int | None, str]:
    """Estimate with how many seeds a pair would be settled, if mean and spread stay as they are.

    Normal theory: the smallest number that decides in 80 of 100 studies, as different with
    Bonferroni's bound for Holm's correction, or as equivalent with an interval of 95 % inside the
    margin. The smaller counts. It is more than the seeds at hand, with which the pair is open: the
    intervals of few seeds are wider than normal theory's.

    Args:
        differences: Loss of one scheme minus loss of the other, shape (seeds,), at least one.
        margin: The smallest difference of practical interest.
        alpha: Significance level of the family.
        comparisons: How many pairs the family has.

    Returns:
        The number of seeds, at least one more than there are, None above 10 000 or with a single
        seed, whose spread is not known; and "equivalent", "worse" or "better", "" where there is
        no number.

    Source: Chow, S.-C., Shao, J. and Wang, H. (2008), Sample Size Calculations in Clinical
        Research, section 3.1, with the powers behind its formulas in place of their bounds.
    """
    if len(differences) < 2:
        return None, ""
    mean, spread = abs(float(np.mean(differences))), float(np.std(differences, ddof=1))
    strict, wide = _NORMAL.inv_cdf(1 - alpha / (2 * comparisons)), _NORMAL.inv_cdf(0.975)

    def differs(seeds: int) -> float:
        return _below(mean, spread / seeds**0.5, strict)

    def equals(seeds: int) -> float:
        error = spread / seeds**0.5
        return _below(margin - mean, error, wide) + _below(margin + mean, error, wide) - 1

    side = "worse" if np.mean(differences) > 0 else "better"
    fewest = max(FEWEST_SEEDS, len(differences) + 1)
    # Of two that take as many, equivalence is what the rule looks at first.
    ways = ((_enough(equals, fewest), "equivalent"), (_enough(differs, fewest), side))
    seeds, settles = min(ways, key=lambda way: way[0])
    return (None, "") if seeds > MOST_SEEDS else (seeds, settles)


def _below(distance: float, error: float, bound: float) -> float:
    """Return the probability of an estimate more than `bound` errors inside a distance."""
    if error == 0:
        return float(distance > 0)
    return _NORMAL.cdf(distance / error - bound)


def _enough(power: Callable[[int], float], fewest: int) -> int:
    """Return the smallest number of seeds with the wanted power, one beyond the most if none."""
    return fewest + bisect_left(range(fewest, MOST_SEEDS + 1), POWER, key=power)
