"""Makes a study as a user would, runs it, and says what was estimated and what it took.

What `initsweep init` makes has all that its pipeline needs, whatever that comes to be.
"""

import argparse
import itertools
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.common import ROOT

EXAMPLES = sorted(file.parent.name for file in ROOT.glob("examples/*/params.yaml"))
MNIST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
NEEDS = {"lightning": "lightning", "hugging_face": "accelerate"}
"""What examples need that the others do not: `pip install` its extra."""

OF_MNIST = "image"
"""The example whose data are not in the repository."""

EPOCHS = "training.epochs"

TINY: Mapping[str, object] = {
    EPOCHS: 1,
    "schemes": ["he_normal"],
    "tune.seeds": [0],
    "tune.grid.points": 3,
    "tune.extension_rounds": 0,
    "tune.refinement_trials": 0,
    "tune.retunes": 0,
    "confirm.seeds": [10, 11],
    "decide.most_seeds": 0,
    "diagnose.seeds": [0],
    "runtime.workers": 1,
}
"""What makes any study one of seconds."""

INITSWEEP = (sys.executable, "-m", "initsweep")
SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
BEGUN = re.compile(r"stage \d+ of \d+: (\w+)")
"""What `repro` says of a stage where there is no terminal; those of a matrix are one."""

HIDDEN = ("MLFLOW_", "DVC_")
"""Variables that would send a study's results elsewhere begin so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One run of a command: seconds on the clock, of all processors, and by stage."""

    wall: float
    cpu: float
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A study that has run.

    Attributes:
        folder: Where it lies; gone after the block.
        told: What `init` said.
        estimate: Its estimate in words, such as "38 seconds".
        timing: Of `repro`, DVC included.
        load: Of the machine, meanwhile.
    """

    folder: Path
    told: str
    estimate: str
    timing: Timing
    load: float

    @property
    def estimated(self) -> float:
        """The estimate in seconds."""
        number, unit = self.estimate.split()
        return float(number) * SECONDS[unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A study that `init` is asked for.

    Attributes:
        params: The parameter file to begin with; None for the usual one.
        changes: Values in its place, by dotted key.
        more: Other arguments of `init`.
    """

    params: Path | None = None
    changes: Mapping[str, object] = field(default_factory=dict)
    more: Sequence[str] = ()


def add_mnist(parser: argparse.ArgumentParser) -> None:
    """Let a script take the data of the example that has none."""
    parser.add_argument("--mnist", type=Path, help=f"folder with MNIST's test files: {OF_MNIST}")


def of_examples(
    parser: argparse.ArgumentParser,
    names: Sequence[str],
    mnist: Path | None,
    changes: Mapping[str, object],
) -> dict[str, Asked]:
    """Return what `init` is asked for, by example; what is missing ends the script."""
    if unknown := set(names) - set(EXAMPLES):
        listed = ", ".join(sorted(unknown))
        parser.error(f"no such example: {listed}; known: {', '.join(EXAMPLES)}")
    if lacking := [name for name in names if find_spec(NEEDS.get(name, "json")) is None]:
        extras = ", ".join(name.replace("_", "-") for name in lacking)
        parser.error(f"these need the extras of the same names: pip install 'initsweep[{extras}]'")
    data: dict[str, list[str]] = {}
    if OF_MNIST in names:
        if mnist is None:
            parser.error(
                f"the example '{OF_MNIST}' needs --mnist, the folder with {' and '.join(MNIST)}"
            )
        files = [(mnist / name).resolve() for name in MNIST]
        if missing := [str(file) for file in files if not file.is_file()]:
            parser.error(f"--mnist: there is no file {' and no file '.join(missing)}")
        data[OF_MNIST] = ["--data", ",".join(map(str, files))]
    return {
        name: Asked(
            params=ROOT / "examples" / name / "params.yaml",
            changes=changes,
            more=data.get(name, []),
        )
        for name in names
    }


@contextmanager
def timed_study(asked: Asked) -> Iterator[Timed]:
    """Make and run a study in a folder outside the repository.

    Yields:
        What was found, while the study is there.

    Raises:
        SystemExit: If a command fails, or `init` gives no estimate.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        params = (
            [] if asked.params is None else ["--params", str(_file(asked, asked.params, place))]
        )
        told, _ = timed([*INITSWEEP, "init", "study", *params, *asked.more], place)
        said = re.search(rf"Estimate: about ([\d.]+ (?:{'|'.join(SECONDS)}))", told)
        if said is None:
            raise SystemExit(f"init gave no estimate:\n{told}")
        _, timing = timed([*INITSWEEP, "repro"], place / "study")
        yield Timed(
            folder=place / "study",
            told=told,
            estimate=said[1],
            timing=timing,
            load=os.getloadavg()[1],
        )


def timed(command: Sequence[str], folder: Path) -> tuple[str, Timing]:
    """Run a command; what it says on standard error is passed on.

    Returns:
        What it printed, and its times, by stage where it says that one begins.

    Raises:
        SystemExit: If it fails; it has said why.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN)}
    environment |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONUNBUFFERED": "1"}
    before, start = _processor(), time.perf_counter()
    marks = [("start", start)]
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        for line in process.stderr or ():
            sys.stderr.write(line)
            if begun := BEGUN.match(line):
                marks.append((begun[1], time.perf_counter()))
        status = process.wait()
        output.seek(0)
        printed = output.read()
    if status:
        sys.stderr.write(printed)
        shown = " ".join(command).replace(" ".join(INITSWEEP), "initsweep")
        raise SystemExit(f"`{shown}` ended with an error.")
    marks.append(("end", time.perf_counter()))
    stages: dict[str, float] = {}
    for (stage, began), (_, ended) in itertools.pairwise(marks):
        stages[stage] = stages.get(stage, 0.0) + ended - began
    timing = Timing(wall=marks[-1][1] - start, cpu=_processor() - before, stages=stages)
    return printed, timing


def replaced(content: Any, changes: Mapping[str, object]) -> Any:  # noqa: ANN401 - as YAML is
    """Return the content of a parameter file with values replaced, in place.

    A training loop of one's own has its epochs among its options.
    """
    own = content.get("training", {}).get("function") is not None
    for key, value in changes.items():
        *parents, last = ("training.options.epochs" if own and key == EPOCHS else key).split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value
    return content


def _file(asked: Asked, params: Path, place: Path) -> Path:
    """Return the parameter file, or a changed one beside the data and code that it names."""
    if not asked.changes:
        return params
    given = place / "given"
    given.mkdir()
    for name in ("data", "own"):
        if (params.parent / name).exists():
            (given / name).symlink_to(params.parent / name)
    yaml = YAML()
    yaml.dump(replaced(yaml.load(params), asked.changes), given / "params.yaml")
    return given / "params.yaml"


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
