"""The verdict as one sentence for a person who was not there."""

from collections.abc import Sequence

from initsweep.records import OtherCriterion, Schema, SchemeRow
from initsweep.statistics.selection import Choice
from initsweep.statistics.wording import (
    counted,
    listed,
    number,
    rate,
    scored,
    share,
)
from initsweep.statistics.yardstick import Yardstick

FEW = 3


def statement_of(
    choice: Choice,
    rows: Sequence[SchemeRow],
    schema: Schema,
    yardstick: Yardstick,
    besides: tuple[OtherCriterion | None, str | None] = (None, None),
) -> str:
    """Say what came out: the scheme, its rate, how it does on test, and how sure that is.

    Args:
        choice: The decision.
        rows: The verdict table.
        schema: Names of loss and score.
        yardstick: The thresholds.
        besides: What the other criterion would have chosen; what re-tunings say about the
            recommended scheme, if there were any.

    Returns:
        One sentence.
    """
    if choice.decision == "none_trainable":
        subject = "The only scheme is untrainable" if len(rows) == 1 else "No scheme is trainable"
        return (
            f"{subject}: better than guessing, by loss (the constant predictor's "
            f"{_plain(schema.loss_name)} is {number(yardstick.initial_cap)}) or by score, was not "
            "reached both on the learning-rate grid and on fresh seeds."
        )
    if choice.decision == "cannot_tell":
        best = next(row for row in rows if row.scheme == choice.best)
        trainable = counted(sum(row.trainable for row in rows), "trainable scheme")
        return (
            f"Cannot tell: {counted(choice.seeds, 'fresh seed')} per scheme cannot name a winner "
            f"among {trainable}, at least {choice.seeds_needed} are needed; the lowest mean "
            f"validation loss so far is that of {best.scheme} at learning rate "
            f"{rate(best.learning_rate)}."
        )
    row = next(row for row in rows if row.scheme == choice.recommended)
    standing = {
        "winner": lambda: _won(rows),
        "lead": lambda: _leads(choice),
        "tie": lambda: _tied(choice, yardstick.margin("validation")),
    }[choice.decision]()
    other, agreement = besides
    sure = None if sum(row.trainable for row in rows) == 1 else _how_sure(choice)
    parts = (_measured(row, schema, yardstick), standing, sure, _other(other), agreement)
    return "; ".join(part for part in parts if part is not None) + "."


def _measured(row: SchemeRow, schema: Schema, yardstick: Yardstick) -> str:
    text = (
        f"{row.scheme} at learning rate {rate(row.learning_rate)} ({_basin(row, yardstick)}): test "
        f"{_plain(schema.loss_name)} {number(row.test_loss)} (95 % interval "
        f"{number(row.test_low)} to {number(row.test_high)})"
    )
    low, score, high = row.test_score_low, row.test_score, row.test_score_high
    if low is None or score is None or high is None:
        return text
    mean, lowest, highest = (scored(schema.score_name, value) for value in (score, low, high))
    return f"{text}, {_plain(schema.score_name)} {mean} ({lowest} to {highest})"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _basin(row: SchemeRow, yardstick: Yardstick) -> str:
    if row.basin_low is None or row.basin_high is None:
        return "no basin"  # not reached by a recommended scheme: it has one by definition
    low, high = rate(row.basin_low), rate(row.basin_high)
    low += " or lower" if row.basin_censored in {"low", "both"} else ""
    high += " or higher" if row.basin_censored in {"high", "both"} else ""
    return f"within {rate(yardstick.tolerance)} of its best loss from {low} to {high}"


def _won(rows: Sequence[SchemeRow]) -> str:
    others = sum(row.trainable for row in rows) - 1
    if others:
        return f"on validation it beats {counted(others, 'other trainable scheme')}"
    return f"it is the only {'trainable ' * (len(rows) > 1)}scheme"


def _leads(choice: Choice) -> str:
    return (
        "on validation no other scheme comes within the margin of it, but "
        f"{_few(choice.undecided)} not shown to be worse"
    )


def _tied(choice: Choice, margin: float) -> str:
    text = (
        f"{counted(len(choice.tie_set), 'scheme')}{_named(choice.tie_set)} are as good on "
        f"validation as far as matters, with means within {number(margin)}; "
    )
    if len(choice.forgiving) == 1:
        text += f"{choice.pick} alone is not shown to be less forgiving"
    else:
        if len(choice.forgiving) < len(choice.tie_set):
            text += f"of the {len(choice.forgiving)} not shown to be less forgiving "
        text += f"{choice.pick} has the lowest mean"
    if choice.undecided:
        text += f"; {_few(choice.undecided)} neither as good nor shown to be worse"
    return text


def _few(schemes: Sequence[str]) -> str:
    return f"{len(schemes)}{_named(schemes)} {'is' if len(schemes) == 1 else 'are'}"


def _named(schemes: Sequence[str]) -> str:
    # Named only if they are few: the tables list them all.
    return f" ({listed(sorted(schemes))})" if len(schemes) <= FEW else ""


def _other(other: OtherCriterion | None) -> str | None:
    """Return what the other criterion would have chosen, if it is better by more than its interval.

    Returns:
        Part of a sentence, or None.
    """
    if other is None or not other.better:
        return None
    test, own = (scored(other.criterion, v) for v in (other.test, other.recommended_test))
    return (
        f"by {_plain(other.criterion)} it would be {other.scheme} at {rate(other.learning_rate)}, "
        f"{test} on test against {own}"
    )


def _how_sure(choice: Choice) -> str:
    others = {name: part for name, part in choice.picks.items() if name != choice.pick}
    if not others:
        return "firm: every redrawn study of these data picks it"
    text = f"{share(round(choice.repicked, 2))} of redrawn studies of these data pick it"
    if choice.firm:
        return f"firm: {text}"
    next_best = max(others, key=lambda name: others[name])
    return f"fragile: only {text}, {share(round(others[next_best], 2))} pick {next_best}"
