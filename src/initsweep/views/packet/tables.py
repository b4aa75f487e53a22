"""Tables of the review packet, as text cells ready to be set."""

from collections.abc import Sequence
from dataclasses import dataclass

from initsweep.core import numbers
from initsweep.core.records import DiagnosisRow, PairRow, SchemeRow
from initsweep.core.results import Results
from initsweep.views.packet import window


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: the main text, a smaller note such as an interval, and its role.

    Attributes:
        role: "scheme" for a scheme's name, "word" and "sentence" for prose, "changed" for a
            word that differs from what it is compared with, "number" for numbers.
    """

    text: str
    note: str = ""
    role: str = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Column heads, and for each row its outcome (or "") and its cells."""

    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def verdict_table(study: Results) -> Table:
    """Return the verdict table: one line per scheme, the recommended one on top."""
    score_name = study.verdict.score_name
    alone = sum(row.in_tie_set for row in study.schemes) < 2
    return Table(
        head=[
            "Scheme",
            "Stands",
            "Chosen rate, basin",
            "Regret",
            "Validation loss",
            "Test loss",
            f"Test {score_name.replace('_', ' ')}",
            "Failed runs",
        ],
        rows=[(stands(row), _verdict_cells(row, score_name, alone=alone)) for row in study.schemes],
    )


def _verdict_cells(row: SchemeRow, score_name: str, *, alone: bool) -> list[Cell]:
    word = "best" if alone and row.in_tie_set else stands(row)
    own = row.outcome in {"recommended", "untrainable"}
    return [
        scheme_cell(row.scheme),
        Cell(text=word, note="" if own else f"on test {row.outcome}", role="word"),
        Cell(
            text=numbers.rate(row.learning_rate) if row.trainable else numbers.MISSING,
            note=basin_range(row) if row.basin_width else "",
        ),
        Cell(text=numbers.loss(row.regret)),
        Cell(
            text=numbers.loss(row.validation_loss),
            note=numbers.interval(row.validation_low, row.validation_high),
        ),
        Cell(
            text=numbers.loss(row.test_loss),
            note=numbers.interval(row.test_low, row.test_high),
        ),
        _score(row, score_name),
        Cell(
            text=f"{row.failed_runs}/{row.runs}",
            note=f"up to {numbers.percent(row.failed_share_high)}" if row.trainable else "",
        ),
    ]


def stands(row: SchemeRow) -> str:
    """Return where a scheme stands on validation, in one word."""
    return row.outcome if row.outcome == "recommended" else row.standing


def _score(row: SchemeRow, score_name: str) -> Cell:
    # No better than guessing; a score beside it would be read as the best that it can do.
    if not row.trainable:
        return Cell(text=numbers.MISSING)
    return Cell(
        text=numbers.score(row.test_score, score_name),
        note=numbers.interval(row.test_score_low, row.test_score_high, score_name),
    )


def basin_range(row: SchemeRow) -> str:
    """Return the ends of the basin, with ≤ or ≥ at an end where the rates tried ended first.

    A chosen rate outside of it is said to be as good.
    """
    ends = numbers.rate_range(row.basin_low, row.basin_high, row.basin_censored)
    return ends if row.in_basin or row.basin_low is None else f"as good as the best in {ends}"


def largest_stable(row: SchemeRow) -> str:
    """Return the largest rate without a failed run, with ≥ where no larger one failed."""
    if row.largest_stable_rate is None:
        return numbers.MISSING
    bound = "≥ " if row.first_unstable_rate is None else ""
    return bound + numbers.rate(row.largest_stable_rate)


def tie_table(study: Results) -> Table:
    """Return where each trainable scheme stands on validation, and why."""
    table = []
    for row in (row for row in study.schemes if row.trainable):
        pair = next(
            (p for p in study.pairs if p.family == "validation" and p.scheme == row.scheme), None
        )
        cells = [
            scheme_cell(row.scheme),
            Cell(text=row.standing, role="word"),
            Cell(text=numbers.MISSING if pair is None else numbers.p_value(pair.p_holm)),
            Cell(text=numbers.width(row.basin_width, row.basin_censored)),
            Cell(text=row.why, role="sentence"),
        ]
        table.append((row.outcome if row.outcome == "recommended" else "", cells))
    head = ["Scheme", "Stands", "Holm p", "Basin width, decades", "Why"]
    return Table(head=head, rows=table)


def pairs_table(pairs: Sequence[PairRow]) -> Table:
    """Return the paired comparisons on test data, smallest difference first."""
    rows = [pair for pair in pairs if pair.family == "test"]
    rows.sort(key=lambda pair: (pair.mean_difference, pair.scheme))
    return Table(
        head=["Scheme", "Outcome on test", "Difference", "Holm p", "P(better)", "Seeds"],
        rows=[(pair.outcome, _pair_cells(pair)) for pair in rows],
    )


def _pair_cells(pair: PairRow) -> list[Cell]:
    return [
        scheme_cell(pair.scheme),
        Cell(text=pair.outcome, role="word"),
        Cell(
            text=numbers.difference(pair.mean_difference),
            note=f"{numbers.difference(pair.low)} to {numbers.difference(pair.high)}",
        ),
        Cell(text=numbers.p_value(pair.p_holm)),
        Cell(text=numbers.percent(pair.probability_better)),
        Cell(text=str(pair.seeds)),
    ]


def diagnosis_table(study: Results) -> Table:
    """Return what could be said of each scheme before any training."""
    place = {name: index for index, name in enumerate(study.names)}
    rows = sorted(study.diagnosis, key=lambda row: place.get(row.scheme, len(place)))
    return Table(
        head=[
            "Scheme",
            "Diagnosis",
            "Reason",
            "Activations, last / first",
            "Gradients, first / last",
            "Gradient norm",
            "Sharpness",
            "Rate ceiling",
        ],
        rows=[("", _diagnosis_cells(study, row)) for row in rows],
    )


def _diagnosis_cells(study: Results, row: DiagnosisRow) -> list[Cell]:
    ceiling = window.ceiling(study, row)
    return [
        scheme_cell(row.scheme),
        Cell(text=row.verdict, role="word"),
        Cell(text=row.reason, role="sentence"),
        Cell(text=numbers.significant(row.forward_ratio, 3)),
        Cell(text=numbers.significant(row.backward_ratio, 3)),
        _ranged(row.gradient_norm, row.gradient_norm_low, row.gradient_norm_high),
        _ranged(row.sharpness, row.sharpness_low, row.sharpness_high),
        Cell(
            text=numbers.rate(ceiling),
            note="not reliable" if ceiling is not None and not row.ceiling_reliable else "",
        ),
    ]


def _ranged(value: float | None, low: float | None, high: float | None) -> Cell:
    """Return a number with its range over seeds as the note."""
    if value is None:
        return Cell(text=numbers.MISSING)
    ends = [numbers.significant(end, 3) for end in (low, high) if end is not None]
    return Cell(text=numbers.significant(value, 3), note=" to ".join(ends))


def runs_table(study: Results) -> Table:
    """Return how each scheme was run: initializer, options, rates tried, seeds, engine."""
    rows = []
    trainable = {row.scheme: row.trainable for row in study.schemes}
    for name in study.names:
        own = study.by_scheme[name]
        tuned, trained = own.selection, own.confirmation
        options = ", ".join(f"{key}={value}" for key, value in tuned.options.items())
        edge = "" if tuned.censored == "no" else f"best at the {tuned.censored} end"
        tried = f"{len(tuned.grid)} from {numbers.rate_range(tuned.grid[0], tuned.grid[-1])}"
        median = numbers.MISSING if trained.median_seed is None else str(trained.median_seed)
        rows.append(
            (
                "",
                [
                    scheme_cell(name),
                    Cell(text=tuned.initializer, note=options, role="word"),
                    Cell(text=tried, note=edge, role="word"),
                    Cell(text=numbers.rate(trained.learning_rate if trainable[name] else None)),
                    Cell(text=f"{len(trained.seeds)}"),
                    Cell(text=median),
                    Cell(text=trained.engine, role="word"),
                ],
            )
        )
    head = ["Scheme", "Initializer", "Rates tried", "Rate", "Fresh seeds", "Kept seed", "Engine"]
    return Table(head=head, rows=rows)


def scheme_cell(name: str) -> Cell:
    """Return the cell that names a row's scheme."""
    return Cell(text=name, role="scheme")
