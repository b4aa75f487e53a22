"""The verdict as one sentence for a person who was not there."""

from collections.abc import Sequence

from initsweep.records import QuantityRow, Schema, SchemeRow
from initsweep.statistics.selection import Choice
from initsweep.statistics.wording import (
    counted,
    decades,
    failing_ties,
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
    agreement: str | None,
    width: QuantityRow | None = None,
) -> str:
    """Say what came out: the scheme, its rate, how it does on test, and how sure that is.

    Args:
        choice: The decision.
        rows: The verdict table.
        schema: Names of loss and score.
        yardstick: The thresholds.
        agreement: What re-tunings say about the recommended scheme, if there were any.
        width: The recommended scheme's basin width with its interval, if it is known.

    Returns:
        One sentence.
    """
    if choice.decision == "none_trainable":
        subject = "The only scheme is untrainable" if len(rows) == 1 else "No scheme is trainable"
        return (
            f"{subject}: a loss {share(yardstick.decide.trainable_skill)} below the constant "
            f"predictor's {_plain(schema.loss_name)} ({number(yardstick.validation_constant)}) was "
            "not reached both on the learning-rate grid and on fresh seeds."
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
    standing = _tied(choice, row, width, rows) if choice.decision == "tie" else _won(rows)
    parts = [_measured(row, schema, yardstick), standing, agreement]
    return "; ".join(part for part in parts if part is not None) + "."


def _measured(row: SchemeRow, schema: Schema, yardstick: Yardstick) -> str:
    text = (
        f"{row.scheme} at learning rate {rate(row.learning_rate)} ({_basin(row, yardstick)}): test "
        f"{_plain(schema.loss_name)} {number(row.test_loss)} (95 % interval over seeds "
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
    rates = f"on the grid at {low} only" if low == high else f"from {low} to {high}"
    return f"within {rate(yardstick.tolerance)} of its best loss {rates}"


def _won(rows: Sequence[SchemeRow]) -> str:
    others = sum(row.trainable for row in rows) - 1
    if others:
        return f"on validation it beats {counted(others, 'other trainable scheme')}"
    return f"it is the only {'trainable ' * (len(rows) > 1)}scheme"


def _tied(
    choice: Choice, row: SchemeRow, interval: QuantityRow | None, rows: Sequence[SchemeRow]
) -> str:
    # Named only if they are few: the rule and the tables list them all.
    tied = f"of the {len(choice.tie_set)} schemes "
    if len(choice.tie_set) <= FEW:
        tied += f"({listed(sorted(choice.tie_set))}) "
    failing = failing_ties(rows)
    spared = f" (among them some with failed fresh runs: {listed(failing)})" if failing else ""
    reason = _reason(choice, row, interval)
    if choice.best == row.scheme:
        tied += f"not shown to be worse by a difference that matters{spared}"
        return f"it is the best on validation, and {tied} {reason}"
    tied += f"not shown to be worse than {choice.best} (best on validation)"
    return f"{tied} by a difference that matters{spared}, {reason}"


def _reason(choice: Choice, row: SchemeRow, interval: QuantityRow | None) -> str:
    width = decades(row.basin_width or 0.0, at_least=row.basin_censored != "no")
    further = [tie_break.name for tie_break in choice.tie_breaks[1:]]
    if not further:
        return f"it has the widest measured basin, {width}{_over_seeds(interval)}"
    return (
        f"none has a wider measured basin ({width}), and among those as wide it is chosen by "
        + ", then ".join(further)
    )


def _over_seeds(width: QuantityRow | None) -> str:
    """Return the interval of a basin width in brackets; nothing where a single seed gives none."""
    if width is None or width.low is None:
        return ""
    upper = "or more" if width.high is None else f"to {rate(width.high)}"
    return f" (95 % interval over {width.seeds} tuning seeds {rate(width.low)} {upper})"
