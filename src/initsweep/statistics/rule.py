"""How the verdict was reached, step by step, with the numbers each step used."""

from collections.abc import Mapping, Sequence

from initsweep.statistics.comparison import FEWEST_SEEDS
from initsweep.statistics.selection import Choice
from initsweep.statistics.summary import Summary
from initsweep.statistics.wording import counted, listed, number, paired, rate, share
from initsweep.statistics.yardstick import Yardstick


def rule_of(summaries: Sequence[Summary], choice: Choice, yardstick: Yardstick) -> list[str]:
    """Return the steps of the decision, first to last."""
    trainable = {s.scheme: s for s in summaries if s.untrainable is None}
    steps = [
        f"Trainable: {len(trainable)} of {counted(len(summaries), 'scheme')}, which means a mean "
        f"loss {share(yardstick.decide.trainable_skill)} below the constant predictor's on "
        f"validation ({number(yardstick.validation_constant)}), both at some rate of the grid and "
        "on fresh seeds at the chosen rate."
    ]
    if choice.best is None:
        return steps
    best = trainable[choice.best]
    return [
        *steps,
        f"Best on validation: {best.scheme}, mean capped loss {number(best.mean_validation)} over "
        f"{counted(choice.seeds, 'fresh seed')} at learning rate {rate(best.learning_rate)}.",
        *_comparisons(choice, yardstick),
        *_tie_breaks(choice, trainable),
        _last_step(choice, len(trainable), yardstick),
    ]


def _comparisons(choice: Choice, yardstick: Yardstick) -> list[str]:
    pairs = [pair for pair in choice.pairs if pair.family == "validation"]
    if not pairs:
        return []
    return [
        f"Compared with {choice.best}, paired by seed (mean difference [95 % interval], sign-flip "
        f"p after Holm over {counted(len(pairs), 'comparison')}, alpha {yardstick.decide.alpha}, "
        f"margin {number(yardstick.margin('validation'))}): {'; '.join(map(paired, pairs))}.",
        "Worse means: Holm p below alpha, and an interval above 0 that does not lie within the "
        f"margin. {_tied(choice)}",
    ]


def _tied(choice: Choice) -> str:
    if len(choice.tie_set) > 1:
        return f"Not distinguished (tied), because not worse: {listed(choice.tie_set)}."
    return f"All others are worse than {choice.best}."


def _tie_breaks(choice: Choice, trainable: Mapping[str, Summary]) -> list[str]:
    return [
        f"{tie_break.name.capitalize()}, among those still tied: "
        + "; ".join(tie_break.show(trainable[scheme]) for scheme in among)
        + "."
        for tie_break, among in zip(choice.tie_breaks, choice.tied_before, strict=True)
    ]


def _last_step(choice: Choice, trainable: int, yardstick: Yardstick) -> str:
    if choice.recommended is None:
        return (
            f"No winner is named: {choice.seeds} of {choice.seeds_needed} seeds. It takes "
            f"{FEWEST_SEEDS}, and enough for the smallest sign-flip p, 2^(1 - seeds), times "
            f"{counted(trainable - 1, 'comparison')} to fall below {yardstick.decide.alpha}. Test "
            f"losses are compared with those of {choice.pick} for want of a recommended scheme."
        )
    test = "Test losses were compared with its own after this choice and did not change it."
    return f"Recommended: {choice.recommended}. {test if choice.pairs else ''}".strip()
