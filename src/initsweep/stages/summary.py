"""The verdict as text for a terminal, at most 100 columns wide."""

import textwrap

from initsweep import artifacts
from initsweep.figures import numbers
from initsweep.records import SchemeRow, Verdict
from initsweep.reporting.facts import DECISIONS
from initsweep.reporting.study import marked_tied, ranked

WIDTH = 100
_LONGEST_NAME = 22
# Head, width and alignment of each column but the scheme's name.
_COLUMNS = (
    ("outcome", 12, "<"),
    ("tied", 4, "<"),
    ("rate", 8, ">"),
    ("basin", 7, ">"),
    ("val. loss", 9, ">"),
    ("test loss", 9, ">"),
    ("score", 7, ">"),
    ("failed", 6, ">"),
)


def verdict_table() -> str:
    """Return the verdict, one line per scheme, best first, and where the report is."""
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    schemes = ranked(artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow))
    decision = DECISIONS[verdict.decision]
    repeated = verdict.statement.startswith(decision)
    sentence = verdict.statement if repeated else f"{decision}: {verdict.statement}"
    longest = min(max([len("scheme"), *(len(row.scheme) for row in schemes)]), _LONGEST_NAME)
    head = _line("scheme", [name for name, _, _ in _COLUMNS], longest)
    tied = marked_tied(schemes)
    lines = [
        _line(row.scheme, _cells(row, verdict.score_name, tied=row.scheme in tied), longest)
        for row in schemes
    ]
    note = _note(verdict)
    report = f"Report: {(artifacts.REPORTS / 'review.html').as_posix()}"
    first, last = textwrap.wrap(sentence, WIDTH), textwrap.wrap(note, WIDTH)
    return "\n".join([*first, "", head, *lines, "", *last, report])


def _note(verdict: Verdict) -> str:
    tolerance = numbers.loss(verdict.basin_tolerance)
    return (
        f"outcome: test loss against the recommended scheme's; tied: on validation not shown to be "
        f"worse than the best by a difference that matters; basin: decades of rates within "
        f"{tolerance} of the scheme's best; losses: {verdict.loss_name} over {verdict.seeds} fresh "
        f"seeds; score: {verdict.score_name} on test; untrainable: judged by loss, the score may "
        "still be high"
    )


def _cells(row: SchemeRow, score_name: str, *, tied: bool) -> list[str]:
    return [
        row.outcome,
        "yes" if tied else "",
        numbers.rate(row.learning_rate) if row.trainable else numbers.MISSING,
        numbers.width(row.basin_width, row.basin_censored),
        numbers.loss(row.validation_loss),
        numbers.loss(row.test_loss),
        numbers.score(row.test_score if row.trainable else None, score_name),
        f"{row.failed_runs}/{row.runs}",
    ]


def _line(name: str, cells: list[str], longest: int) -> str:
    shown = name if len(name) <= longest else name[: longest - 1] + "…"
    columns = [
        f"{cell:{align}{width}}" for cell, (_, width, align) in zip(cells, _COLUMNS, strict=True)
    ]
    return "  ".join([f"{shown:<{longest}}", *columns]).rstrip()
