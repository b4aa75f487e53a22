"""What is predicted for larger networks, as a table for a terminal of any width."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from initsweep.views.packet.carried import Carried
from initsweep.views.terminal import plain
from initsweep.views.terminal.screen import NARROWEST, WIDEST, Screen


def answers(predictions: Sequence[Carried], screen: Screen) -> str:
    """Return each prediction: the answer, one line per scheme, why, and what it cost."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=min(max(screen.width, NARROWEST), WIDEST),
        force_terminal=screen.coloured, highlight=False, emoji=False, markup=False,
    )  # fmt: skip

    def say(text: str, style: str = "") -> None:
        console.print(Text(plain.spelt(text, screen.encoding), style=style))

    for one in predictions:
        say(one.sentence, "bold")
        console.print()
        console.print(_table(one, screen.encoding))
        console.print()
        for _, cells in one.table.rows:
            say(f"{cells[0].text}: {cells[-1].text}")
        for text in filter(None, [one.standing, one.choice, f"It took {one.cost}"]):
            say(text, "dim")
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _table(one: Carried, encoding: str) -> Table:
    content = one.table
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in content.head[:-1]:  # why: a sentence, which stands below
        table.add_column(name.lower(), overflow="fold")
    for outcome, (*cells, _) in content.rows:
        texts = [f"{c.text}\n{c.note}" if c.note else c.text for c in cells]
        row = [plain.spelt(text, encoding) for text in texts]
        table.add_row(*row, style="bold green" if outcome == "recommended" else None)
    return table
