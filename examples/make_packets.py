"""Run the examples and put their packets, verdicts and times into their folders and pages.

    python -m examples.make_packets --mnist FOLDER          # all six
    python -m examples.make_packets classification deep

Run it on a machine that does nothing else: the pages say how long each study took.
"""

import argparse
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timed_study import EXAMPLES, add_mnist, of_examples, timed_study
from PIL import Image

HERE = Path(__file__).parent
KEPT = ("review.md", "verdict.json", "figures/lr_overlay.png")
COLOURS = 64  # of the kept picture, which git keeps for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page says of a run: `init`'s estimate, seconds, load meanwhile, the verdict."""

    estimate: str
    seconds: float
    load: float
    verdict: dict[str, object]


def run(name: str, asked: list[str]) -> Told:
    """Run one example in a folder outside the repository and keep its packet.

    Returns:
        What its page says of it.
    """
    packet = HERE / name / "packet"
    with timed_study(asked) as study:
        for file in KEPT:
            shutil.copy(study.folder / "reports" / file, packet)
    picture = packet / "lr_overlay.png"
    Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)
    verdict = json.loads((packet / "verdict.json").read_text("utf-8"))
    return Told(estimate=study.estimate, seconds=study.elapsed, load=study.load, verdict=verdict)


def write_page(name: str, told: Told) -> None:
    """Replace what the example's page says of time and verdict."""
    page = HERE / name / "README.md"
    text = page.read_text("utf-8")
    times = (
        f"`init` says {told.estimate} for two cores that do nothing else; it took "
        f"{told.seconds:.0f} seconds (load {told.load:.1f}). The answer:"
    )
    text = re.sub(r"(?m)^`init` says .*$", lambda _: times, text)
    answer = f"> **{str(told.verdict['decision']).capitalize()}**: {told.verdict['statement']}"
    if warning := told.verdict["warning"]:
        answer += f"\n\n**Mind:** {warning}"
    text = re.sub(r"(?m)^\*\*Mind:\*\* .*\n\n", "", text)
    page.write_text(re.sub(r"(?m)^> .*$", lambda _: answer, text), "utf-8")


def write_row(name: str, told: Told) -> None:
    """Replace the example's row in the table of all."""
    page, verdict = HERE / "README.md", told.verdict
    answer = str(verdict["decision"])
    if verdict["recommended"] is not None:
        rate = re.search(r"at learning rate ([\d.e-]+)", str(verdict["statement"]))
        answer += f": {verdict['recommended']}" + (f" at {rate[1]}" if rate else "")
    row = rf"(?m)^(\| \[{name}\]\([^|]*\|[^|]*\|).*$"
    cells = f" {told.estimate} | {told.seconds:.0f} s | {answer} |"
    text = page.read_text("utf-8")
    page.write_text(re.sub(row, lambda found: found[1] + cells, text), "utf-8")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="example", help=", ".join(EXAMPLES))
    add_mnist(parser)
    options = parser.parse_args()
    for name, asked in of_examples(parser, options.names or EXAMPLES, options.mnist).items():
        told = run(name, asked)
        write_page(name, told)
        write_row(name, told)


if __name__ == "__main__":
    main()
