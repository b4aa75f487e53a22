"""Calibrate the diagnosis of untrained networks on networks that were then trained.

    python -m benchmarks.diagnosis_calibration            # from the committed table: seconds
    python -m benchmarks.diagnosis_calibration --write    # and into docs/diagnosis.md
    python -m benchmarks.diagnosis_calibration --train    # the table anew: about an hour
    python -m benchmarks.diagnosis_calibration --train --cases 4 --work FOLDER   # tiny

Prints the thresholds that `initsweep/probes/thresholds.py` holds, and the result tables. Training
all cases replaces `diagnosis_cases.csv`; some have a table of their own, in the folder of work.
"""

import argparse
import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import ROOT, add_write, count, parser_of, put, refuse_parts
from benchmarks.diagnosis_cases import Network, cases, read_outcomes, train_all
from benchmarks.diagnosis_fit import TABLE, Bools, Cases, fit, rates_in_words, read_cases
from benchmarks.diagnosis_measures import measure
from initsweep.engine.devices import pin_matmul
from initsweep.params import Runtime

PAGE = ROOT / "docs/diagnosis.md"
OPTIMIZERS = ("sgd", "adam")
# What was used before: conventions, not fitted to anything.
CONVENTIONS = {
    "tied": 0.5, "dead": 0.9, "saturated": 0.5, "signal_grown": 10.0, "signal_faded": 10.0,
    "gradient_grown": 10.0, "gradient_faded": 10.0, "jump_up": 10.0, "jump_down": 10.0,
    "cost": 10.0, "alike": 1 / 1.5,
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--train", action="store_true", help="train and measure all cases anew")
    made.add_argument("--cases", type=count, help="with --train: the first ones only")
    made.add_argument(
        "--work", type=Path, default=Path("scratch/diagnosis"), help="folder for what is trained"
    )
    add_write(made, PAGE)
    return made


def main() -> None:
    """Run what was asked for."""
    options = parser().parse_args()
    refuse_parts(parser(), write=options.write, parts=options.cases is not None)
    pin_matmul()
    torch.set_num_threads(1)
    file = TABLE if options.cases is None else options.work / TABLE.name
    if options.train:
        build_table(options.work, cases(options.cases), file)
    table = read_cases(file)
    fitted = {name: fit(table, table.training_half, name) for name in OPTIMIZERS}
    for name, thresholds in fitted.items():
        print(name, thresholds)
    sections = {
        "results": results_table(table, fitted),
        "strictness": strictness_table(table, fitted["sgd"]),
        "single": single_table(table),
        "ceiling": ceiling_table(table),
    }
    for lines in sections.values():
        print("\n".join(lines), end="\n\n")
    if options.write:
        put(PAGE, {name: "\n".join(lines) for name, lines in sections.items()})


def build_table(work: Path, known: Sequence[tuple[Network, str]], table: Path) -> None:
    """Train and measure every case, keeping what an interrupted run had done."""
    work.mkdir(parents=True, exist_ok=True)
    runtime = Runtime(
        device="cpu", engine="auto", threads=1, lanes_per_chunk="auto", workers="auto"
    )
    outcomes = {}
    for optimizer in OPTIMIZERS:
        path = work / f"{optimizer}.csv"
        for outcome in train_all(path, known, optimizer, runtime):
            print(f"{optimizer} {outcome.number}: {outcome.network} {outcome.scheme}", flush=True)
        outcomes[optimizer] = {row["number"]: row for row in read_outcomes(path)}
    networks = list(dict.fromkeys(network.name for network, _ in known))
    rows = []
    for number, (network, scheme) in enumerate(known):
        trained = {name: rows_of[str(number)] for name, rows_of in outcomes.items()}
        half = "training" if networks.index(network.name) < len(networks) // 2 else "held back"
        row: dict[str, object] = {"network": network.name, "scheme": scheme, "half": half}
        row["depth"] = _depth(network.name)
        row["constant_loss"] = trained["sgd"]["constant_loss"]
        for name, found in trained.items():
            row |= {f"{name}_{key}": found[key] for key in ("skill", "best_rate", "stable_rate")}
        row |= {key: float(f"{value:.4g}") for key, value in measure(network, scheme).items()}
        rows.append(row)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def results_table(table: Cases, fitted: dict[str, dict[str, float]]) -> list[str]:
    """Return the error rates on the held-back half, with intervals, for all contestants."""
    held = ~table.training_half
    lines = ["| optimizer | rules | false alarms | misses |", "|---|---|---|---|"]
    for optimizer in OPTIMIZERS:
        other = fit(table, held, optimizer)
        for name, alarms, rows in (
            ("calibrated", table.alarms(fitted[optimizer]), held),
            ("calibrated, halves exchanged", table.alarms(other), ~held),
            ("SageMaker Debugger's rules", table.rules(), held),
            ("conventions (a factor 10)", table.alarms(CONVENTIONS), held),
        ):
            false, missed = _rates(table, alarms, table.untrainable(optimizer), rows)
            lines.append(f"| {optimizer} | {name} | {false} | {missed} |")
    return lines


def strictness_table(table: Cases, thresholds: dict[str, float]) -> list[str]:
    """Return the same for other ideas of what a trainable network is."""
    held = ~table.training_half
    lines = [
        "| share of the constant loss to remove | untrainable | false alarms | misses |",
        "|---|---|---|---|",
    ]
    for skill in (0.05, 0.1, 0.25, 0.5):
        bad = table.untrainable("sgd", skill)
        false, missed = _rates(table, table.alarms(thresholds), bad, held)
        lines.append(f"| {skill:.0%} | {bad[held].mean():.0%} | {false} | {missed} |")
    return lines


def single_table(table: Cases) -> list[str]:
    """Return how SageMaker's rules do one by one, on all cases under SGD."""
    bad, all_cases = table.untrainable("sgd"), np.ones(len(table.networks), dtype=bool)
    lines = ["| rule | false alarms | misses |", "|---|---|---|"]
    for name, values in table.columns.items():
        if name.startswith("sm_"):
            false, missed = _rates(table, values > 0, bad, all_cases)
            words = name.removeprefix("sm_").replace("_", " ")
            lines.append(f"| {words} | {false} | {missed} |")
    return lines


def ceiling_table(table: Cases) -> list[str]:
    """Return how the rates that SGD could use relate to the ceiling (2 + 2 · 0.9) / λ."""
    columns = table.columns
    names = ("signal_grown", "signal_faded", "gradient_grown", "gradient_faded")
    drift = np.max([columns[name] for name in names], axis=0)
    usable = ~table.untrainable("sgd") & (columns["sharpness"] > 0)
    ceiling = 3.8 / np.where(usable, columns["sharpness"], 1.0)
    shallow, level = columns["depth"] <= 6, drift <= 2
    lines = [
        "| networks | cases | best rate above the ceiling | "
        "largest stable rate / ceiling: 5 %, median, 95 % |",
        "|---|---|---|---|",
    ]
    for name, rows in (
        ("up to 6 layers, signals level within a factor 2", shallow & level),
        ("up to 6 layers, others", shallow & ~level),
        ("7 layers and more, level within a factor 2", ~shallow & level),
        ("7 layers and more, others", ~shallow & ~level),
    ):
        chosen = rows & usable
        if not chosen.any():
            lines.append(f"| {name} | 0 | not known | not known |")
            continue
        above = (columns["sgd_best_rate"] > ceiling)[chosen].mean()
        seen = chosen & (columns["sgd_stable_rate"] < 0.99)  # beyond the grid nothing is known
        ratio = np.quantile((columns["sgd_stable_rate"] / ceiling)[seen], [0.05, 0.5, 0.95])
        spread = ", ".join(f"{value:.2g}" for value in ratio)
        lines.append(f"| {name} | {chosen.sum()} | {above:.0%} | {spread} |")
    return lines


def _rates(table: Cases, alarms: Bools, bad: Bools, rows: Bools) -> list[str]:
    names = [name for name, chosen in zip(table.networks, rows, strict=True) if chosen]
    return rates_in_words(alarms[rows], bad[rows], names)


def _depth(name: str) -> int:
    """Return the number of weight layers, from a network's name."""
    if found := re.search(r"mlp-(\d+)x", name):
        return int(found[1]) + 1
    channels = re.search(r"cnn-((?:\d+-)+)k", name)
    return (channels[1].count("-") if channels else 0) + 1 + ("dense" in name)


if __name__ == "__main__":
    main()
