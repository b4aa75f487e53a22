"""What a coordinate check has found, in words."""

from collections.abc import Sequence

from initsweep.diagnosis.coordinate_slopes import CoordinateRow, Quantity, Trend

MOST = 3  # layers that a sentence names
VERBS: dict[Trend, str] = {
    "growing": "grow", "shrinking": "shrink", "cannot tell": "may or may not change",
}  # fmt: skip


def verdict_of(
    rows: Sequence[CoordinateRow], diverged: Sequence[tuple[int, int, int]], sizes: Sequence[int]
) -> Trend:
    """Return the worst trend of what stands against a rate's carrying over, else "flat".

    Runs that diverge where small networks do not have grown, too; a rate at which the smallest
    ones diverge suits none.
    """
    if diverged:
        return "cannot tell" if any(size == sizes[0] for size, _, _ in diverged) else "growing"
    against = {row.trend for row in rows if row.against}
    worst = next((trend for trend in VERBS if trend in against), None)
    return worst or ("flat" if _moves(rows) else "cannot tell")


def _moves(rows: Sequence[CoordinateRow]) -> bool:
    return any(row.quantity == "updates" and row.trend != "still" for row in rows)


def reason_of(
    rows: Sequence[CoordinateRow],
    diverged: Sequence[tuple[int, int, int]],
    vary: str,
    sizes: Sequence[int],
) -> str:
    """Return which layers the verdict is based on, and what it means for the learning rate."""
    verdict, said = verdict_of(rows, diverged, sizes), []
    if verdict == "flat":
        said.append(f"what a step changes stays the same from {vary} {sizes[0]} to {sizes[-1]}")
    known: list[Trend] = ["cannot tell"] if verdict == "cannot tell" else ["growing", "shrinking"]
    quantities: tuple[Quantity, ...] = ("updates", "activations")
    for quantity in quantities:
        for trend in known:
            if of := _against(rows, trend, quantity):
                said.append(f"{quantity} {VERBS[trend]} in {_named(of)}")
    if still := [row for row in rows if row.quantity == "updates" and row.trend == "still"]:
        said.append(f"nothing changes in {_named(still)}")
    if diverged:
        size, _, step = min(diverged, key=lambda one: one[2])
        said.append(f"{len(diverged)} runs diverge, the first at {vary} {size} in step {step}")
    return f"{'; '.join(said)}. {_advice(rows, verdict, diverged, f'{vary} {sizes[0]}', sizes[-1])}"


def _against(
    rows: Sequence[CoordinateRow], trend: Trend, quantity: Quantity
) -> list[CoordinateRow]:
    return [row for row in rows if row.against and (row.trend, row.quantity) == (trend, quantity)]


def _advice(
    rows: Sequence[CoordinateRow],
    verdict: Trend,
    diverged: Sequence[object],
    smallest: str,
    largest: int,
) -> str:
    """Return what follows for the learning rate, or what to ask instead."""
    if verdict == "flat":
        return "So the learning rate carries over."
    if verdict == "cannot tell":
        better = "more seeds, or sizes that are further apart"
        return (
            f"Use {'a smaller rate' if diverged else better if _moves(rows) else 'a larger rate'}."
        )
    where = f"So a rate that suits {smallest} is too"
    if verdict == "shrinking" and not _against(rows, "shrinking", "updates"):
        return "So networks of these sizes do not start alike, and a rate does not mean the same."
    if _against(rows, "growing", "updates") and _against(rows, "shrinking", "updates"):
        return f"{where} large for some layers at {largest} and too small for others."
    unsure = not diverged and _against(rows, "cannot tell", "updates")
    some = " for some layers" if unsure else ""
    return f"{where} {'large' if verdict == 'growing' else 'small'}{some} at {largest}."


def _named(rows: Sequence[CoordinateRow]) -> str:
    """Return the layers, those first that change most, and by what when the size is doubled."""
    rows = sorted(rows, key=lambda row: -abs(row.exponent or 0))
    texts = [
        row.layer
        if row.exponent is None
        else f"{row.layer} ({2**row.exponent:.2f}-fold per doubling)"
        for row in rows[:MOST]
    ]
    more = len(rows) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def as_text(rows: Sequence[CoordinateRow]) -> str:
    """Return a table: a line for each layer, with the exponents of both quantities."""
    told: dict[str, dict[str, str]] = {}
    for row in rows:
        told.setdefault(row.layer, {})[row.quantity] = _cell(row)
    heads = ["layer", *dict.fromkeys(f"{row.quantity}, exponent" for row in rows)]
    lines = [heads, *([layer, *cells.values()] for layer, cells in told.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(row: CoordinateRow) -> str:
    if row.exponent is None or row.low is None or row.high is None:
        return row.trend
    return f"{row.exponent:+.2f} ({row.low:+.2f} to {row.high:+.2f}) {row.trend}"
