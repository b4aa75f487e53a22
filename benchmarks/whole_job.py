"""The whole `initsweep repro` against the ordinary script of `plain_loop.py`, cold, in turns.

    python benchmarks/whole_job.py --rounds 3 --json whole_job.json

Both do the protocol of `params.yaml` at reduced size. Ratios of medians are what counts: absolute
times depend on the machine and on who else uses it.
"""

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
COPIED = ("src", "own", "dvc.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")
IDENTITY = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")
FIRST = ("xavier_uniform", "he_normal", "lecun_normal", "orthogonal")  # all of them train well
STARTED = "Running stage '"


@dataclass
class Timing:
    """One run: seconds on the clock, seconds of processor time, seconds by stage."""

    wall: float
    cpu: float
    stages: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Run all rounds, print the table, write the numbers."""
    options = _parser().parse_args()
    sides: dict[str, list[Timing]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            project = Path(folder, "project")
            shutil.rmtree(project, ignore_errors=True)
            make_project(project, options)
            repro = [sys.executable, "-m", "initsweep", "repro"]
            sides.setdefault("initsweep repro", []).append(timed(repro, project))
            for loop in options.loops:
                processes, _, threads = loop.partition("x")
                (project / "plain.db").unlink(missing_ok=True)
                script = [sys.executable, str(ROOT / "benchmarks/plain_loop.py")]
                script += ["--processes", processes, "--threads", threads]
                name = f"plain loop, {processes} process(es) of {threads} thread(s)"
                sides.setdefault(name, []).append(timed(script, project))
        trainings = _trainings(Path(folder, "project", "params.yaml"))
    print(table(sides, trainings))
    if options.json:
        content = {name: [vars(run) for run in runs] for name, runs in sides.items()}
        content_and_size = {"trainings": trainings, "options": vars(options), "runs": content}
        options.json.write_text(json.dumps(content_and_size, indent=2, default=str) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="initsweep repro against an ordinary script.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="auto", help="runtime.engine of params.yaml")
    parser.add_argument("--schemes", type=int, default=4)
    parser.add_argument("--points", type=int, default=5, help="of the grid")
    parser.add_argument("--refinement", type=int, default=8, help="trials")
    parser.add_argument("--tuning-seeds", type=int, default=3)
    parser.add_argument("--confirm-seeds", type=int, default=5)
    parser.add_argument(
        "--loops",
        nargs="*",
        default=["1x1", "1x2", "2x1"],
        help="processes x threads of torch; on two cores torch comes with two threads",
    )
    parser.add_argument("--json", type=Path, help="where to write all numbers")
    return parser


def make_project(folder: Path, options: argparse.Namespace) -> None:
    """Make a git and DVC project with the protocol at reduced size, nothing computed yet."""
    for name in COPIED:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    yaml = YAML()
    params: Any = yaml.load(ROOT / "params.yaml")
    schemes = [*FIRST, *(name for name in params["schemes"] if name not in FIRST)]
    params["schemes"] = schemes[: options.schemes]
    params["tune"]["grid"]["points"] = options.points
    params["tune"]["refinement_trials"] = options.refinement
    params["tune"]["extension_rounds"] = 0  # the script has none, and both must do as much
    params["tune"]["seeds"] = list(range(options.tuning_seeds))
    params["confirm"]["seeds"] = list(range(100, 100 + options.confirm_seeds))
    params["runtime"]["engine"] = options.engine
    yaml.dump(params, folder / "params.yaml")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Study"]):
        subprocess.run(["git", *IDENTITY, *command], cwd=folder, check=True)


def timed(command: Sequence[str], folder: Path) -> Timing:
    """Run a command, noting when DVC says that it starts a stage.

    Returns:
        Its times.
    """
    hidden = ("MLFLOW_", "DVC_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    environment |= {"PYTHONPATH": "src", "PYTHONUNBUFFERED": "1"}
    before, start = _cpu(), time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    marks, output = [("start", start)], []
    for line in process.stdout or ():
        output.append(line)
        if line.startswith(STARTED):
            marks.append((line.split("'")[1].partition("@")[0], time.perf_counter()))
    if process.wait():
        sys.exit("".join(output))
    marks.append(("end", time.perf_counter()))
    timing = Timing(wall=marks[-1][1] - start, cpu=_cpu() - before)
    for (stage, began), (_, ended) in itertools.pairwise(marks):
        timing.stages[stage] = timing.stages.get(stage, 0.0) + ended - began
    return timing


def table(sides: dict[str, list[Timing]], trainings: int) -> str:
    """Return medians, ranges and ratios as Markdown."""
    runs = sides["initsweep repro"]
    own = statistics.median(run.wall for run in runs)
    lines = [
        f"{trainings} trainings, {len(os.sched_getaffinity(0))} cores, {len(runs)} rounds",
        "",
        "| | wall, s (range) | processor, s | times initsweep's wall |",
        "|---|---|---|---|",
    ]
    for name, timings in sides.items():
        walls = [run.wall for run in timings]
        wall, cpu = statistics.median(walls), statistics.median(run.cpu for run in timings)
        span = f"{min(walls):.1f} to {max(walls):.1f}"
        lines.append(f"| {name} | {wall:.1f} ({span}) | {cpu:.1f} | {wall / own:.1f} |")
    lines += ["", "| stage of initsweep repro | wall, s |", "|---|---|"]
    for stage in runs[0].stages:
        seconds = statistics.median(run.stages[stage] for run in runs)
        lines.append(f"| {stage} | {seconds:.2f} |")
    return "\n".join(lines)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _trainings(file: Path) -> int:
    params: Any = YAML(typ="safe").load(file)
    tune = params["tune"]
    trials = tune["grid"]["points"] + tune["refinement_trials"]
    runs = trials * len(tune["seeds"]) + len(params["confirm"]["seeds"])
    return int(len(params["schemes"]) * runs)


if __name__ == "__main__":
    main()
