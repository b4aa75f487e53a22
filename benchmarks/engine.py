"""How fast the engine trains, against ordinary loops: ratios of interleaved rounds.

    python benchmarks/engine.py                       # every case, a few minutes
    python benchmarks/engine.py --cases mlp-3x128 --optimizers sgd --rounds 9
    python benchmarks/engine.py --scaling             # time per lane from 1 to 10 000 lanes

Every round times every contestant once, one after the other, so that whatever else the machine
does strikes all of them. The table gives medians over rounds, the range of the ratios, and the
share of the fastest matrix product measured on the same core.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import torch
from contestants import Case, TwoProcesses, engine, loop, trained

from initsweep.engine.kernels.library import registers_peak
from initsweep.engine.matmul import onednn_matmul
from initsweep.errors import KernelsError

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
BASELINE = "DataLoader loop"
SCALING_LANES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


def contestants(lanes: int) -> dict[str, Callable[[Case], float | None]]:
    """Return seconds per step and network, by the name in the table."""
    field: dict[str, Callable[[Case], float | None]] = {
        BASELINE: lambda case: loop(case, "DataLoader"),
        "index loop": lambda case: loop(case, "index"),
        "DataLoader loop, 2 processes": TwoProcesses(),
    }
    for path in ("torch", "compiled"):
        for workers in (1, 2):
            name = f"{path}, {workers} worker{'s' if workers > 1 else ''}"
            field[name] = lambda case, p=path, w=workers: engine(case, p, w, lanes)
    return field


def peaks() -> dict[str, float]:
    """Return the best rates measured on one core, in operations per second."""
    torch.set_num_threads(1)
    found = {"torch.mm": 0.0}
    with onednn_matmul():
        for size in (256, 512, 1024):
            left, right = torch.randn(size, size), torch.randn(size, size)
            for _ in range(20):
                seconds = timed(lambda a=left, b=right: torch.mm(a, b))
                found["torch.mm"] = max(found["torch.mm"], 2.0 * size**3 / seconds)
    try:
        registers_peak(1000)
    except KernelsError:
        return found
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        done = registers_peak(2_000_000)
        best = max(best, done / (time.perf_counter() - start))
    return {**found, "registers": best}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def race(case: Case, lanes: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds per step and network of every round, by contestant."""
    field, times = contestants(lanes), dict[str, list[float]]()
    for number in range(rounds + 1):
        for name, run in field.items():
            seconds = run(case)
            if number and seconds is not None:  # the first round warms up
                times.setdefault(name, []).append(seconds)
    return times


def table(times: Mapping[str, list[float]], operations: float, peak: Mapping[str, float]) -> str:
    """Return one case as a Markdown table."""
    shares = " | ".join(f"of {name}" for name in peak)
    lines = [
        f"| way | us per network and step | ratio | range | {shares} |",
        "|---|---" + "|---" * (2 + len(peak)) + "|",
    ]
    for name, values in times.items():
        ratios = sorted(a / b for a, b in zip(times[BASELINE], values, strict=True))
        share = " | ".join(f"{operations / median(values) / p:.2f}" for p in peak.values())
        lines.append(
            f"| {name} | {median(values) * 1e6:.0f} | {median(ratios):.2f} | "
            f"{ratios[0]:.2f} to {ratios[-1]:.2f} | {share} |"
        )
    return "\n".join(lines)


def scaling(path: str, picture: Path) -> dict[int, float]:
    """Measure, print and draw seconds per lane for a tiny network, from 1 to 10 000 lanes.

    Returns:
        Seconds per lane by the number of lanes.
    """
    case = Case("tiny", ("mlp", {"depth": 1, "width": 16, **MLP}), 16, "sgd", 1)
    trained(case, path, 2, 4, 1)
    found = {}
    for lanes in SCALING_LANES:
        found[lanes] = timed(lambda n=lanes: trained(case, path, 2, n, 1)) / lanes
        print(f"{lanes:6d} lanes: {found[lanes] * 1e3:8.3f} ms each", flush=True)
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.loglog(list(found), [1e3 * seconds for seconds in found.values()], "o-")
    axes.set(xlabel="lanes in one call", ylabel="ms per lane", title="Cost per lane")
    figure.savefig(picture, dpi=150)
    return found


def machine() -> dict[str, str]:
    """Return what the figures depend on besides this project."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    cpu = f"{(names or [platform.processor()])[0]} x {len(names)}"
    return {"processor": cpu, "python": platform.python_version(), "torch": torch.__version__}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "adam"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write all times to this file")
    parser.add_argument("--scaling", choices=("torch", "compiled"), nargs="?", const="torch")
    parser.add_argument("--picture", type=Path, default=Path("scaling.png"))
    asked = parser.parse_args()
    report: dict[str, object] = {"machine": machine()}
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    if asked.scaling:
        report["scaling"] = scaling(asked.scaling, asked.picture)
    else:
        report["peaks"] = peak = peaks()
        print(", ".join(f"{name} {rate / 1e9:.0f} Gflop/s" for name, rate in peak.items()))
        for name in asked.cases:
            model, n_features, epochs, lanes = NETWORKS[name]
            for optimizer in asked.optimizers:
                case = Case(name, model, n_features, optimizer, epochs)
                times = race(case, lanes, asked.rounds)
                report[f"{name} {optimizer}"] = times
                print(f"\n**{name}, {optimizer}**\n\n{table(times, case.operations(), peak)}")
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
