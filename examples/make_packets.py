"""Run the examples and put their packets, verdicts and times into their folders and pages.

    python -m examples.make_packets --mnist FOLDER          # all ten
    python -m examples.make_packets classification deep
    python -m examples.make_packets regression --tiny --into FOLDER   # tiny

Run it on a machine that does nothing else: the pages say how long each study took.
"""

import argparse
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.common import parser_of
from benchmarks.timed_study import EXAMPLES, TINY, Asked, add_mnist, of_examples, timed_study

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


def run(asked: Asked, packet: Path) -> Told:
    """Run one example in a folder outside the repository and keep its packet.

    Returns:
        What its page says of it.
    """
    packet.mkdir(exist_ok=True)
    with timed_study(asked) as study:
        for file in KEPT:
            shutil.copy(study.folder / "reports" / file, packet)
    picture = packet / "lr_overlay.png"
    Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)
    verdict = json.loads((packet / "verdict.json").read_text("utf-8"))
    return Told(
        estimate=study.estimate, seconds=study.timing.wall, load=study.load, verdict=verdict
    )


def write_page(page: Path, told: Told) -> None:
    """Replace what the example's page says of time and verdict."""
    text = page.read_text("utf-8")
    times = (
        f"`init` says {told.estimate} for two cores that do nothing else; it took "
        f"{told.seconds:.0f} seconds (load {told.load:.1f}). The answer:"
    )
    text = _replaced(r"^`init` says .*$", lambda _: times, text, page)
    decision = str(told.verdict["decision"]).replace("_", " ").capitalize()
    if told.verdict["recommended"] is not None:
        decision += ", firm" if told.verdict["firm"] else ", fragile"
    answer = f"> **{decision}**: {told.verdict['statement']}"
    if warning := told.verdict["warning"]:
        answer += f"\n\n**Mind:** {warning}"
    text = re.sub(r"(?m)^\*\*Mind:\*\* .*\n\n", "", text)
    page.write_text(_replaced(r"^> .*$", lambda _: answer, text, page), "utf-8")


def write_row(page: Path, name: str, told: Told) -> None:
    """Replace the example's row in the table of all."""
    verdict = told.verdict
    answer = str(verdict["decision"]).replace("_", " ")
    if verdict["recommended"] is not None:
        rate = re.search(r"at learning rate ([\d.e-]+)", str(verdict["statement"]))
        answer += f": {verdict['recommended']}" + (f" at {rate[1]}" if rate else "")
    row = rf"^(\| \[{name}\]\([^|]*\|[^|]*\|).*$"
    cells = f" {told.estimate} | {told.seconds:.0f} s | {answer} |"
    text = page.read_text("utf-8")
    page.write_text(_replaced(row, lambda found: found[1] + cells, text, page), "utf-8")


def _replaced(line: str, by: Callable[[re.Match[str]], str], text: str, page: Path) -> str:
    """Return a page with a line replaced.

    Raises:
        SystemExit: If it has no such line.
    """
    text, times = re.subn(line, by, text, flags=re.MULTILINE)
    if not times:
        raise SystemExit(f"{page} has no line like {line}, in which to say what came out.")
    return text


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("names", nargs="*", metavar="example", help=", ".join(EXAMPLES))
    made.add_argument("--tiny", action="store_true", help="in some seconds each; with --into")
    made.add_argument("--into", type=Path, help="folder for pages and packets, if not this one")
    add_mnist(made)
    return made


def main() -> None:
    """Run what was asked for."""
    options = parser().parse_args()
    if options.tiny and options.into is None:
        parser().error("--tiny: name a folder with --into, to keep the packets of whole studies")
    names = options.names or EXAMPLES
    changes = TINY if options.tiny else {}
    for name, asked in of_examples(parser(), names, options.mnist, changes).items():
        here = HERE
        if options.into is not None:
            here = options.into
            shutil.copytree(HERE / name, here / name, dirs_exist_ok=True)
            shutil.copy(HERE / "README.md", here)
        told = run(asked, here / name / "packet")
        write_page(here / name / "README.md", told)
        write_row(here / "README.md", name, told)
        print(
            f"{name}: {told.seconds:.0f} s, estimated: {told.estimate}; {here / name}", flush=True
        )


if __name__ == "__main__":
    main()
