"""The first screen of the packet: the answer, how sure it is, and why it is no other."""

from collections.abc import Iterator, Sequence

import numpy as np

from initsweep.core import numbers
from initsweep.core.records import SchemeRow, Verdict
from initsweep.core.results import Results
from initsweep.statistics.comparison import mostly_cut
from initsweep.statistics.failing import failed
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.statement import answer_in_words
from initsweep.statistics.thresholds import Thresholds
from initsweep.views.packet import what_would_change
from initsweep.views.packet.carried import carried

DECISIONS = {
    "winner": "Winner",
    "lead": "Ahead",
    "tie": "Tie",
    "cannot_tell": "Cannot tell",
    "none_trainable": "None trainable",
}


def decision(verdict: Verdict) -> str:
    """Return the decision in words, and whether another study would make it, too."""
    word = DECISIONS[verdict.decision]
    if verdict.recommended is None:
        return word
    return f"{word}, {'firm' if verdict.firm else 'fragile'}"


def headline(study: Results) -> str:
    """Return the recommendation with the intervals of what it promises, or why there is none."""
    said = answer_in_words(study.verdict, study.schemes)
    return study.verdict.statement if said is None else said.answer


def points(study: Results) -> list[tuple[str, str]]:
    """Return what to know about the recommendation and what larger networks start from.

    Each with its head.
    """
    larger = [("Larger sizes", one.answer) for one in carried(study)]
    return [*larger, *_of_the_recommended(study)]


def _of_the_recommended(study: Results) -> list[tuple[str, str]]:
    said, chosen = (
        answer_in_words(study.verdict, study.schemes),
        _row(study, study.verdict.recommended),
    )
    if said is None or chosen is None:
        return []
    sure = said.sure
    if sure and not study.verdict.firm:
        sure += " More seeds (`decide.most_seeds`) would make it firmer"
        tied = len(study.verdict.tie_set) > 1
        sure += "; which of those that tie is taken matters little." if tied else "."
    return [
        *([("How sure", sure)] if sure else []),
        ("What else ties", said.standing),
        *why_not(study),
        *_by_the_other(study, said.other),
        ("What would change it", what_would_change.in_short(study)),
        ("Other rates", said.rates),
        *_scope(study.verdict),
    ]


def _scope(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield what the rate presumes of inputs and targets, if they are not taken as they are."""
    if "standardized" in verdict.holds_for:
        yield (
            "What the rate is for",
            f"{verdict.holds_for[0].upper()}{verdict.holds_for[1:]}; on raw ones training may "
            "diverge. `initsweep export` writes the numbers down; the served model has them.",
        )


def _row(study: Results, scheme: str | None) -> SchemeRow | None:
    return next((row for row in study.schemes if row.scheme == scheme), None)


def why_not(study: Results) -> Iterator[tuple[str, str]]:
    """Yield why the schemes with the best raw numbers are not the recommended one."""
    chosen = _row(study, study.verdict.recommended)
    if chosen is None:
        return
    rows = [row for row in study.schemes if row.trainable]
    best = _row(study, study.verdict.best_on_validation)
    if best is not None and best is not chosen:
        yield (
            f"Why not {best.scheme}",
            f"It has the lowest validation loss ({numbers.loss(best.validation_loss)} against "
            f"{numbers.loss(chosen.validation_loss)}), within the margin, and is shown to be less "
            f"forgiving: its basin is {numbers.width(best.basin_width, best.basin_censored)} "
            f"decades wide against {numbers.width(chosen.basin_width, chosen.basin_censored)}.",
        )
    raw = _best_raw_numbers(study.verdict, rows, chosen)
    for row in (row for row in rows if row.scheme in raw and row not in (best, chosen)):
        yield (
            f"Why not {row.scheme}",
            f"It has the {' and the '.join(raw[row.scheme])}."
            f"{_over_shared_seeds(study, row, chosen)} What counts is validation: {row.why}.",
        )


def _over_shared_seeds(study: Results, row: SchemeRow, chosen: SchemeRow) -> str:
    """Say how far apart two are on test where their means are over other seeds.

    Returns:
        A sentence; "" where they are over the same.
    """
    if row.runs == chosen.runs:
        return ""
    pair = next(p for p in study.pairs if p.family == "test" and p.scheme == row.scheme)
    mean, low, high = map(numbers.difference, (pair.mean_difference, pair.low, pair.high))
    return (
        f" Over the {pair.seeds} seeds that both have, its test loss is {mean} from that of "
        f"{chosen.scheme} ({low} to {high})."
    )


def _best_raw_numbers(
    verdict: Verdict, rows: Sequence[SchemeRow], chosen: SchemeRow
) -> dict[str, list[str]]:
    """Return by scheme in which raw numbers it is ahead of all others."""
    score, found = verdict.score_name, dict[str, list[str]]()
    lowest = min(rows, key=lambda row: (row.test_loss, row is not chosen))
    values = " against ".join(numbers.loss(row.test_loss) for row in (lowest, chosen))
    if verdict.loss_name != f"1 - {score}":  # which would say the same twice
        found.setdefault(lowest.scheme, []).append(f"lowest test loss ({values})")
    scores = {row.scheme: row.test_score for row in rows if row.test_score is not None}
    if scores:
        highest = max(scores, key=lambda name: (scores[name], name == chosen.scheme))
        values = " against ".join(
            numbers.score(scores.get(name), score) for name in (highest, chosen.scheme)
        )
        words = score.replace("_", " ")
        found.setdefault(highest, []).append(f"highest test {words} ({values})")
    most = max(verdict.picks, key=lambda name: (verdict.picks[name], name == chosen.scheme))
    values = " against ".join(
        numbers.of_hundred(part) for part in (verdict.picks[most], verdict.repicked)
    )
    found.setdefault(most, []).append(f"most picks of redrawn studies ({values})")
    return found


def _by_the_other(study: Results, better: str) -> Iterator[tuple[str, str]]:
    """Yield what the other of loss and score would choose."""
    other = study.verdict.other
    if other is None:
        return
    by = f"By {other.criterion} instead of {study.schema.criterion}".replace("_", " ")
    if better:
        yield by, f"{better} `task.select_by` says which of the two chooses."
        return
    rate = numbers.rate(other.learning_rate)
    if other.scheme == study.verdict.recommended:
        yield by, f"The same scheme, at learning rate {rate}."
        return
    yield (
        by,
        f"{other.scheme} at learning rate {rate}, not shown to be better (`task.select_by`).",
    )


def warning(study: Results) -> str:
    """Return what must not be overlooked about the recommendation, "" if there is nothing."""
    row = _row(study, study.verdict.recommended)
    if row is None:
        return ""
    found = [_cut_on_test(study, row.scheme)]
    if better := [one.scheme for one in study.schemes if one.outcome == "better"]:
        found.append(
            f"On test data {', '.join(better)} did better; the choice was made on validation and "
            "is not revised."
        )
    if row.basin_censored != "no":
        found.append("Its basin reaches the end of the rates tried and may be wider.")
    if row.failed_runs:
        found.append(_failing(study, row))
    if row.overconfident_runs:
        found.append(
            f"{row.overconfident_runs} of its {row.runs} fresh runs are overconfident: better than "
            "guessing by score and not by loss."
        )
    return " ".join(text for text in found if text)


def _failing(study: Results, row: SchemeRow) -> str:
    """Say how many runs failed, how many may, and what the others come to.

    Returns:
        One or two sentences.
    """
    thresholds = Thresholds.of(study.schema, study.params.decide)
    runs = study.by_scheme[row.scheme].fresh_runs
    trained = [run.capped_loss for run in runs if not failed(run, thresholds)]
    text = f"{row.failed_runs} of its {row.runs} fresh runs failed; up to "
    text += f"{numbers.percent(row.failed_share_high)} may (95 %)"
    if not trained:
        return f"{text}."
    means = map(numbers.loss, (mean_of(trained), row.validation_loss))
    return f"{text}. Validation loss of the others alone: {' instead of '.join(means)}."


def _cut_on_test(study: Results, scheme: str) -> str:
    """Say that most runs are no better than guessing on the test rows.

    Returns:
        A sentence, "" if it is not so.
    """
    cap = study.schema.judged.constant_test_loss
    runs = study.by_scheme[scheme].fresh_runs
    losses = np.array([run.capped_test_loss for run in runs], dtype=float)
    if not mostly_cut(losses, losses, cap):
        return ""
    return (
        f"On test rows {int((losses >= cap).sum())} of its {len(losses)} runs are no better than "
        "the constant predictor; what was learned does not hold there."
    )
