"""Counts and sentences as a person reads them."""

from collections.abc import Iterable

from initsweep.core.numbers import difference, p_value
from initsweep.core.records import PairRow, Schema, SchemeRow


def fresh_seeds(rows: Iterable[SchemeRow]) -> str:
    """Return how many fresh seeds schemes have: "10 fresh seeds", "10 to 59 fresh seeds"."""
    counts = [row.runs for row in rows]
    least = f"{min(counts)} to " if min(counts) < max(counts) else ""
    return least + counted(max(counts), "fresh seed")


def compared_by(schema: Schema) -> str:
    """Return what runs are compared by in words: their loss, or how far a score stays below 1."""
    return "loss" if schema.select_by == "loss" else schema.judged.loss_name.replace("_", " ")


def counted(count: int, noun: str) -> str:
    """Return a count with its noun in the right number."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def failing_ties(rows: Iterable[SchemeRow]) -> list[str]:
    """Return the schemes not shown to be worse that failed in more fresh runs than another."""
    left = (row for row in rows if row.standing in {"tied", "undecided"})
    return failing_more((row.scheme, row.failed_runs, row.runs) for row in left)


def failing_more(left: Iterable[tuple[str, int, int]]) -> list[str]:
    """Return which of some schemes failed in a larger share than another, as "name (k of n)".

    A few failures raise a mean far and say little to a test over seeds: such a scheme is hard to
    call worse, and not as good for that.

    Args:
        left: Name, failed runs and runs of each.
    """
    known = list(left)
    least = min((failed / runs for _, failed, runs in known), default=0)
    return [f"{name} ({n} of {runs})" for name, n, runs in known if n / runs > least]


def paired(pair: PairRow) -> str:
    """Return one comparison: who, what of, and the numbers behind it."""
    mean, low, high = map(difference, (pair.mean_difference, pair.low, pair.high))
    return f"{pair.scheme} {pair.outcome} ({mean} [{low}, {high}], Holm p {p_value(pair.p_holm)})"


def holds_for(schema: Schema) -> str:
    """Return what inputs and targets the rates of a study are for."""
    if schema.task == "own":
        return f"inputs, targets and loss as in {schema.reference}"
    fixed, by = schema.validation == "fixed", "with the mean and standard deviation of"
    how = {"feature": "standardized", "channel": "standardized by channel", "none": ""}
    rows = "the training rows" if fixed else "each seed's training rows"
    inputs = (
        f"inputs {scaled} {by} {rows}" if (scaled := how[schema.scaling]) else "unscaled inputs"
    )
    if schema.task == "classification":
        return inputs
    targets = f"targets standardized {by} the {schema.rows_known} rows"
    alike = fixed and schema.scaling == "feature"
    return f"inputs and {targets}" if alike else f"{inputs}, and {targets}"
