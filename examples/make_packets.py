"""Run the examples and put their packets, verdicts and times into their folders and pages.

    python examples/make_packets.py --mnist FOLDER          # all six
    python examples/make_packets.py classification deep

Run it on a machine that does nothing else: the pages say how long each study took.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
KEPT = ("review.md", "verdict.json", "figures/lr_overlay.png")
COLOURS = 64  # of the kept picture, which git keeps for ever
MNIST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page says of a run: `init`'s estimate, seconds, load meanwhile, the verdict."""

    estimate: str
    seconds: float
    load: float
    verdict: dict[str, object]


def run(name: str, extra: list[str]) -> Told:
    """Run one example in a folder outside the repository and keep its packet.

    Returns:
        What its page says of it.

    Raises:
        SystemExit: If `init` gives no estimate.
    """
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    initsweep = [sys.executable, "-m", "initsweep"]
    asked = ["--params", str(HERE / name / "params.yaml"), *extra]
    with tempfile.TemporaryDirectory() as place:
        made = subprocess.run(
            [*initsweep, "init", "study", *asked],
            cwd=place, env=environment, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = re.search(r"Estimate: about ([\d.]+ \w+)", made.stdout)
        if said is None:
            raise SystemExit(made.stdout)
        begin, study = time.perf_counter(), Path(place) / "study"
        subprocess.run([*initsweep, "repro"], cwd=study, env=environment, check=True)
        seconds = time.perf_counter() - begin
        packet = HERE / name / "packet"
        for file in KEPT:
            shutil.copy(study / "reports" / file, packet)
    picture = packet / "lr_overlay.png"
    Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)
    verdict = json.loads((packet / "verdict.json").read_text("utf-8"))
    load = os.getloadavg()[1]
    return Told(estimate=said[1], seconds=seconds, load=load, verdict=verdict)


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
    known = sorted(file.parent.name for file in HERE.glob("*/params.yaml"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="example", help=", ".join(known))
    parser.add_argument("--mnist", type=Path, help="the folder with MNIST's test files")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no such example: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    names = options.names or known
    if "image" in names and options.mnist is None:
        parser.error("the example 'image' needs --mnist, the folder with MNIST's test files")
    for name in names:
        files = [str(options.mnist.resolve() / file) for file in MNIST] if name == "image" else []
        told = run(name, ["--data", ",".join(files)] if files else [])
        write_page(name, told)
        write_row(name, told)


if __name__ == "__main__":
    main()
