"""The verdict in a few sentences, for a person who was not there."""

from collections.abc import Sequence
from dataclasses import dataclass

from initsweep.core.errors import few
from initsweep.core.numbers import interval, loss, of_hundred, rate, score
from initsweep.core.records import SchemeRow, Verdict
from initsweep.statistics.selection import Choice
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInWords:
    """What there is to say, each in sentences of its own; "" where there is nothing.

    The statement of the verdict is all of them in one line, and the packet sets them apart.

    Attributes:
        answer: Which scheme at which rate, and how it does on test.
        rates: Which rates are nearly as good.
        standing: Which other schemes are as good, or may be.
        sure: How often other studies of the same data would pick the same scheme.
        other: What the other of loss and score would choose, if it is shown to be better.
    """

    answer: str
    rates: str
    standing: str
    sure: str
    other: str


def answer_in_words(verdict: Verdict, rows: Sequence[SchemeRow]) -> AnswerInWords | None:
    """Return what a verdict says, None without a recommendation."""
    row = next((row for row in rows if row.scheme == verdict.recommended), None)
    if row is None:
        return None
    return AnswerInWords(
        answer=_answer(row, verdict),
        rates=_rates(row, verdict),
        standing=_standing(verdict, rows),
        sure=_sure(verdict) if sum(row.trainable for row in rows) > 1 else "",
        other=_other(verdict),
    )


def statement_of(
    verdict: Verdict,
    rows: Sequence[SchemeRow],
    choice: Choice,
    thresholds: Thresholds,
    agreement: str | None,
) -> str:
    """Say what came out: the scheme, its rate, how it does on test, and how sure that is.

    Args:
        verdict: All but the statement.
        rows: The verdict table.
        choice: The decision behind it.
        thresholds: The thresholds.
        agreement: What re-tunings say about the recommended scheme, if there were any.

    Returns:
        Sentences, on one line.
    """
    if choice.decision == "none_trainable":
        subject = "The only scheme is untrainable" if len(rows) == 1 else "No scheme is trainable"
        return (
            f"{subject}: better than guessing, by loss (the constant predictor's "
            f"{_plain(verdict.loss_name)} is {loss(thresholds.initial_cap)}) or by score, was not "
            "reached both on the learning-rate grid and on fresh seeds."
        )
    said = answer_in_words(verdict, rows)
    if said is None:
        best = next(row for row in rows if row.scheme == choice.best)
        trainable = counted(sum(row.trainable for row in rows), "trainable scheme")
        return (
            f"Cannot tell: {counted(choice.seeds, 'fresh seed')} cannot name a winner "
            f"among {trainable}, at least {choice.seeds_needed} are needed. The lowest mean "
            f"validation loss so far is that of {best.scheme} at learning rate "
            f"{rate(best.learning_rate)}."
        )
    parts = (said.answer, said.rates, said.standing, said.sure, said.other, agreement)
    return " ".join(part for part in parts if part)


def _answer(row: SchemeRow, verdict: Verdict) -> str:
    use = f"Use {row.scheme} at learning rate {rate(row.learning_rate)}: test"
    name, spread = verdict.score_name, (row.test_score_low, row.test_score_high)
    values = (
        f"{_plain(verdict.loss_name)} {loss(row.test_loss)} (95 % interval "
        f"{interval(row.test_low, row.test_high)})"
    )
    if row.test_score is None or None in spread:
        return f"{use} {values}."
    mean, ends = score(row.test_score, name), interval(*spread, name)
    if verdict.loss_name == f"1 - {name}":  # the same once more, in another unit
        return f"{use} {_plain(name)} {mean} (95 % interval {ends})."
    return f"{use} {values}, {_plain(name)} {mean} ({ends})."


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _rates(row: SchemeRow, verdict: Verdict) -> str:
    if row.basin_low is None or row.basin_high is None:
        return (
            "No rate has a basin: over the tuning seeds its mean loss is nowhere below what counts "
            "as better than guessing."
        )
    low, high = rate(row.basin_low), rate(row.basin_high)
    low += " or lower" if row.basin_censored in {"low", "both"} else ""
    high += " or higher" if row.basin_censored in {"high", "both"} else ""
    text = (
        f"Rates from {low} to {high} come within {loss(verdict.basin_tolerance)} of its best loss."
    )
    if row.in_basin:
        return text
    return f"{text} The chosen rate is as good as the best of them, with worse rates in between."


def _standing(verdict: Verdict, rows: Sequence[SchemeRow]) -> str:
    margin, pick, undecided = loss(verdict.margin), verdict.recommended, verdict.undecided
    if verdict.decision == "winner":
        others = sum(row.trainable for row in rows) - 1
        if others:
            return f"On validation it beats {counted(others, 'other trainable scheme')}."
        return f"It is the only {'trainable ' * (len(rows) > 1)}scheme."
    if verdict.decision == "lead":
        are = "is" if len(undecided) == 1 else "are"
        return (
            f"On validation no other scheme comes within {margin} of it, but {few(undecided)} "
            f"{are} not shown to be worse."
        )
    tied = few([name for name in verdict.tie_set if name != pick])
    text = f"Tied with {tied}: as good on validation as far as matters, means within {margin}. "
    if verdict.best_on_validation == pick:
        text += f"{pick} has the lowest mean."
    else:
        text += f"{verdict.best_on_validation}, with the lowest mean, forgives wrong rates less."
    return f"{text} Too few seeds to tell: {few(undecided)}." if undecided else text


def _sure(verdict: Verdict) -> str:
    text = f"{of_hundred(verdict.repicked)} of 100 studies redrawn from its seeds pick it"
    if verdict.firm:
        return f"Firm: {text}."
    others = {name: part for name, part in verdict.picks.items() if name != verdict.recommended}
    named = [
        f", {of_hundred(part)} {name}"
        for name, part in sorted(others.items(), key=lambda one: -one[1])[:3]
        if of_hundred(part) != "0"
    ]
    return f"Fragile: {text}{''.join(named)}."


def _other(verdict: Verdict) -> str:
    other = verdict.other
    if other is None or not other.better:
        return ""
    by_score, values = other.criterion == verdict.score_name, (other.test, other.recommended_test)
    test, own = (score(v, other.criterion) if by_score else loss(v) for v in values)
    return (
        f"By {_plain(other.criterion)} the best pair is {other.scheme} at "
        f"{rate(other.learning_rate)}: {test} on test against {own}."
    )
