"""The bench of answers: how good and how stable is what initsweep recommends, on real tasks.

A pool of trainings is made once per task, in minutes to an hour on 2 cores, and goes on where it
was stopped; studies are then redrawn from it, and every rule of decision chooses in the same ones.

    python -m benchmarks.answers --train vote          # make a pool
    python -m benchmarks.answers                       # the table, from the pools that are kept
    python -m benchmarks.answers --tasks wine --outer 1 --seeds 7 --steps 9 --work FOLDER  # tiny
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import answer_pools as pools
from benchmarks.answer_studies import RULES, Regret, draw, judge, worth
from benchmarks.answer_tasks import TASKS
from benchmarks.common import count, parser_of

STUDIES = 20


def table(names: Sequence[str], studies: int) -> str:
    """Return the regret of every rule, mean over tasks, and how stable its choices are."""
    found: dict[str, list[Regret]] = {}
    for pool in map(pools.read, names):
        truth, (_, outers, _, _) = worth(pool), pool.constants.shape
        for inner, split in enumerate(pools.INNER):
            drawn = [
                [draw(pool, inner, outer, number) for number in range(studies)]
                for outer in range(outers)
            ]
            for rule, choose in RULES.items():
                found.setdefault(f"{rule} | {split}", []).append(judge(truth, choose, drawn))
    lines = [
        "| rule | split | loss regret, % of constant | score regret, points | worst task | "
        "same scheme | tasks |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {name} | {_cells(of)} |" for name, of in found.items())])


def _cells(found: Sequence[Regret]) -> str:
    n = len(found)
    return (
        f"{sum(one.loss for one in found) / n:.2f} | {sum(one.score for one in found) / n:.2f} | "
        f"{max(one.score for one in found):.2f} | {sum(one.same for one in found) / n:.2f} | {n}"
    )


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = parser_of(__doc__)
    parser.add_argument("--train", nargs="*", choices=sorted(TASKS), metavar="TASK")
    parser.add_argument("--tasks", nargs="*", choices=sorted(TASKS), metavar="TASK")
    parser.add_argument("--outer", type=count, default=pools.OUTER, help="splits into test rows")
    parser.add_argument("--seeds", type=count, default=pools.SEEDS, help="per scheme and rate")
    parser.add_argument("--steps", type=count, default=pools.MOST_STEPS, help="at most, a training")
    parser.add_argument("--studies", type=count, default=STUDIES, help="redrawn per outer split")
    parser.add_argument("--work", type=Path, default=pools.FOLDER, help="where the pools are")
    return parser


def main() -> None:
    """Train what is asked for, else print the table."""
    asked = parser().parse_args()
    torch.set_num_threads(1)
    pools.FOLDER, pools.OUTER, pools.SEEDS = asked.work, asked.outer, asked.seeds
    pools.MOST_STEPS = asked.steps
    pools.FOLDER.mkdir(parents=True, exist_ok=True)
    for name in asked.tasks or () if asked.train is None else asked.train or TASKS:
        if not (pools.FOLDER / f"{name}.npz").exists():
            pools.train_pool(name)
    if asked.train is None:
        kept = sorted(file.stem for file in pools.FOLDER.glob("*.npz"))
        print(table(asked.tasks or kept, asked.studies))


if __name__ == "__main__":
    main()
