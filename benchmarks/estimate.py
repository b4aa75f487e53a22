"""What `initsweep init` estimates against what `initsweep repro` takes.

    python -m benchmarks.estimate                 # two small studies, some minutes
    python -m benchmarks.estimate --examples deep regression

Elapsed time has the other work of the machine in it. So there is a second figure: the processor
time that the whole of `initsweep repro` has used, DVC included, against the estimated time on all
cores. Well below 1 where work stands in line, it says how much of an estimate is really computed.
"""

import argparse
import os
import re

from benchmarks.timed_study import add_mnist, of_examples, timed_study

SMALL = {
    "digits, mlp": ["--data", "digits", "--minutes", "0.8"],
    "wine, deep mlp": ["--data", "wine", "--minutes", "0.8", "--option", "depth=12"],
}


def measure(name: str, asked: list[str]) -> str:
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
    estimate, cores = study.estimated, len(os.sched_getaffinity(0))
    return (
        f"| {name} | {plan[1]} x {plan[2]} steps | {estimate:.0f} | {study.elapsed:.0f} | "
        f"{study.elapsed / estimate:.2f} | {study.processor / cores / estimate:.2f} | "
        f"{study.load:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", nargs="*", default=[], help="folders of examples/")
    add_mnist(parser)
    options = parser.parse_args()
    studies = of_examples(parser, options.examples, options.mnist) or SMALL
    print("| study | trainings | estimate, s | took, s | ratio | processor / cores | load |")
    print("|---|---|---|---|---|---|---|")
    for name, asked in studies.items():
        print(measure(name, asked), flush=True)


if __name__ == "__main__":
    main()
