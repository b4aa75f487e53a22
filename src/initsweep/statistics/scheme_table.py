"""The verdict table: one line per scheme, with where it stands and why."""

from collections.abc import Sequence

from initsweep.core.numbers import plain
from initsweep.core.records import Interval, Outcome, SchemeRow, Standing
from initsweep.statistics.comparison import Losses, paired_difference
from initsweep.statistics.intervals import Range, mean_interval
from initsweep.statistics.over_rows import widened, with_rows
from initsweep.statistics.power import seeds_to_settle
from initsweep.statistics.proportions import half_width, upper_share
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.selection import Choice, laws_of, pareto_front
from initsweep.statistics.thresholds import Thresholds

SURE = 0.95
"""Level of the upper bound of the share of runs that fail."""


def scheme_rows(
    summaries: Sequence[Summary], choice: Choice, thresholds: Thresholds
) -> list[SchemeRow]:
    """Return the verdict table, schemes in the order given."""
    trainable = [summary for summary in summaries if summary.untrainable is None]
    front, laws = pareto_front(trainable), laws_of(trainable)
    return [
        _scheme_row(
            summary,
            choice,
            thresholds,
            outcome="untrainable" if summary.untrainable else choice.outcome(summary.scheme),
            standing="untrainable" if summary.untrainable else choice.standing(summary.scheme),
            why=_why(summary, choice, trainable, laws, thresholds),
            pareto=summary.scheme in front,
        )
        for summary in summaries
    ]


def _why(
    summary: Summary,
    choice: Choice,
    trainable: Sequence[Summary],
    laws: Sequence[Sequence[str]],
    thresholds: Thresholds,
) -> str:
    """Return how far behind the best a scheme is on validation, and why it is in or out."""
    if summary.untrainable is not None:
        return f"better than guessing {summary.untrainable}"
    law = next(law for law in laws if summary.scheme in law)
    same = ", ".join(other for other in law if other != summary.scheme)
    text = _behind(summary, choice, trainable, thresholds)
    return f"{text}; the same law here as {same}, counted once" if same else text


def _behind(
    summary: Summary, choice: Choice, trainable: Sequence[Summary], thresholds: Thresholds
) -> str:
    if summary.scheme == choice.best:
        return "lowest mean"
    best = next(one for one in trainable if one.scheme == choice.best)
    pair = next(p for p in choice.pairs if p.family == "validation" and p.scheme == summary.scheme)
    behind = f"{plain(pair.mean_difference)} behind ({plain(pair.low)} to {plain(pair.high)})"
    standing = choice.standing(summary.scheme)
    if standing == "worse":
        return f"{behind}, shown to be worse"
    margin = thresholds.margin("validation")
    if standing == "tied":
        narrow = summary.scheme not in choice.forgiving
        narrower = "; its basin is shown to be narrower" if narrow else ""
        return f"{behind}, within the margin of {plain(margin)}{narrower}"
    differences = paired_difference(summary.validation, best.validation)
    level = thresholds.level(len(differences) + 1)
    needed, _ = seeds_to_settle(differences, margin, level, choice.comparisons)
    seeds = "no number of seeds in sight" if needed is None else f"about {needed} seeds"
    return (
        f"{behind}, beyond the margin of {plain(margin)}, not shown to be worse: {seeds} would tell"
    )


def _score(scores: Losses, score_rows: Losses | None, thresholds: Thresholds) -> Interval:
    """Return a mean test score with an interval that covers test rows where they are known."""
    over_seeds, counted = mean_interval(scores, thresholds.scores), thresholds.counted_rows
    if counted is None:
        return with_rows(over_seeds, score_rows, thresholds.scores)
    return _counting(over_seeds, counted, thresholds.scores)


def _loss(summary: Summary, thresholds: Thresholds) -> Interval:
    """Return the mean capped test loss with an interval that covers test rows where it can."""
    possible, counted = (0.0, thresholds.cap("test")), thresholds.counted_rows
    over_seeds = mean_interval(summary.test, possible)
    if thresholds.by_score and counted is not None:
        return _counting(over_seeds, counted, possible)
    return with_rows(over_seeds, summary.test_rows, possible)


def _counting(over_seeds: Interval, rows: int, possible: Range) -> Interval:
    """Return an interval over seeds widened by what other rows would change in a share of them."""
    half = half_width(over_seeds.estimate, rows)
    return widened(over_seeds, half, half, possible)


def _scheme_row(
    summary: Summary,
    choice: Choice,
    thresholds: Thresholds,
    *,
    outcome: Outcome,
    standing: Standing,
    why: str,
    pareto: bool,
) -> SchemeRow:
    """Return a scheme's line of the verdict table.

    `failed_runs` and `runs` count the fresh runs at the chosen rate; `divergence_rate` is the
    share of the tuning runs on the shared grid that diverged.
    """
    measured = summary.sensitivity
    trainable = summary.untrainable is None
    basin = measured.basin if trainable else None
    wide = measured.global_basin if trainable else None
    validation = mean_interval(summary.validation, (0.0, thresholds.cap("validation")))
    test = _loss(summary, thresholds)
    scores, score_rows = summary.scores, summary.score_rows
    score = None if scores is None else _score(scores, score_rows, thresholds)
    return SchemeRow(
        scheme=summary.scheme,
        outcome=outcome,
        trainable=trainable,
        standing=standing,
        why=why,
        pareto=pareto,
        learning_rate=summary.learning_rate,
        validation_loss=validation.estimate,
        validation_low=validation.low,
        validation_high=validation.high,
        behind=choice.behind.get(summary.scheme),
        test_loss=test.estimate,
        test_low=test.low,
        test_high=test.high,
        test_score=_estimate(score),
        test_score_low=None if score is None else score.low,
        test_score_high=None if score is None else score.high,
        failed_runs=summary.failed_runs,
        failed_share_high=upper_share(summary.failed_runs, len(summary.failed), SURE),
        overconfident_runs=summary.overconfident_runs,
        runs=len(summary.validation),
        basin_width=None if basin is None else basin.width,
        basin_low=None if basin is None else basin.low,
        basin_high=None if basin is None else basin.high,
        basin_censored="no" if basin is None else basin.censored,
        global_basin_width=None if wide is None else wide.width,
        largest_stable_rate=measured.largest_stable_rate if trainable else None,
        first_unstable_rate=measured.first_unstable_rate if trainable else None,
        safety_margin=measured.safety_margin if trainable else None,
        regret=measured.regret,
        tuned_gap=measured.tuned_gap,
        sensitivity=measured.sensitivity,
        wortsman_sensitivity=measured.wortsman,
        divergence_rate=measured.divergence_rate,
    )


def _estimate(interval: Interval | None) -> float | None:
    return None if interval is None else interval.estimate
