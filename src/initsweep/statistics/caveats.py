"""What limits a verdict. Every sentence is said only where it is true."""

from collections.abc import Sequence

from initsweep.core.numbers import interval, loss, percent
from initsweep.core.params import fingerprint
from initsweep.core.records import Schema
from initsweep.statistics.comparison import mostly_cut
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.learning import loss_curves
from initsweep.statistics.over_rows import rows_explain
from initsweep.statistics.proportions import share_interval
from initsweep.statistics.scheme_caveats import scheme_caveats
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.selection import Choice
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.tie_caveats import failed_ties, same_runs
from initsweep.statistics.wording import compared_by, counted, paired

# Below this, intervals of a mean cover less than 94 % for skewed losses (docs/statistics.md).
FEW_SEEDS = 10
# Share of studies of schemes that are all the same and normal, 10 seeds, that call some scheme
# worse, by number of schemes (docs/statistics.md).
FALSELY_WORSE = {4: 0.06, 8: 0.10, 13: 0.14}


def caveats_of(
    summaries: Sequence[Summary], choice: Choice, schema: Schema, thresholds: Thresholds
) -> list[str]:
    """List everything that limits the verdict.

    Returns:
        One sentence each, the most general first.
    """
    trainable = [summary for summary in summaries if summary.untrainable is None]
    return [
        _scope(schema),
        *_arms(summaries),
        *_cut_on_test(trainable, choice, schema, thresholds),
        *schema.caveats,
        *_test_rows(schema, summaries),
        "All studies of this data split share its test rows: choosing between studies by test "
        f"{compared_by(schema)} would flatter the one chosen.",
        *_few_seeds(summaries),
        *_comparisons(choice, schema),
        *same_runs(trainable),
        *failed_ties(trainable, choice, thresholds),
        *_mixed_origin(summaries),
        *_untrainable(summaries),
        *_better_on_test(choice, schema),
        *_turning_up(trainable, choice, schema, thresholds),
        *scheme_caveats(trainable, thresholds),
    ]


def _scope(schema: Schema) -> str:
    """Return what the verdict is about, and what seeds vary: that is what intervals cover."""
    if schema.task == "own":
        return (
            f"This holds for the data, network, optimizer and training length of "
            f"{schema.reference}: seeds vary the initial weights and what that function draws by "
            "them, and intervals are over seeds."
        )
    if schema.validation == "fixed":
        return (
            "This holds for this data split, network, optimizer and training length: seeds vary "
            "the initial weights and the order of the batches and nothing else, and intervals are "
            "over seeds."
        )
    return (
        "This holds for these data, this network, optimizer and training length: a seed draws its "
        f"{schema.rows['train']} training and {schema.rows['validation']} validation rows, the "
        "initial weights and the order of the batches, and intervals cover all of these."
    )


def _arms(summaries: Sequence[Summary]) -> list[str]:
    """Return which schemes bring an optimizer of their own."""
    options = {one.scheme: one.evidence.selection.options for one in summaries}
    arms = [f"{name} ({own['optimizer']})" for name, own in options.items() if "optimizer" in own]
    if not arms:
        return []
    return [
        f"Some schemes bring an optimizer of their own: {', '.join(arms)}. What lies between them "
        "and the others is due to initializer and optimizer together, and a width of basin in "
        "decades means another range of steps for another optimizer."
    ]


def _cut_on_test(
    trainable: Sequence[Summary], choice: Choice, schema: Schema, thresholds: Thresholds
) -> list[str]:
    """Return which recommended or best scheme is no better than guessing on the test rows."""
    cap, named = thresholds.cap("test"), choice.recommended or choice.best
    losses = next((one.test for one in trainable if one.scheme == named), None)
    if losses is None or not mostly_cut(losses, losses, cap):
        return []
    cut = int((losses >= cap).sum())
    return [
        f"On test rows {cut} of {counted(len(losses), 'run')} of {named} are no better than the "
        f"constant predictor ({loss(cap)}): what was learned does not hold there. Test "
        f"{compared_by(schema)} is cut at that value, so that schemes look alike beyond."
    ]


def _test_rows(schema: Schema, summaries: Sequence[Summary]) -> list[str]:
    """Return which intervals on test leave out that other rows could be the test rows."""
    covered = schema.score_name == "accuracy" or rows_explain(schema)
    names = [] if covered else [schema.score_name]
    if schema.select_by == "score":
        names.append("differences between schemes")
    elif all(_without_rows(one) for one in summaries):
        names = [schema.loss_name, "differences between schemes", *names]
    rows = counted(schema.rows["test"], "row") if schema.rows else "examples"
    return [
        f"Intervals of the test {name.replace('_', ' ')} are over seeds; which {rows} are the test "
        "rows, they leave out."
        for name in names
    ]


def _without_rows(summary: Summary) -> bool:
    """Return whether a training function of the user's told of no test rows."""
    engine = summary.evidence.confirmation.engine
    return summary.test_rows is None and engine.startswith("own loop")


def _few_seeds(summaries: Sequence[Summary]) -> list[str]:
    fresh = min(len(summary.validation) for summary in summaries)
    counts = ((fresh, "fresh"), (_tuning_seeds(summaries), "tuning"))
    found = [
        f"There is one {what} seed: intervals over it have no width."
        for seeds, what in counts
        if seeds == 1
    ]
    few = [f"{seeds} {what}" for seeds, what in counts if 1 < seeds < FEW_SEEDS]
    if few:
        found.append(
            f"Intervals over {' and '.join(few)} seeds are too narrow for skewed values, and know "
            "nothing of a failure that these seeds did not meet."
        )
    return found


def _tuning_seeds(summaries: Sequence[Summary]) -> int:
    return min(summary.grid.seeds for summary in summaries)


def _comparisons(choice: Choice, schema: Schema) -> list[str]:
    found = []
    against = [pair for pair in choice.pairs if pair.family == "validation"]
    if choice.comparisons > 1 and any(pair.outcome == "worse" for pair in against):
        found.append(
            "The best on validation was found on the same fresh runs that it is compared with, so "
            "`worse` on validation is somewhat too easy to get: "
            f"{_falsely_worse(choice.comparisons + 1)}"
        )
    if any(pair.outcome in {"worse", "better"} for pair in choice.pairs):
        fewest = min(pair.seeds for pair in choice.pairs)
        most = share_interval(0, fewest)[1]
        found.append(
            "The sign-flip test asks whether paired differences are symmetric about zero, not "
            f"whether means agree. Rare failures break that: none of {fewest} runs failed "
            f"leaves up to {percent(most)} of failures possible (95 %), and of two "
            f"schemes with the same mean {compared_by(schema)} the one that fails now and then is "
            "mostly called better where no failure was seen (`docs/statistics.md`)."
        )
    if any(pair.outcome == "equivalent" for pair in choice.pairs):
        found.append(
            "`equivalent` means that the interval of the difference lies within the margin; it "
            "rests on that interval alone, uncorrected for the number of comparisons."
        )
    return found


def _falsely_worse(schemes: int) -> str:
    """Say how often one of so many schemes, all the same, is called worse without cause.

    Returns:
        Part of a sentence.
    """
    size = next((size for size in sorted(FALSELY_WORSE) if size >= schemes), max(FALSELY_WORSE))
    bound = "at least " if size < schemes else "at most " if size > schemes else ""
    return (
        f"among {schemes} schemes that are all the same, some scheme is called so in "
        f"{bound}about {percent(FALSELY_WORSE[size])} of studies of 10 seeds, not in 5 %."
    )


def _mixed_origin(summaries: Sequence[Summary]) -> list[str]:
    origins = {
        fingerprint([provenance.code_sha, provenance.versions])
        for summary in summaries
        for provenance in (
            summary.evidence.selection.provenance,
            summary.evidence.confirmation.provenance,
        )
    }
    if len(origins) == 1:
        return []
    return [
        "The schemes were not all trained by the same code and library versions; "
        "`dvc repro --force` trains all of them again."
    ]


def _untrainable(summaries: Sequence[Summary]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for summary in summaries:
        if summary.untrainable:
            reasons.setdefault(summary.untrainable, []).append(summary.scheme)
    return [
        f"Untrainable: {', '.join(schemes)} were better than guessing, by loss or by score, "
        f"{reason}; left out of ranking, comparisons and Pareto front."
        for reason, schemes in reasons.items()
    ]


def _turning_up(
    trainable: Sequence[Summary], choice: Choice, schema: Schema, thresholds: Thresholds
) -> list[str]:
    """Return whether the recommended scheme is past its best when training ends."""
    summary = next((one for one in trainable if one.scheme == choice.recommended), None)
    if summary is None:
        return []
    curves, seeds = summary.evidence.curves, sorted(run.seed for run in summary.evidence.confirm)
    epochs = max(row.epoch for row in curves)
    losses = loss_curves(curves, seeds, epochs, thresholds.validation_constant)
    lowest = int(losses.mean(axis=0).argmin())
    rise = mean_interval(losses[:, -1] - losses[:, lowest])
    if rise.low <= thresholds.margin("validation"):
        return []
    return [
        f"Validation curves turn up: {compared_by(schema)} of {summary.scheme} is lowest after "
        f"epoch {lowest}, and {loss(rise.estimate)} higher ({interval(rise.low, rise.high)}) "
        f"after the last, {epochs}. With `training.epochs: {max(1, lowest)}` schemes and rates are "
        "judged before networks overfit."
    ]


def _better_on_test(choice: Choice, schema: Schema) -> list[str]:
    if choice.recommended is None:
        return []
    better = [p for p in choice.pairs if p.family == "test" and p.outcome == "better"]
    return [
        f"On test {compared_by(schema)} {pair.scheme} is better than the recommended "
        f"{pair.reference}: {paired(pair)}. The choice was made on validation and is not revised."
        for pair in better
    ]
