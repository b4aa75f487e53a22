"""How fast the engine trains, against ordinary loops: ratios of interleaved rounds.

    python -m benchmarks.engine                       # every case, a few minutes
    python -m benchmarks.engine --cases mlp-3x128 --optimizers sgd --rounds 9
    python -m benchmarks.engine --scaling compiled    # time per lane from 1 to 10 000 lanes
    python -m benchmarks.engine --bookkeeping         # what validation and records cost

    python -m benchmarks.engine --cases mlp-3x32 --optimizers sgd --rounds 1 --epochs 1   # tiny
    python -m benchmarks.engine --scaling torch --lanes 1 3                               # tiny
    python -m benchmarks.engine --bookkeeping --rounds 1 --epochs 1                       # tiny

JAX takes part where it is installed; it is not among the requirements.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import jax_scan
from benchmarks.common import add_history, count, parser_of, remember
from initsweep.commands.bench.contestants import Case, engine, trained
from initsweep.commands.bench.race import (
    BASELINE,
    Contestant,
    contestants,
    machine,
    peaks,
    race,
    table,
    timed,
)
from initsweep.core.errors import PathError
from initsweep.core.params import Optimizer
from initsweep.engine.devices import pin_matmul

MLP = {"activation": "relu", "norm": "none", "residual": False}
CNN = {
    "channels": [16, 32],
    "kernel": 3,
    "activation": "relu",
    "dense": 64,
    "image": None,
}
NETWORKS: Mapping[str, tuple[tuple[str, dict[str, object]], int, int, int]] = {
    # name: (architecture, options), features, epochs, lanes
    "mlp-3x128": (("mlp", {"depth": 3, "width": 128, **MLP}), 64, 20, 32),
    "mlp-29x64": (("mlp", {"depth": 29, "width": 64, **MLP}), 64, 6, 32),
    "mlp-3x32": (("mlp", {"depth": 3, "width": 32, **MLP}), 64, 30, 64),
    "mlp-3x256": (("mlp", {"depth": 3, "width": 256, **MLP}), 64, 10, 16),
    "mlp-3x512": (("mlp", {"depth": 3, "width": 512, **MLP}), 64, 5, 8),
    "cnn-28x28": (("cnn", CNN), 784, 6, 4),
}
SCALING_LANES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


def case_of(name: str, optimizer: str, epochs: int | None = None) -> Case:
    """Return a network of the table with "sgd" (and momentum) or "adam"."""
    model, n_features, usual, lanes = NETWORKS[name]
    return Case(
        name=name,
        model=model,  # type: ignore[arg-type]
        n_features=n_features,
        n_outputs=10,
        optimizer=Optimizer(
            name=optimizer,  # type: ignore[arg-type]
            momentum=0.9,
            nesterov=False,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-8,
            weight_decay=0.0,
        ),
        batch_size=128,
        epochs=epochs or usual,
        lanes=lanes,
    )


def field() -> dict[str, Contestant]:
    """Return all contestants, JAX among them if it is installed."""
    if not jax_scan.is_there():
        return contestants()
    return {**contestants(), "JAX jit(scan)": jax_scan.loop}


def scaling(path: str, numbers: Sequence[int], picture: Path) -> dict[int, float]:
    """Measure, print and draw seconds per lane for a tiny network, from one to many lanes.

    Returns:
        Seconds per lane by the number of lanes.
    """
    tiny = replace(
        case_of("mlp-3x32", "sgd"), model=("mlp", {"depth": 1, "width": 16, **MLP}), n_features=16
    )
    trained(replace(tiny, lanes=4, epochs=1), path, 2)
    found = {}
    for lanes in numbers:
        case = replace(tiny, lanes=lanes, epochs=1)
        found[lanes] = timed(lambda c=case: trained(c, path, 2)) / lanes
        print(f"{lanes:6d} lanes: {found[lanes] * 1e3:8.3f} ms each", flush=True)
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.loglog(list(found), [1e3 * seconds for seconds in found.values()], "o-")
    axes.set(xlabel="lanes in one call", ylabel="ms per lane", title=f"Cost per lane, {path} path")
    figure.savefig(picture, dpi=150)
    return found


def bookkeeping(rounds: int, epochs: int | None) -> None:
    """Print what a step costs besides the updates: with validation, and with next to none."""
    case = case_of("mlp-3x128", "sgd", epochs)
    for path in ("torch", "compiled"):
        whole, bare = [], []
        for _ in range(rounds):
            whole.append(engine(case, path, 1))
            bare.append(engine(replace(case, validation_rows=1), path, 1))
        if None in whole:
            print(f"{path}: not on this machine")
            continue
        share = median(whole) / median(bare) - 1
        arithmetic = case.operations() / replace(case, validation_rows=0).operations() - 1
        print(
            f"{path}: {median(whole) * 1e6:.0f} us a step, {median(bare) * 1e6:.0f} without "
            f"validation: {share:.1%}, of which the validation's own products are {arithmetic:.1%}"
        )


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--cases", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    made.add_argument("--optimizers", nargs="+", choices=("sgd", "adam"), default=["sgd", "adam"])
    made.add_argument("--rounds", type=count, default=5)
    made.add_argument("--epochs", type=count, help="(default: such that a round takes a second)")
    made.add_argument("--validation-rows", type=count, default=359, help="1: updates only")
    made.add_argument("--json", type=Path, help="write all times to this file")
    made.add_argument("--scaling", choices=("torch", "compiled"), nargs="?", const="torch")
    made.add_argument("--lanes", nargs="+", type=count, default=SCALING_LANES, help="for --scaling")
    made.add_argument("--picture", type=Path, default=Path("scaling.png"))
    made.add_argument("--bookkeeping", action="store_true")
    add_history(made)
    return made


def headlines(case: str, times: Mapping[str, list[float]]) -> dict[str, float]:
    """Return how many times faster than the DataLoader loop our paths are on two workers."""
    return {
        f"{case}: {name}": median(a / b for a, b in zip(times[BASELINE], ours, strict=True))
        for name, ours in times.items()
        if name.endswith("2 workers")
    }


def races(asked: argparse.Namespace) -> dict[str, object]:
    """Let all contestants train every case, and print a table of each.

    Returns:
        What one core can do at most, and all times by case.
    """
    peak = peaks()
    print(", ".join(f"{name} {rate / 1e9:.0f} Gflop/s" for name, rate in peak.items()))
    report: dict[str, object] = {"peaks": peak}
    for name in asked.cases:
        for optimizer in asked.optimizers:
            case = case_of(name, optimizer, asked.epochs)
            case = replace(case, validation_rows=asked.validation_rows)
            report[f"{name} {optimizer}"] = times = race(case, asked.rounds, field())
            lines = table(times, case.operations(), peak)
            if asked.history:
                remember(headlines(f"{name}, {optimizer}", times))
            print(f"\n**{name}, {optimizer}**\n\n{lines}", flush=True)
    return report


def main() -> None:
    """Run what the command line asks for.

    Raises:
        SystemExit: If a path that was asked for is not on this machine.
    """
    asked = parser().parse_args()
    pin_matmul()
    report: dict[str, object] = {"machine": machine()}
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    if asked.scaling:
        try:
            report["scaling"] = scaling(asked.scaling, asked.lanes, asked.picture)
        except PathError as error:
            raise SystemExit(f"engine: {error}") from None
    elif asked.bookkeeping:
        bookkeeping(asked.rounds, asked.epochs)
    else:
        report |= races(asked)
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
