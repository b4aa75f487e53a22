"""How the verdict was reached, step by step, with the numbers each step used."""

from collections.abc import Mapping, Sequence

from initsweep.core.numbers import loss, percent, rate, setting_percent, trimmed, width
from initsweep.statistics.comparison import FEWEST_SEEDS
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.selection import Choice
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import counted, paired


def steps_of_decision(
    summaries: Sequence[Summary], choice: Choice, thresholds: Thresholds
) -> list[str]:
    """Return the steps of the decision, first to last."""
    trainable = {s.scheme: s for s in summaries if s.untrainable is None}
    steps = [
        f"Trainable: {len(trainable)} of {counted(len(summaries), 'scheme')}, which means better "
        f"than guessing by loss ({setting_percent(thresholds.decide.trainable_skill)} below the "
        f"constant predictor's {loss(thresholds.initial_cap)} on validation) or by score, both at "
        "some rate of the grid and on fresh seeds at the chosen rate."
    ]
    if choice.best is None:
        return steps
    best = trainable[choice.best]
    return [
        *steps,
        f"Best on validation: {best.scheme}, mean capped loss {loss(best.mean_validation)} over "
        f"{counted(choice.seeds, 'fresh seed')} at learning rate {rate(best.learning_rate)}.",
        *_looks([*trainable.values()], thresholds),
        *_comparisons(choice, trainable, thresholds),
        *_forgiving(choice, trainable),
        _last_step(choice, thresholds),
    ]


def _looks(trainable: Sequence[Summary], thresholds: Thresholds) -> list[str]:
    if not thresholds.looks:
        return []
    first, most = thresholds.looks[0], thresholds.looks[-1]
    grown = sum(len(summary.validation) > first for summary in trainable)
    return [
        f"After {counted(first, 'seed')} of all, {counted(grown, 'scheme')} that might still be "
        f"recommended got more. Looks at {', '.join(map(str, thresholds.looks))} seeds spend alpha "
        f"in shares, so that a pair is compared at {trimmed(thresholds.level(first))} on {first} "
        f"seeds and at {trimmed(thresholds.level(most))} on more."
    ]


def _comparisons(
    choice: Choice, trainable: Mapping[str, Summary], thresholds: Thresholds
) -> list[str]:
    pairs = [pair for pair in choice.pairs if pair.family == "validation"]
    if not pairs:
        return []
    return [
        f"Compared with {choice.best}, paired by seed (mean difference [95 % interval], sign-flip "
        f"p after Holm over {counted(choice.comparisons, 'comparison')}, alpha "
        f"{thresholds.decide.alpha}, margin {loss(thresholds.margin('validation'))}): "
        f"{'; '.join(map(paired, pairs))}.",
        f"{_worse_means(trainable, thresholds)} {_tied(choice, thresholds.margin('validation'))}",
    ]


def _worse_means(trainable: Mapping[str, Summary], thresholds: Thresholds) -> str:
    """Say when a scheme is called worse here: of looks and failures only where there are any.

    Returns:
        A sentence.
    """
    level = "the level for its number of seeds" if thresholds.looks else "alpha"
    text = f"Worse means: Holm p below {level}, and an interval above 0 that does not lie within "
    if not any(summary.failed_runs for summary in trainable.values()):
        return f"{text}the margin."
    return (
        f"{text}the margin; where runs of the two failed, it must also lie above what failures of "
        "the better one that these seeds did not meet could make up for."
    )


def _tied(choice: Choice, margin: float) -> str:
    if len(choice.tie_set) > 1:
        text = f"Tied, because within {loss(margin)} and not worse: {', '.join(choice.tie_set)}."
    else:
        text = f"No other comes within {loss(margin)} of {choice.best}."
    if choice.undecided:
        text += f" Neither tied nor worse: {', '.join(choice.undecided)}."
    return text


def _forgiving(choice: Choice, trainable: Mapping[str, Summary]) -> list[str]:
    if len(choice.tie_set) == 1:
        return []
    ties = [trainable[name] for name in choice.tie_set]
    widths = ", ".join(
        f"{one.scheme} {width(one.basin_width, one.basin_censored)} decades" for one in ties
    )
    left = len(choice.forgiving)
    narrower = "none is shown to be narrower than the widest, so that none is taken out for it"
    if left < len(choice.tie_set):
        out = ", ".join(name for name in choice.tie_set if name not in choice.forgiving)
        narrower = f"shown to be narrower than the widest, and taken out: {out}"
    return [f"Basins of those that tie: {widths}; {narrower}. The lowest mean of those left is "
            f"that of {choice.pick}."]  # fmt: skip


def _last_step(choice: Choice, thresholds: Thresholds) -> str:
    if choice.recommended is None:
        return (
            f"No winner is named: {choice.seeds} of {choice.seeds_needed} seeds. It takes "
            f"{FEWEST_SEEDS}, and enough for the smallest sign-flip p, 2^(1 - seeds), times "
            f"{counted(choice.comparisons, 'comparison')} to fall below "
            f"{trimmed(thresholds.level(choice.seeds))}. Test "
            f"losses are compared with those of {choice.pick} for want of a recommended scheme."
        )
    picked = ", ".join(f"{name} {percent(part)}" for name, part in choice.picks.items())
    test = " Test losses were compared with its own after this choice and did not change it."
    return (
        f"Recommended: {choice.recommended}. Other studies of the same data, drawn from these "
        f"seeds, pick: {picked}.{test if choice.pairs else ''}"
    )
