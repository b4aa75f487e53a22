"""The verdict as a table for a terminal of any width, with colours or without."""

import io
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from initsweep.core import numbers
from initsweep.core.records import SchemeRow
from initsweep.core.spelling import distinct
from initsweep.statistics.wording import fresh_seeds
from initsweep.views.packet.first_screen import decision, why_not
from initsweep.views.packet.tables import stands
from initsweep.views.terminal import plain, sparkline
from initsweep.views.terminal.answer import PACKET, Answer

WIDTH = 100  # where there is no terminal
WIDEST = 120
NARROWEST = 40
_LONGEST_NAME = 22
# What goes first where the terminal is narrow.
_DISPENSABLE = ("failed", "val. loss", "score", "test loss", "basin", "stands")
_WORDS = ("scheme", "stands", "response")
_STYLES = {"recommended": "bold green", "worse": "yellow", "untrainable": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the verdict is printed on.

    Attributes:
        width: Columns.
        coloured: Whether it understands escape sequences; NO_COLOR switches colours off in any
            case.
        encoding: What it can show; signs that it lacks are spelt in ASCII.
    """

    width: int = WIDTH
    coloured: bool = False
    encoding: str = "utf-8"


def verdict_table(answer: Answer, screen: Screen) -> str:
    """Return the verdict: a sentence, one line per scheme, best first, and where the report is."""
    width = min(max(screen.width, NARROWEST), WIDEST)
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=screen.coloured, highlight=False, emoji=False,
        markup=False,
    )  # fmt: skip
    console.print(Text(plain.spelt(_sentence(answer), screen.encoding), style="bold"))
    console.print()
    columns, gap = _fitting(_columns(answer, screen.encoding), width)
    console.print(_table(answer, columns, gap))
    console.print()
    note = plain.spelt(_note(answer, set(columns)), screen.encoding)
    console.print(Text(note, style="dim"))
    decided = f"Last decision: {answer.decided or answer.challenge.statement}"
    others = [f"{title}: {text}" for title, text in why_not(answer)]
    for line in (*others, decided, *answer.notices):
        console.print(Text(plain.spelt(line, screen.encoding)))
    console.print(f"Report: {PACKET.as_posix()}")
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _sentence(answer: Answer) -> str:
    word, statement = decision(answer.verdict), answer.verdict.statement
    return statement if statement.startswith(word) else f"{word}: {statement}"


def _columns(answer: Answer, encoding: str) -> dict[str, list[str]]:
    """Return head and cells of every column, top to bottom."""
    rows = answer.schemes
    responses = sparkline.sparklines(answer)
    score = answer.verdict.score_name
    columns: dict[str, list[str]] = {
        "scheme": list(distinct((row.scheme for row in rows), _LONGEST_NAME).values()),
        "stands": [stands(row) for row in rows],
        "rate": [_rate(row) for row in rows],
        "response": [responses[row.scheme] for row in rows],
        "basin": [numbers.width(row.basin_width, row.basin_censored) for row in rows],
        "val. loss": [numbers.loss(row.validation_loss) for row in rows],
        "test loss": [numbers.loss(row.test_loss) for row in rows],
        "score": [numbers.score(row.test_score if row.trainable else None, score) for row in rows],
        "failed": [f"{row.failed_runs}/{row.runs}" for row in rows],
    }
    # Before the layout, because ">=" is wider than the sign that it stands for.
    return {n: [plain.spelt(cell, encoding) for cell in cells] for n, cells in columns.items()}


def _fitting(columns: dict[str, list[str]], width: int) -> tuple[dict[str, list[str]], int]:
    """Return the columns that a terminal has room for, and the gap between them."""
    gap = 2 if _needed(columns, 2) <= width else 1
    kept = dict(columns)
    for name in _DISPENSABLE:
        if _needed(kept, gap) <= width:
            break
        del kept[name]
    return kept, gap


def _needed(columns: dict[str, list[str]], gap: int) -> int:
    widest = [max(len(name), *map(len, cells)) for name, cells in columns.items()]
    return sum(widest) + gap * (len(widest) - 1)


def _table(answer: Answer, columns: dict[str, list[str]], gap: int) -> Table:
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for name in columns:
        justify: Literal["left", "right"] = "left" if name in _WORDS else "right"
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")
    cells: list[tuple[str, ...]] = list(zip(*columns.values(), strict=True))
    for row, line in zip(answer.schemes, cells, strict=True):
        table.add_row(*(_styled(cell) for cell in line), style=_STYLES.get(stands(row)))
    return table


def _styled(cell: str) -> Text:
    """Return a cell; in a response, what diverged is red and the chosen rate bold."""
    text = Text(cell)
    text.highlight_regex(rf"{sparkline.DIVERGED}|(?<=[\d\]])x+", "red")
    text.highlight_regex(r"\[.\]", "bold")
    return text


def _rate(row: SchemeRow) -> str:
    return numbers.rate(row.learning_rate) if row.trainable else numbers.MISSING


def _note(answer: Answer, shown: set[str]) -> str:
    verdict = answer.verdict
    meanings = {
        "stands": "against the best on validation; tied: as good, as far as matters",
        **({"rate": f"for {verdict.holds_for}"} if verdict.holds_for else {}),
        "response": (
            f"mean validation loss by rate, {sparkline.span(answer)}, low is good; "
            f"{sparkline.DIVERGED} half of the seeds or more diverged; [ ] next to the chosen rate"
        ),
        "basin": (
            f"decades of rates within {numbers.loss(verdict.basin_tolerance)} of the scheme's best"
        ),
        "test loss": f"{verdict.loss_name} over {fresh_seeds(answer.schemes)}",
        "score": f"{verdict.score_name} on test",
    }
    return "; ".join(f"{name}: {text}" for name, text in meanings.items() if name in shown)
