"""What the scripts share: numbers on the command line, and tables in the documentation."""

import argparse
import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import torch

from initsweep.commands.bench.race import machine
from initsweep.running import git

ROOT = Path(__file__).parent.parent
END = "<!-- end -->"
HISTORY = ROOT / "benchmarks/history.csv"
"""How many times faster than an ordinary script, by commit and machine, to see slow-downs."""


def parser_of(docstring: str | None) -> argparse.ArgumentParser:
    """Return a parser that describes a script by the first line of its text."""
    return argparse.ArgumentParser(description=(docstring or "").partition("\n")[0])


def count(text: str) -> int:
    """Return a number of things from the command line.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received '{text}'; use a whole number, 1 or more")
    return int(text)


def add_write(parser: argparse.ArgumentParser, page: Path) -> None:
    """Let a script put its tables into a page."""
    where = page.relative_to(ROOT)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {where}")


def refuse_parts(parser: argparse.ArgumentParser, *, write: bool, parts: bool) -> None:
    """Refuse to put a part of the tables where the whole stands."""
    if write and parts:
        parser.error("--write: a part of the tables is not written into the page; leave it out")


def add_history(parser: argparse.ArgumentParser) -> None:
    """Let a script keep its headline ratios."""
    where = HISTORY.relative_to(ROOT)
    parser.add_argument("--history", action="store_true", help=f"add the ratios to {where}")


def remember(ratios: Mapping[str, float]) -> None:
    """Add ratios, by what was measured, to the history."""
    commit = git.output_of("describe", "--always", "--dirty").decode().strip()
    processor = f"{machine()['processor']}, {torch.backends.cpu.get_cpu_capability()}"
    with HISTORY.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for measured, ratio in ratios.items():
            writer.writerow([date.today().isoformat(), commit, processor, measured, f"{ratio:.2f}"])


def put(page: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between the mark of each table and the next end.

    Raises:
        SystemExit: If the page has no such mark.
    """
    text = page.read_text("utf-8")
    for name, table in tables.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(END)
        if not end:
            raise SystemExit(f"{page.name} has no place for a table: <!-- {name} --> ... {END}")
        text = f"{before}{mark}{table}\n{END}{after}"
    page.write_text(text, "utf-8")
