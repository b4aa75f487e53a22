"""Calibrate the diagnosis of untrained networks on networks that were then trained.

    python -m benchmarks.diagnosis_calibration            # from the committed table: seconds
    python -m benchmarks.diagnosis_calibration --write    # and into docs/diagnosis.md
    python -m benchmarks.diagnosis_calibration --measure  # the numbers anew, outcomes kept: minutes
    python -m benchmarks.diagnosis_calibration --train    # the table anew: about two hours
    python -m benchmarks.diagnosis_calibration --train --cases 4 --work FOLDER   # tiny

Prints the thresholds that `initsweep/probes/alarm_levels.py` holds, and the result tables. Training
all cases replaces `diagnosis_cases.csv`; some have a table of their own, in the folder of work.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.common import ROOT, add_write, count, parser_of, put, refuse_parts
from benchmarks.diagnosis_cases import Network, cases, read_outcomes, train_all
from benchmarks.diagnosis_fit import TABLE, Bools, Cases, fit, rates_in_words, read_cases
from benchmarks.diagnosis_measures import measure
from benchmarks.family_cases import cases as family_cases
from benchmarks.family_cases import read as read_families
from benchmarks.family_cases import train_all as train_families
from benchmarks.network_families import Member
from initsweep.core.params import Runtime
from initsweep.diagnosis.diagnose import AS_BUILT
from initsweep.engine.devices import pin_matmul

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
    made.add_argument("--measure", action="store_true", help="measure anew, train nothing")
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
        build_table(all_cases(options.cases), train_anew(options.work, options.cases), file)
    elif options.measure:
        build_table(all_cases(None), kept_outcomes(file), file)
    table = read_cases(file)
    fitted = {name: fit(table, table.training_half, name) for name in OPTIMIZERS}
    for name, thresholds in fitted.items():
        print(name, thresholds)
    sections = {
        "results": results_table(table, fitted),
        "families": family_table(table, fitted),
        "strictness": strictness_table(table, fitted["sgd"]),
        "single": single_table(table),
        "ceiling": ceiling_table(table),
    }
    for lines in sections.values():
        print("\n".join(lines), end="\n\n")
    if options.write:
        put(PAGE, {name: "\n".join(lines) for name, lines in sections.items()})


Case = tuple[Network | Member, str]
Outcomes = Sequence[Mapping[str, object]]


def all_cases(number: int | None) -> list[Case]:
    """Return the published cases, or the first ones, and a quarter as many of other forms."""
    return [*cases(number), *family_cases(_quarter(number))]


def _quarter(number: int | None) -> int | None:
    return number and max(1, number // 4)


def train_anew(work: Path, number: int | None) -> Outcomes:
    """Return what became of every case, trained now or in a run that was interrupted."""
    work.mkdir(parents=True, exist_ok=True)
    runtime = Runtime(
        device="cpu",
        engine="auto",
        threads=1,
        lanes_per_chunk="auto",
        workers="auto",
        keep_every_minutes=5.0,
    )
    known = cases(number)
    found: list[dict[str, object]] = [{} for _ in known]
    for optimizer in OPTIMIZERS:
        path = work / f"{optimizer}.csv"
        for outcome in train_all(path, known, optimizer, runtime):
            print(f"{optimizer} {outcome.number}: {outcome.network} {outcome.scheme}", flush=True)
        for row in read_outcomes(path)[: len(known)]:
            found[int(row["number"])] |= {
                f"{optimizer}_{key}": row[key] for key in ("skill", "best_rate", "stable_rate")
            }
    path = work / "families.csv"
    for row in train_families(path, _quarter(number)):
        print(*row.values(), flush=True)
    kept = read_families(path)
    return [
        *found,
        *(kept[member.name, scheme] for member, scheme in family_cases(_quarter(number))),
    ]


def kept_outcomes(table: Path) -> Outcomes:
    """Return what became of the cases according to the table."""
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def build_table(known: Sequence[Case], outcomes: Outcomes, table: Path) -> None:
    """Measure every case and write its numbers beside what became of it."""
    halves = halves_of(known)
    rows = []
    for (network, scheme), outcome in tqdm(zip(known, outcomes, strict=True), total=len(known)):
        row: dict[str, object] = {
            "network": network.name, "family": network.family, "scheme": scheme,
            "half": halves[network.name], "depth": network.depth,
            "constant_loss": round(network.constant, 6),
        }  # fmt: skip
        for name in OPTIMIZERS:
            keys = [f"{name}_{key}" for key in ("skill", "best_rate", "stable_rate")]
            row |= {key: outcome.get(key, "") for key in keys}
        row |= {key: float(f"{value:.4g}") for key, value in measure(network, scheme).items()}
        rows.append(row)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def halves_of(known: Sequence[Case]) -> dict[str, str]:
    """Return the half of every network; the other forms have no part in the fit."""
    names = list(dict.fromkeys(one.name for one, _ in known if isinstance(one, Network)))
    halves = {
        name: "training" if index < len(names) // 2 else "held back"
        for index, name in enumerate(names)
    }
    return halves | {one.name: "other forms" for one, _ in known if isinstance(one, Member)}


def results_table(table: Cases, fitted: dict[str, dict[str, float]]) -> list[str]:
    """Return the error rates on the held-back half, with intervals, for all contestants."""
    held = table.held_back
    lines = ["| optimizer | rules | false alarms | misses |", "|---|---|---|---|"]
    for optimizer in OPTIMIZERS:
        other = fit(table, held, optimizer)
        for name, alarms, rows in (
            ("calibrated", table.alarms(fitted[optimizer]), held),
            ("calibrated, halves exchanged", table.alarms(other), table.training_half),
            ("SageMaker Debugger's rules", table.rules(), held),
            ("conventions (a factor 10)", table.alarms(CONVENTIONS), held),
        ):
            false, missed = _rates(table, alarms, table.untrainable(optimizer), rows)
            lines.append(f"| {optimizer} | {name} | {false} | {missed} |")
    return lines


def family_table(table: Cases, fitted: dict[str, dict[str, float]]) -> list[str]:
    """Return the error rates on networks that had no part in the fit, family by family."""
    lines = [
        "| networks | optimizer | cases | untrainable | false alarms | misses |",
        "|---|---|---|---|---|---|",
    ]
    shipped = np.array([scheme == AS_BUILT for scheme in table.schemes])
    for family in dict.fromkeys(table.families):
        for words, chosen in (("", ~shipped), (", as their authors start them", shipped)):
            rows = ~table.training_half & (table.families == family) & chosen
            for optimizer in OPTIMIZERS if rows.any() else ():
                bad = table.untrainable(optimizer)
                rates = _rates(table, table.alarms(fitted[optimizer]), bad, rows)
                cells = [family + words, optimizer, str(rows.sum()), str(bad[rows].sum()), *rates]
                lines.append(f"| {' | '.join(cells)} |")
    return lines


def strictness_table(table: Cases, thresholds: dict[str, float]) -> list[str]:
    """Return the same for other ideas of what a trainable network is."""
    held = table.held_back
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
    """Return how SageMaker's rules do one by one, on both halves under SGD."""
    bad, all_cases = table.untrainable("sgd"), table.training_half | table.held_back
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
    usable &= table.training_half | table.held_back
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


if __name__ == "__main__":
    main()
