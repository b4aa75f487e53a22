"""Makes a study as a user would, runs it, and says what was estimated and what it took."""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(file.parent.name for file in ROOT.glob("examples/*/params.yaml"))
MNIST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
OF_MNIST = "image"
"""The example whose data are not in the repository."""

SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A study that has run.

    Attributes:
        folder: Where it lies; gone after the block.
        told: What `init` said.
        estimate: Its estimate in words, such as "38 seconds".
        elapsed: Seconds that `repro` took.
        processor: Seconds of the processor that all of it used, DVC included.
        load: Of the machine, meanwhile.
    """

    folder: Path
    told: str
    estimate: str
    elapsed: float
    processor: float
    load: float

    @property
    def estimated(self) -> float:
        """The estimate in seconds."""
        number, unit = self.estimate.split()
        return float(number) * SECONDS[unit]


def add_mnist(parser: argparse.ArgumentParser) -> None:
    """Let a script take the data of the example that has none."""
    parser.add_argument("--mnist", type=Path, help=f"folder with MNIST's test files: {OF_MNIST}")


def of_examples(
    parser: argparse.ArgumentParser, names: Sequence[str], mnist: Path | None
) -> dict[str, list[str]]:
    """Return what `init` is asked for, by example; what is missing ends the script."""
    if unknown := set(names) - set(EXAMPLES):
        listed = ", ".join(sorted(unknown))
        parser.error(f"no such example: {listed}; known: {', '.join(EXAMPLES)}")
    asked = {name: ["--params", str(ROOT / "examples" / name / "params.yaml")] for name in names}
    if OF_MNIST in asked:
        if mnist is None:
            parser.error(
                f"the example '{OF_MNIST}' needs --mnist, the folder with {' and '.join(MNIST)}"
            )
        files = [(mnist / name).resolve() for name in MNIST]
        if missing := [str(file) for file in files if not file.is_file()]:
            parser.error(f"--mnist: there is no file {' and no file '.join(missing)}")
        asked[OF_MNIST] += ["--data", ",".join(map(str, files))]
    return asked


@contextmanager
def timed_study(asked: Sequence[str]) -> Iterator[Timed]:
    """Make and run a study in a folder outside the repository; what it says goes to stderr.

    Args:
        asked: Arguments of `initsweep init`.

    Yields:
        What was found, while the study is there.

    Raises:
        SystemExit: If a command fails, or `init` gives no estimate.
    """
    with tempfile.TemporaryDirectory() as place:
        told = _run(Path(place), "init", "study", *asked)
        said = re.search(rf"Estimate: about ([\d.]+ (?:{'|'.join(SECONDS)}))", told)
        if said is None:
            raise SystemExit(f"init gave no estimate:\n{told}")
        begin, before = time.perf_counter(), _processor()
        _run(Path(place) / "study", "repro")
        yield Timed(
            folder=Path(place) / "study",
            told=told,
            estimate=said[1],
            elapsed=time.perf_counter() - begin,
            processor=_processor() - before,
            load=os.getloadavg()[1],
        )


def _run(folder: Path, command: str, *arguments: str) -> str:
    """Run a command of ours.

    Returns:
        What it printed.

    Raises:
        SystemExit: If it fails; it has said why.
    """
    done = subprocess.run(
        [sys.executable, "-m", "initsweep", command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise SystemExit(f"`initsweep {' '.join([command, *arguments])}` ended with an error.")
    return done.stdout


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
