"""What `initsweep init` estimates against what `initsweep repro` takes.

    python -m benchmarks.estimate                 # two small studies, some minutes
    python -m benchmarks.estimate --examples deep regression
    python -m benchmarks.estimate --examples regression --tiny   # tiny

Elapsed time has the other work of the machine in it. So there is a second figure: the processor
time that the whole of `initsweep repro` has used, DVC included, against the estimated time on all
cores. Well below 1 where work stands in line, it says how much of an estimate is really computed.
"""

import argparse
import os
import re

from benchmarks.common import parser_of
from benchmarks.timed_study import TINY, Asked, add_mnist, of_examples, timed_study

SMALL = {
    "digits, mlp": Asked(more=["--data", "digits", "--minutes", "0.8"]),
    "wine, deep mlp": Asked(more=["--data", "wine", "--minutes", "0.8", "--option", "depth=12"]),
}


def measure(name: str, asked: Asked) -> str:
    """Make a study and run it.

    Returns:
        A row of the table.

    Raises:
        SystemExit: If `init` does not say what is planned.
    """
    with timed_study(asked) as study:
        plan = re.search(r"about (\d+) trainings of \d+ epochs \((\d+) steps\)", study.told)
    if plan is None:
        raise SystemExit(f"init did not say what is planned:\n{study.told}")
    estimate, cores, took = study.estimated, len(os.sched_getaffinity(0)), study.timing
    return (
        f"| {name} | {plan[1]} x {plan[2]} steps | {estimate:.0f} | {took.wall:.0f} | "
        f"{took.wall / estimate:.2f} | {took.cpu / cores / estimate:.2f} | {study.load:.1f} |"
    )


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--examples", nargs="+", default=[], help="folders of examples/")
    made.add_argument("--tiny", action="store_true", help="with --examples: in some seconds each")
    add_mnist(made)
    return made


def main() -> None:
    """Print the table."""
    options = parser().parse_args()
    if options.tiny and not options.examples:
        parser().error("--tiny: makes examples small, so name some with --examples")
    studies = SMALL
    if options.examples:
        changes = TINY if options.tiny else {}
        studies = of_examples(parser(), options.examples, options.mnist, changes)
    print("| study | trainings | estimate, s | took, s | ratio | processor / cores | load |")
    print("|---|---|---|---|---|---|---|")
    for name, asked in studies.items():
        print(measure(name, asked), flush=True)


if __name__ == "__main__":
    main()
