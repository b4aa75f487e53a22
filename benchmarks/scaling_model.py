"""How long a study would take on a cluster: a simulation from measured costs, no measurement.

    python -m benchmarks.scaling_model
    python -m benchmarks.scaling_model --write
    python -m benchmarks.scaling_model --cores 2 --schemes 2   # tiny

What it takes for granted: all cores are alike and stay; a training takes its mean, give or take a
fifth; one process hands out all tasks, at `TASK` each; a worker spends `FIRST` seconds before its
first training; a scheme's rounds follow each other (grid, extension for every second scheme,
refinement in fours, fresh seeds); test rows cost nothing.
"""

import argparse
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.common import ROOT, add_write, count, parser_of, put, refuse_parts

PAGE = ROOT / "docs/cluster.md"
CORES = (2, 16, 64, 256, 1000)
SCHEMES = 16
SEEDS, POINTS, DECADE, BATCH, REFINED, FRESH = 5, 9, 2, 4, 8, 10
"""Of the default study: a decade of the grid has two rates, refinement asks for four at a time."""

TASK = 0.002  # CPU seconds of the process that hands out tasks, for each
TOGETHER = 0.3  # seconds that a task of several short trainings takes
CONNECT, FIRST = 2.0, 3.0  # seconds to connect, and of a worker that imports torch
HOUR = 3600
STAGE = 0.4  # seconds of DVC for each stage, when its results are there


@dataclass(frozen=True, slots=True)
class Work:
    """A study by the seconds of one training."""

    name: str
    seconds: float


WORKS = (
    Work("default study, kernels", 0.045),
    Work("MLP of 30 layers", 1.2),
    Work("image CNN", 600.0),
)


def main() -> None:
    """Print the table."""
    made = parser()
    options = made.parse_args()
    parts = options.cores != [*CORES] or options.schemes != SCHEMES
    refuse_parts(made, write=options.write, parts=parts)
    lines = [*table(options)]
    print("\n".join(lines))
    if options.write:
        put(PAGE, {"scaling": "\n".join(lines)})


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--cores", type=count, nargs="+", default=[*CORES])
    made.add_argument("--schemes", type=count, default=SCHEMES)
    add_write(made, PAGE)
    return made


def table(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines: seconds one scheme after the other, all schemes at once, and at the least.

    Yields:
        Each line.
    """
    yield f"| study, a training | {' | '.join(f'{cores} cores' for cores in options.cores)} |"
    yield "|---|" + "---|" * len(options.cores)
    for work in WORKS:
        cells = [cell(work, cores, options.schemes) for cores in options.cores]
        yield f"| {work.name}, {work.seconds:g} s | {' | '.join(cells)} |"


def cell(work: Work, cores: int, schemes: int) -> str:
    """Return seconds for one number of cores."""
    rounds = [rounds_of(work, scheme) for scheme in range(schemes)]
    end = CONNECT + STAGE * 2 * schemes
    after = end + sum(makespan([one], cores) for one in rounds) - FIRST * (schemes - 1)
    at_once = end + makespan(rounds, cores)
    least = max(
        sum(sum(map(sum, one)) for one in rounds) / cores,
        max(sum(map(max, one)) for one in rounds),
    )
    return " / ".join(map(shown, (after, at_once, least)))


def rounds_of(work: Work, scheme: int) -> list[list[float]]:
    """Return the seconds of a scheme's trainings, round by round."""
    random = np.random.default_rng(scheme)
    sizes = [POINTS * SEEDS, *([DECADE * SEEDS] if scheme % 2 else [])]
    sizes += [BATCH * SEEDS] * (REFINED // BATCH) + [FRESH]
    return [list(work.seconds * random.uniform(0.8, 1.2, size)) for size in sizes]


def makespan(schemes: Sequence[Sequence[Sequence[float]]], cores: int) -> float:
    """Return when the last round of the last scheme has ended, first come first served."""
    free = [FIRST] * cores
    heapq.heapify(free)
    ready = [(0.0, scheme, 0) for scheme in range(len(schemes))]
    heapq.heapify(ready)
    handed = last = 0.0
    while ready:
        start, scheme, number = heapq.heappop(ready)
        trainings = schemes[scheme][number]
        waiting = sum(len(schemes[one][at]) for _, one, at in ready) + len(trainings)
        ends = start
        for task in tasks_of(trainings, math.ceil(waiting / cores)):
            handed = max(handed, start) + TASK
            begun = max(heapq.heappop(free), handed)
            heapq.heappush(free, begun + sum(task))
            ends = max(ends, begun + sum(task))
        last = max(last, ends)
        if number + 1 < len(schemes[scheme]):
            heapq.heappush(ready, (ends, scheme, number + 1))
    return last


def tasks_of(trainings: Sequence[float], most: int) -> list[Sequence[float]]:
    """Return trainings in tasks, short ones together, at most so many."""
    size = min(most, max(1, int(TOGETHER / (sum(trainings) / len(trainings)))))
    return [trainings[at : at + size] for at in range(0, len(trainings), size)]


def shown(seconds: float) -> str:
    """Return seconds as the table has them."""
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


if __name__ == "__main__":
    main()
