"""Writes the table of claims into README.md, from the page of the last full run.

python -m benchmarks.claims_table
"""

import json
from collections import Counter
from pathlib import Path

from benchmarks.initializers_page import with_tables

from initsweep.claim_page import files
from initsweep.claim_page.render import MARKS, SECTIONS, interval_text
from initsweep.claims import CLAIMS
from initsweep.laboratory.claim import ANSWERS
from initsweep.records import Interval

README = Path(__file__).parent.parent / "README.md"


def table(answers: dict) -> str:
    """Return the counts and one row per claim, in Markdown."""
    counts = Counter(found["answer"] for found in answers.values())
    told = ", ".join(f"{counts[answer]} {answer}" for answer in ANSWERS if counts[answer])
    lines = [f"{len(answers)} claims: {told}.", ""]
    for section, title in SECTIONS.items():
        lines += [f"| {title} | | decisive number (95 % interval over seeds) |", "|---|---|---|"]
        lines += [
            _row(name, found)
            for name, found in answers.items()
            if CLAIMS.get(name).section == section
        ]
        lines.append("")
    return "\n".join(lines).rstrip()


def _row(name: str, found: dict) -> str:
    first = found["effects"][0]
    number = f"{first['name']}: {interval_text(Interval(**first['value']))}"
    answer = f"{MARKS[found['answer']]} {found['answer']}"
    return f"| {CLAIMS.get(name).title} | {answer} | {number} |".replace("\n", " ")


if __name__ == "__main__":
    answers = json.loads((files.attachments("full") / "answers.json").read_text("utf-8"))
    README.write_text(with_tables(README.read_text("utf-8"), {"claims": table(answers)}), "utf-8")
