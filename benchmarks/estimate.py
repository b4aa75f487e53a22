"""What `initsweep init` estimates against what `initsweep repro` takes.

    python benchmarks/estimate.py                 # two small studies, some minutes
    python benchmarks/estimate.py --examples deep image

Elapsed time has the other work of the machine in it. So there is a second figure: the processor
time that the whole of `initsweep repro` has used, DVC included, against the estimated time on all
cores. Well below 1 where work stands in line, it says how much of an estimate is really computed.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
MNIST = "t10k-images-idx3-ubyte.gz,t10k-labels-idx1-ubyte.gz"
SMALL = {
    "digits, mlp": ["--data", "digits", "--minutes", "0.8"],
    "wine, deep mlp": ["--data", "wine", "--minutes", "0.8", "--option", "depth=12"],
}
SECONDS = {"seconds": 1.0, "minutes": 60.0}


def commands(examples: list[str], mnist: str | None) -> dict[str, list[str]]:
    """Return what `init` is asked for, by name."""
    asked = {}
    for name in examples:
        asked[name] = ["--params", str(ROOT / "examples" / name / "params.yaml")]
        if name == "image" and mnist:
            asked[name] += ["--data", ",".join(f"{mnist}/{file}" for file in MNIST.split(","))]
    return asked or SMALL


def measure(name: str, asked: list[str]) -> str:
    """Make a study and run it.

    Returns:
        A row of the table.

    Raises:
        SystemExit: If `init` says something else than an estimate.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    initsweep = [sys.executable, "-m", "initsweep"]
    with tempfile.TemporaryDirectory() as place:
        made = subprocess.run(
            [*initsweep, "init", "study", *asked],
            cwd=place, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        said = re.search(r"Estimate: about ([\d.]+) (seconds|minutes).*", made.stdout)
        plan = re.search(r"about (\d+) trainings of \d+ epochs \((\d+) steps\)", made.stdout)
        if said is None or plan is None:
            raise SystemExit(made.stdout)
        estimate = float(said[1]) * SECONDS[said[2]]
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*initsweep, "repro"],
            cwd=Path(place) / "study", env=environment, check=True, capture_output=True,
        )  # fmt: skip
        elapsed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cores = len(os.sched_getaffinity(0))
    return (
        f"| {name} | {plan[1]} x {plan[2]} steps | {estimate:.0f} | {elapsed:.0f} | "
        f"{elapsed / estimate:.2f} | {used / cores / estimate:.2f} | {os.getloadavg()[1]:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", nargs="*", default=[], help="folders of examples/")
    parser.add_argument("--mnist", help="the folder with MNIST's test files, for `image`")
    options = parser.parse_args()
    print("| study | trainings | estimate, s | took, s | ratio | processor / cores | load |")
    print("|---|---|---|---|---|---|---|")
    for name, asked in commands(options.examples, options.mnist).items():
        print(measure(name, asked), flush=True)


if __name__ == "__main__":
    main()
