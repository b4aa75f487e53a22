"""The whole `initsweep repro` against the ordinary script of `plain_loop.py`, cold, in turns.

    python -m benchmarks.whole_job --rounds 3 --json whole_job.json
    python -m benchmarks.whole_job --rounds 1 --schemes 1 --points 3 --refinement 0 --epochs 1 \
        --tuning-seeds 1 --confirm-seeds 2 --loops 1x1   # tiny

Both do the protocol of `params.yaml` at reduced size. Ratios of medians are what counts: absolute
times depend on the machine and on who else uses it.
"""

import argparse
import json
import os
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.common import ROOT, add_history, count, parser_of, remember
from benchmarks.timed_study import Asked, Timing, timed, timed_study

OWN = "initsweep repro"
FIRST = ("xavier_uniform", "he_normal", "lecun_normal", "orthogonal")  # all of them train well


def main() -> None:
    """Run all rounds, print the table, write the numbers."""
    options = parser().parse_args()
    asked = asked_for(options)
    sides: dict[str, list[Timing]] = {}
    for _ in range(options.rounds):
        with timed_study(asked) as study:
            sides.setdefault(OWN, []).append(study.timing)
            for processes, threads in options.loops:
                script = [sys.executable, "-m", "benchmarks.plain_loop"]
                script += ["--processes", str(processes), "--threads", str(threads)]
                name = f"plain loop, {processes} process(es) of {threads} thread(s)"
                (study.folder / "plain.db").unlink(missing_ok=True)
                sides.setdefault(name, []).append(timed(script, study.folder)[1])
    trainings = trainings_of(asked)
    print(table(sides, trainings))
    if options.history:
        walls = {name: statistics.median(one.wall for one in runs) for name, runs in sides.items()}
        own = walls.pop(OWN)
        remember({f"whole job: {name}": wall / own for name, wall in walls.items()})
    if options.json:
        content = {name: [asdict(run) for run in runs] for name, runs in sides.items()}
        content_and_size = {"trainings": trainings, "options": vars(options), "runs": content}
        options.json.write_text(json.dumps(content_and_size, indent=2, default=str) + "\n")


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--rounds", type=count, default=3)
    made.add_argument("--engine", default="auto", help="runtime.engine of params.yaml")
    made.add_argument("--schemes", type=count, default=4)
    made.add_argument("--points", type=count, default=5, help="of the grid")
    made.add_argument("--refinement", type=int, default=8, help="trials")
    made.add_argument("--epochs", type=count, help="(default: those of params.yaml)")
    made.add_argument("--tuning-seeds", type=count, default=3)
    made.add_argument("--confirm-seeds", type=count, default=5)
    made.add_argument(
        "--loops",
        nargs="*",
        type=processes_and_threads,
        default=[(1, 1), (1, 2), (2, 1)],
        metavar="PROCESSESxTHREADS",
        help="of torch (default: 1x1 1x2 2x1); on two cores torch comes with two threads",
    )
    made.add_argument("--json", type=Path, help="where to write all numbers")
    add_history(made)
    return made


def processes_and_threads(text: str) -> tuple[int, int]:
    """Return both numbers of a loop such as "2x1"."""
    processes, _, threads = text.partition("x")
    return count(processes), count(threads)


def asked_for(options: argparse.Namespace) -> Asked:
    """Return the protocol of `params.yaml` at the size that was asked for."""
    params: Any = YAML(typ="safe").load(ROOT / "params.yaml")
    schemes = [*FIRST, *(name for name in params["schemes"] if name not in FIRST)]
    return Asked(
        params=ROOT / "params.yaml",
        changes={
            "schemes": schemes[: options.schemes],
            "tune.grid.points": options.points,
            "tune.refinement_trials": options.refinement,
            "tune.extension_rounds": 0,  # the script has none, and both must do as much
            "tune.seeds": list(range(options.tuning_seeds)),
            "decide.most_seeds": 0,
            "confirm.seeds": list(range(100, 100 + options.confirm_seeds)),
            "training.epochs": options.epochs or params["training"]["epochs"],
            "runtime.engine": options.engine,
        },
    )


def table(sides: dict[str, list[Timing]], trainings: int) -> str:
    """Return medians, ranges and ratios as Markdown."""
    runs = sides[OWN]
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


def trainings_of(asked: Asked) -> int:
    """Return how many trainings each side does."""
    changes: Any = asked.changes
    trials = changes["tune.grid.points"] + changes["tune.refinement_trials"]
    runs = trials * len(changes["tune.seeds"]) + len(changes["confirm.seeds"])
    return len(changes["schemes"]) * int(runs)


if __name__ == "__main__":
    main()
