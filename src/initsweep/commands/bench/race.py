"""Interleaved rounds of all contestants, and the table of what came out."""

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import torch

from initsweep.commands.bench.contestants import Case, TwoProcesses, engine, loop
from initsweep.core.errors import KernelsError
from initsweep.engine.kernels.library import registers_peak
from initsweep.engine.matmul import onednn_matmul

Contestant = Callable[[Case], float | None]
"""Returns seconds per step and network; None if it does not cover the network."""

BASELINE = "DataLoader loop"


def contestants() -> dict[str, Contestant]:
    """Return the loops and the engine's paths, by their names in the table."""
    field: dict[str, Contestant] = {
        BASELINE: lambda case: loop(case, "DataLoader"),
        "index loop": lambda case: loop(case, "index"),
        "DataLoader loop, 2 processes": TwoProcesses(),
    }
    for path in ("torch", "compiled"):
        for workers in (1, 2):
            name = f"{path}, {workers} worker{'s' if workers > 1 else ''}"
            field[name] = lambda case, p=path, w=workers: engine(case, p, w)  # type: ignore[misc]
    return field


def peaks() -> dict[str, float]:
    """Return the best rates measured on one core, in operations per second.

    Of torch's matrix products, and of multiply-adds in registers where the kernels are there.
    """
    torch.set_num_threads(1)
    found = {"matrix products": 0.0}
    with onednn_matmul():
        for size in (256, 512, 1024):
            left, right = torch.randn(size, size), torch.randn(size, size)
            for _ in range(20):
                seconds = timed(lambda a=left, b=right: torch.mm(a, b))  # type: ignore[misc]
                rate = 2.0 * size**3 / seconds
                found["matrix products"] = max(found["matrix products"], rate)
    try:
        registers_peak(1000)
    except KernelsError:
        return found
    rounds, best = 2_000_000, 0.0
    for _ in range(10):
        start = time.perf_counter()
        done = registers_peak(rounds)
        best = max(best, done / (time.perf_counter() - start))
    return {**found, "registers": best}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def race(case: Case, rounds: int, field: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """Time every contestant once per round, one after the other.

    Whatever else the machine does strikes all of them.

    Returns:
        The seconds per step and network of every round, by contestant.
    """
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, run in field.items():
            seconds = run(case)
            if number and seconds is not None:  # the first round warms up
                times.setdefault(name, []).append(seconds)
    return times


def table(times: Mapping[str, list[float]], operations: float, peak: Mapping[str, float]) -> str:
    """Return one case as a Markdown table: medians over rounds, and the range of the ratios."""
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


def machine() -> dict[str, str]:
    """Return what the figures depend on besides this project."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    cpu = f"{(names or [platform.processor()])[0]} x {len(names) or 1}"
    return {"processor": cpu, "python": platform.python_version(), "torch": torch.__version__}
