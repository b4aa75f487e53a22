r"""The bench of answers: how good and how stable is what initsweep recommends, on real tasks.

A pool of trainings is made once per task, in minutes to an hour on 2 cores, and goes on where it
was stopped; studies are then redrawn from it, and every rule of decision chooses in the same ones.

    python -m benchmarks.answers --train vote          # make a pool
    python -m benchmarks.answers                       # the table, from the pools that are kept
    python -m benchmarks.answers --tasks wine --outer 2 --seeds 7 --steps 9 --studies 2 \
        --work FOLDER  # tiny
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import answer_pools as pools
from benchmarks.answer_coverage import Coverage, coverage
from benchmarks.answer_rules import RULES
from benchmarks.answer_strategies import Cost, costs, costs_table
from benchmarks.answer_studies import Regret, draw, judge, worth
from benchmarks.answer_tasks import TASKS
from benchmarks.common import count, parser_of

STUDIES, FEWEST_OUTER = 20, 2


Found = dict[str, dict[str, Regret]]
"""What each rule lost, by rule and task."""

PRODUCT = "product | rotating"


def measured(
    names: Sequence[str], studies: int
) -> tuple[Found, dict[str, Coverage], list[dict[str, Cost]]]:
    """Return what each rule loses on each task.

    Returns:
        That, how right the product is about itself, and what its strategies of tuning cost.
    """
    found: Found = {}
    said: dict[str, Coverage] = {}
    spent: list[dict[str, Cost]] = []
    for pool in map(pools.read, names):
        truth = worth(pool)
        for inner, split in enumerate(pools.INNER):
            drawn = [
                [draw(pool, inner, outer, number) for number in range(studies)]
                for outer in range(pool.constants.shape[1])
                if np.isfinite(pool.constants[inner, outer]).all()
            ]
            for rule, choose in RULES.items():
                picks = [[choose(study) for study in row] for row in drawn]
                found.setdefault(f"{rule} | {split}", {})[pool.name] = judge(truth, picks)
        said[pool.name] = coverage(drawn)
        spent.append(costs(drawn, truth))
    return found, said, spent


def rules_table(found: Found) -> str:
    """Return the regret of every rule, on the tasks that chose and on those that report."""
    lines = [
        "| rule | split | loss regret, % of constant | score regret, points | worst task | "
        "same scheme | trainings | tasks |",
        "|---|---|---|---|---|---|---|---|",
    ]
    every = list(next(iter(found.values())))
    for title, names in (("", every), ("chosen on", every[::2]), ("reported on", every[1::2])):
        if title and len(every) > 1:
            lines.append(f"| **{title}** | {', '.join(names)} ||||||")
        if not title or len(every) > 1:
            lines += [
                f"| {rule} | {_cells([of[name] for name in names])} |"
                for rule, of in found.items()
                if not title or rule.endswith("rotating")
            ]
    return "\n".join(lines)


def tasks_table(found: Found, said: Mapping[str, Coverage]) -> str:
    """Return the product task by task, beside the best habit, with what it says of itself."""
    lines = [
        "| task | loss regret | score regret | of the best habit | same scheme | said | firm | "
        "means cover | differences cover |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found[PRODUCT].items():
        habits = [of[name].score for rule, of in found.items() if rule.startswith("habit")]
        told = said[name]
        lines.append(
            f"| {name} | {one.loss:.2f} | {one.score:.2f} | {min(habits):.2f} | {told.same:.2f} | "
            f"{told.said:.2f} | {told.firm:.2f} | {told.means:.3f} | {told.differences:.3f} |"
        )
    return "\n".join(lines)


def _cells(found: Sequence[Regret]) -> str:
    def mean(what: str) -> float:
        return sum(getattr(one, what) for one in found) / len(found)

    return (
        f"{mean('loss'):.2f} | {mean('score'):.2f} | {max(one.score for one in found):.2f} | "
        f"{mean('same'):.2f} | {mean('trainings'):.0f} | {len(found)}"
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
    """Train what is asked for, else print the table.

    Raises:
        SystemExit: If there are too few outer splits.
    """
    asked = parser().parse_args()
    if asked.outer < FEWEST_OUTER:
        raise SystemExit(f"--outer: received {asked.outer}; one half of them judges the other's.")
    torch.set_num_threads(1)
    pools.FOLDER, pools.OUTER, pools.SEEDS = asked.work, asked.outer, asked.seeds
    pools.MOST_STEPS = asked.steps
    pools.FOLDER.mkdir(parents=True, exist_ok=True)
    for name in asked.tasks or () if asked.train is None else asked.train or TASKS:
        if not (pools.FOLDER / f"{name}.npz").exists():
            pools.train_pool(name)
    if asked.train is None:
        kept = sorted(file.stem for file in pools.FOLDER.glob("*.npz"))
        found, said, spent = measured(asked.tasks or kept, asked.studies)
        print(rules_table(found), tasks_table(found, said), costs_table(spent), sep="\n\n")


if __name__ == "__main__":
    main()
