"""The verdict as one sentence for a person who was not there."""

from collections.abc import Sequence

from initsweep.records import Schema, SchemeRow
from initsweep.statistics.selection import Choice
from initsweep.statistics.wording import counted, listed, number, rate, share
from initsweep.statistics.yardstick import Yardstick


def statement_of(
    choice: Choice, rows: Sequence[SchemeRow], schema: Schema, yardstick: Yardstick
) -> str:
    """Say what came out: the scheme, its rate, how it does on test, and how sure that is.

    Returns:
        One sentence.
    """
    if choice.decision == "none_trainable":
        subject = "The only scheme does not train" if len(rows) == 1 else "No scheme trains"
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
    standing = _tied(choice, row) if choice.decision == "tie" else _won(rows)
    return f"{_measured(row, schema)}; {standing}."


def _measured(row: SchemeRow, schema: Schema) -> str:
    text = (
        f"{row.scheme} at learning rate {rate(row.learning_rate)} ({_usable(row)}): test "
        f"{_plain(schema.loss_name)} {number(row.test_loss)} (95 % interval {number(row.test_low)} "
        f"to {number(row.test_high)})"
    )
    low, score, high = row.test_score_low, row.test_score, row.test_score_high
    if low is None or score is None or high is None:
        return text
    name = _plain(schema.score_name)
    return f"{text}, {name} {number(score)} ({number(low)} to {number(high)})"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _usable(row: SchemeRow) -> str:
    if row.basin_low is None or row.basin_high is None:
        return "no basin"  # not reached by a recommended scheme: it has one by definition
    low, high = rate(row.basin_low), rate(row.basin_high)
    low += " or lower" if row.basin_censored in {"low", "both"} else ""
    high += " or higher" if row.basin_censored in {"high", "both"} else ""
    return f"on the grid usable at {low} only" if low == high else f"usable from {low} to {high}"


def _won(rows: Sequence[SchemeRow]) -> str:
    others = sum(row.trainable for row in rows) - 1
    if others:
        return f"on validation it beats {counted(others, 'other trainable scheme')}"
    return "it is the only scheme" + (" that trains" if len(rows) > 1 else "")


def _tied(choice: Choice, row: SchemeRow) -> str:
    others = [s for s in choice.tie_set if s not in {choice.best, row.scheme}]
    width = f"{'at least ' * (row.basin_censored != 'no')}{rate(row.basin_width or 0.0)} decades"
    needed = [tie_break.name for tie_break in choice.tie_breaks]
    reason = f"it has the widest basin, {width}"
    if len(needed) > 1:
        reason = f"none of them has a wider basin ({width}), and of those as wide it is chosen by "
        reason += ", then ".join(needed[1:])
    if choice.best == row.scheme:
        apart = f"{counted(len(others), 'other scheme')} cannot be told apart from it on validation"
        return f"{apart}: {listed(others)}; {reason}"
    company = f" and {counted(len(others), 'other scheme')} ({listed(others)})" if others else ""
    return f"it{company} cannot be told apart from {choice.best}, the best on validation; {reason}"
