"""Numbers and lists as a person reads them."""

from collections.abc import Iterable, Sequence

from initsweep.core.records import Interval, PairRow, Schema, SchemeRow

FEW = 3


def fresh_seeds(rows: Iterable[SchemeRow]) -> str:
    """Return how many fresh seeds schemes have: "10 fresh seeds", "10 to 59 fresh seeds"."""
    counts = [row.runs for row in rows]
    least = f"{min(counts)} to " if min(counts) < max(counts) else ""
    return least + counted(max(counts), "fresh seed")


def number(value: float) -> str:
    """Return a number with four significant digits."""
    return f"{value:.4g}"


def rate(value: float) -> str:
    """Return a learning rate or a width in decades with three significant digits."""
    return f"{value:.3g}"


def share(value: float) -> str:
    """Return a fraction as a percentage."""
    return f"{100 * value:.3g} %"


def decades(width: float, *, at_least: bool = False) -> str:
    """Return a width in decades, marked if the true one may be larger."""
    text = rate(width)
    unit = "decade" if text == "1" else "decades"
    return f"{'at least ' * at_least}{text} {unit}"


def scored(name: str, value: float) -> str:
    """Return a score as it is usually written: an accuracy as a percentage."""
    return f"{100 * value:.1f} %" if name == "accuracy" else number(value)


def compared_by(schema: Schema) -> str:
    """Return what runs are compared by in words: their loss, or how far a score stays below 1."""
    return "loss" if schema.select_by == "loss" else schema.judged.loss_name.replace("_", " ")


def with_interval(interval: Interval) -> str:
    """Return an estimate followed by its interval."""
    return f"{number(interval.estimate)} [{number(interval.low)}, {number(interval.high)}]"


def listed(names: Iterable[str]) -> str:
    """Return names separated by commas."""
    return ", ".join(names)


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are: the tables list them all."""
    more = len(names) - FEW
    return listed(names[:FEW]) + (f" and {more} more" if more > 0 else "")


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
    difference = Interval(low=pair.low, estimate=pair.mean_difference, high=pair.high)
    return f"{pair.scheme} {pair.outcome} ({with_interval(difference)}, Holm p {pair.p_holm:.2g})"


def holds_for(schema: Schema) -> str:
    """Return what inputs and targets the rates of a study are for."""
    fixed, by = schema.validation == "fixed", "with the mean and standard deviation of"
    how = {"feature": "standardized", "channel": "standardized by channel", "none": ""}
    rows = "the training rows" if fixed else "each seed's training rows"
    inputs = (
        f"inputs {scaled} {by} {rows}" if (scaled := how[schema.scaling]) else "unscaled inputs"
    )
    if schema.task == "classification":
        return inputs
    targets = f"targets standardized {by} the {schema.known} rows"
    alike = fixed and schema.scaling == "feature"
    return f"inputs and {targets}" if alike else f"{inputs}, and {targets}"
