"""What a cluster of this machine's cores costs, beside the threads that train here, in turns.

    python -m benchmarks.cluster --rounds 5
    python -m benchmarks.cluster --rounds 1 --trainings 4 --epochs 1 --cores 1   # tiny

Both train the same lanes of the network of `params.yaml`, and keep them. Nothing is counted that
comes before: the connection, and the first training of each worker, which imports torch.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from contextlib import chdir
from pathlib import Path

import psutil
from ruamel.yaml import YAML

from benchmarks.common import ROOT, count, parser_of
from initsweep.core.params import Params, load_params
from initsweep.running import cluster, cluster_process
from initsweep.stages import prepare
from initsweep.stages.experiment import load_experiment

SCHEME, RATE = "he_normal", 0.01


def main() -> None:
    """Print the table."""
    options = parser().parse_args()
    print("| epochs | here, ms a training | cluster | more, ms | driver's CPU, ms |")
    print("|---|---|---|---|---|")
    for epochs in options.epochs:
        with (
            tempfile.TemporaryDirectory() as folder,
            chdir(folder),
            cluster_process.process("local", options.cores) as variables,
        ):
            os.environ |= variables
            found = [1000 * one / options.trainings for one in race(options, epochs)]
            here, there, spent = found
            print(f"| {epochs} | {here:.1f} | {there:.1f} | {there - here:.1f} | {spent:.2f} |")
            cluster.leave()


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--rounds", type=count, default=5)
    made.add_argument("--trainings", type=count, default=60)
    made.add_argument("--epochs", type=count, nargs="+", default=[1, 30, 200])
    made.add_argument("--cores", type=count, default=2)
    return made


def race(options: argparse.Namespace, epochs: int) -> list[float]:
    """Return medians of the seconds here and on the cluster, and of the driver's CPU seconds."""
    params = study(options.cores, epochs)
    runtime = params.runtime.model_copy(update={"executor": "ray"})
    there = params.model_copy(update={"runtime": runtime})
    seeds = range(options.trainings)
    trained(there, seeds)
    rounds = []
    for _ in range(options.rounds):
        seconds, before = trained(params, seeds), driver_seconds()
        rounds.append((seconds, trained(there, seeds), driver_seconds() - before))
    return [statistics.median(one) for one in zip(*rounds, strict=True)]


def study(cores: int, epochs: int) -> Params:
    """Return the parameters of a prepared study in the current folder."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    content["training"]["epochs"], content["runtime"]["workers"] = epochs, cores
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    Path("own").mkdir(exist_ok=True)
    params = load_params(Path("params.yaml"))
    prepare.run(params)
    return params


def trained(params: Params, seeds: range) -> float:
    """Return the seconds of some trainings, of which nothing is kept from before."""
    shutil.rmtree("scratch", ignore_errors=True)
    experiment = load_experiment(params)
    start = time.perf_counter()
    experiment.run(SCHEME, "grid", [(0, RATE)], seeds)
    return time.perf_counter() - start


def driver_seconds() -> float:
    """Return the CPU seconds that the process has spent that hands out tasks."""
    for child in psutil.Process().children():
        if "initsweep.cluster.driver" in child.cmdline():
            return sum(child.cpu_times()[:2])
    return 0.0


if __name__ == "__main__":
    main()
