"""What would change the decision: the same rule under other settings and with other seeds.

Nothing here guesses: each line is the decision of `selection.choose`, made again from the same
records with one thing changed. Only how many seeds a pair would need is an estimate.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from initsweep.core.params import Decide
from initsweep.core.records import Alternative, NeededSeeds, Schema
from initsweep.statistics.comparison import Losses, paired_difference
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.power import seeds_to_settle
from initsweep.statistics.scheme_summary import Summary, summarize
from initsweep.statistics.selection import Choice, choose
from initsweep.statistics.thresholds import Family, Thresholds

FACTORS = (0.25, 0.5, 2.0, 4.0)
# Multiplied by a factor; a share of the constant predictor's loss cannot exceed all of it.
_SETTINGS = ("margin", "basin_tolerance", "trainable_skill", "alpha")


def alternatives(
    evidence: Sequence[Evidence], schema: Schema, decide: Decide, first_seeds: int = 0
) -> list[Alternative]:
    """Decide again with other margins, and with each fresh and each tuning seed left out.

    Without a tuning seed, basins, regrets and who is trainable are measured anew; the rates chosen
    and the fresh runs at them stay, because no others have been run.

    Returns:
        One row per setting and factor, then one per fresh seed and one per tuning seed; the
        decision as it stands is the first row.
    """
    thresholds = Thresholds.of(schema, decide, first_seeds)
    summaries = summarize(evidence, thresholds)
    rows = [_row("as it stands", "", choose(summaries, thresholds))]
    for name in _SETTINGS:
        now = getattr(decide, name)
        for value in (float(f"{now * factor:.6g}") for factor in FACTORS):
            if value < 1:
                changed = Thresholds.of(
                    schema, decide.model_copy(update={name: value}), first_seeds
                )
                choice = choose(summarize(evidence, changed), changed)
                rows.append(_row(f"decide.{name}", f"{value:g}", choice))
    return rows + [
        _row("without fresh seed", str(seed), choose(left, thresholds))
        for seed, left in _without_each_seed(summaries)
    ] + [
        _row("without tuning seed", str(seed), choose(summarize(left, thresholds), thresholds))
        for seed, left in _without_each_tuning_seed(evidence)
    ]  # fmt: skip


def _without_each_seed(summaries: Sequence[Summary]) -> Iterable[tuple[int, list[Summary]]]:
    fewest = min((one.evidence.confirm for one in summaries), key=len)
    seeds = sorted(run.seed for run in fewest)  # those that all schemes have
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
                    failed=np.delete(one.failed, place),
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
        yield seed, [_without_tuning_seed(one, seed) for one in evidence]


def _without_tuning_seed(one: Evidence, seed: int) -> Evidence:
    """Return what is left without a seed; a rate that left a race after it has no other."""
    counts = Counter(run.learning_rate for run in one.tuning)
    kept = [run for run in one.tuning if run.seed != seed or counts[run.learning_rate] == 1]
    return replace(one, tuning=kept)


def _row(question: str, setting: str, choice: Choice) -> Alternative:
    return Alternative(
        question=question,
        setting=setting,
        decision=choice.decision,
        pick=choice.pick,
        tied=len(choice.tie_set),
    )


def needed_seeds(
    evidence: Sequence[Evidence], schema: Schema, decide: Decide, first_seeds: int = 0
) -> list[NeededSeeds]:
    """Estimate how many fresh seeds would settle each inconclusive pair.

    Returns:
        One row per inconclusive pair of either family, in the order of the comparisons.
    """
    thresholds = Thresholds.of(schema, decide, first_seeds)
    summaries = summarize(evidence, thresholds)
    choice = choose(summaries, thresholds)
    losses: dict[Family, dict[str, Losses]] = {
        "validation": {one.scheme: one.validation for one in summaries},
        "test": {one.scheme: one.test for one in summaries},
    }
    rows = []
    for pair in choice.pairs:
        if pair.outcome == "inconclusive":
            of_family = losses[pair.family]
            seeds, settles = seeds_to_settle(
                paired_difference(of_family[pair.scheme], of_family[pair.reference]),
                thresholds.margin(pair.family), thresholds.level(pair.seeds + 1),
                max(1, choice.comparisons),
            )  # fmt: skip
            rows.append(
                NeededSeeds(
                    family=pair.family, reference=pair.reference, scheme=pair.scheme,
                    seeds=pair.seeds, needed=seeds, settles=settles,
                )
            )  # fmt: skip
    return rows
