"""Writes the table of claims into README.md, from the measurements of the last full run.

python -m benchmarks.claims_table
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.initializers_page import with_tables

from initsweep.claim_page import files, render
from initsweep.spelling import markdown

README = Path(__file__).parent.parent / "README.md"


def table(found: Sequence[render.Judged]) -> str:
    """Return the counts and one row per claim, in Markdown."""
    lines = [f"{render.counts_text(found)}.", ""]
    for section, title in render.SECTIONS.items():
        lines += [f"| {title} | | decisive number (95 % interval over seeds) |", "|---|---|---|"]
        lines += [_row(one) for one in found if one.claim.section == section]
        lines.append("")
    return "\n".join(lines).rstrip()


def _row(one: render.Judged) -> str:
    mark = render.MARKS[one.judgement.answer]
    cells = (one.claim.title, f"{mark} {one.judgement.told}", render.decisive(one.judgement))
    return f"| {' | '.join(map(markdown, cells))} |"


if __name__ == "__main__":
    found = render.judged(files.settings().names, "full")
    README.write_text(with_tables(README.read_text("utf-8"), {"claims": table(found)}), "utf-8")
