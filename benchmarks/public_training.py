"""Whether the diagnosis is right about public networks: each is asked about, and really trained.

    python -m benchmarks.public_training             # from the committed table: seconds
    python -m benchmarks.public_training --write     # and into docs/public-networks.md
    python -m benchmarks.public_training --train     # goes on with the table: an hour
    python -m benchmarks.public_training --train --networks patchtst --work FOLDER    # tiny

Networks are those of `benchmarks.public_networks` that are small enough, on data small enough:
digits as images, and as tokens to continue or to restore; waves. What trains is as in
`benchmarks.family_cases`, at fewer rates. The libraries are needed for `--train` only.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from benchmarks.common import ROOT, add_write, parser_of, put, refuse_parts
from benchmarks.diagnosis_fit import TRAINABLE_SKILL
from benchmarks.family_cases import Rates, outcome, read
from benchmarks.public_members import MEMBERS, STARTS, Public
from benchmarks.public_networks import check_installed
from initsweep import diagnose
from initsweep.diagnosis.diagnose import AS_BUILT

PAGE = ROOT / "docs/public-networks.md"
TABLE = Path(__file__).with_name("public_training.csv")
RATES: Rates = {"sgd": (0.1, 0.01, 0.001, 0.3), "adam": (1e-2, 1e-3, 1e-4, 3e-3)}
BATCH = 128
FIELDS = (
    "network", "scheme", "family", "sgd_skill", "sgd_best_rate", "sgd_alarm", "sgd_verdict",
    "adam_skill", "adam_best_rate", "adam_alarm", "adam_verdict",
)  # fmt: skip
Row = dict[str, str]


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--train", action="store_true", help="train what the table lacks")
    made.add_argument("--networks", nargs="+", choices=MEMBERS, metavar="NAME")
    made.add_argument("--work", type=Path, help="folder for a table of one's own")
    add_write(made, PAGE)
    return made


def main() -> None:
    """Print the tables, and write them into the documentation if asked."""
    options = parser().parse_args()
    parts = options.networks is not None or options.work is not None
    refuse_parts(parser(), write=options.write, parts=parts)
    file = options.work / TABLE.name if options.work else TABLE
    if options.train:
        torch.set_num_threads(1)
        names = options.networks or list(MEMBERS)
        check_installed(names)
        for row in train_all(file, names):
            print(*row.values(), flush=True)
    rows = list(read(file).values())
    tables = {"public training": by_family(rows), "public verdicts": by_name(rows)}
    print("\n\n".join(tables.values()))
    if options.write:
        put(PAGE, tables)


def train_all(file: Path, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Train what the table lacks and append it, case by case.

    Yields:
        Each new row.
    """
    known = read(file)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(",".join(FIELDS) + "\n")
    for name, start in _in_order(names):
        if (name, start) not in known:
            row = case(MEMBERS[name], start)
            with file.open("a", newline="") as opened:
                csv.DictWriter(opened, FIELDS, lineterminator="\n").writerow(row)
            yield row


def _in_order(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return all cases, thirty as shipped first: one who stops early has some of every kind."""
    places = {
        (name, start): place if start == AS_BUILT else 30 + 2 * place
        for place, name in enumerate(names)
        for start in STARTS
    }
    return sorted(places, key=places.__getitem__)


def case(member: Public, start: str) -> dict[str, object]:
    """Return what becomes of a network, and what is said of it before."""
    split, row = member.split("train"), outcome(member, start, RATES, TRAINABLE_SKILL)
    for optimizer in RATES:
        model: nn.Module = member.started(start, seed=0)
        found = diagnose(model, split.features[:BATCH], split.targets[:BATCH], optimizer=optimizer)
        alarm = next((one.verdict for one in found.findings if one.alarm), "")
        said = found.schemes[0].verdict if found.schemes else alarm
        row |= {f"{optimizer}_alarm": alarm, f"{optimizer}_verdict": said}
    return {"network": member.name, "scheme": start, "family": member.family} | row


def fails(row: Row, optimizer: str) -> bool:
    """Return whether no rate has trained a network."""
    return float(row[f"{optimizer}_skill"]) < TRAINABLE_SKILL


def by_family(rows: Sequence[Row]) -> str:
    """Return how many of each family and start train, and how often the diagnosis is wrong."""
    lines = [
        "| networks | start | SGD: train | false alarms | fail | missed "
        "| Adam: train | false alarms | fail | missed |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    shipped = [row for row in rows if row["scheme"] == AS_BUILT]
    groups = {
        (family, AS_BUILT): [row for row in shipped if row["family"] == family]
        for family in sorted({row["family"] for row in shipped})
    } | {("all", start): [row for row in rows if row["scheme"] == start] for start in STARTS}
    for (family, start), chosen in groups.items():
        cells = [cell for optimizer in RATES for cell in _counts(chosen, optimizer)]
        lines.append(f"| {family} | {start} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _counts(rows: Sequence[Row], optimizer: str) -> list[int]:
    found = [(fails(row, optimizer), bool(row[f"{optimizer}_alarm"])) for row in rows]
    return [
        sum(not failed for failed, _ in found), found.count((False, True)),
        sum(failed for failed, _ in found), found.count((True, False)),
    ]  # fmt: skip


def by_name(rows: Sequence[Row]) -> str:
    """Return the false alarms and the misses with what was said, and the names of the others."""
    named: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: STARTS.index(row["scheme"])):
        missed = [_mistake(row, optimizer) for optimizer in RATES]
        for optimizer, mistake in zip(RATES, missed, strict=True):
            verdict = f"{row['network']} ({row[f'{optimizer}_verdict']})"
            if mistake:
                named.setdefault(f"{optimizer}, {row['scheme']}, {mistake}", []).append(verdict)
        if not any(missed) and row["scheme"] == AS_BUILT:
            named.setdefault("right for both, as_built", []).append(row["network"])
    shipped = {row["network"] for row in rows if row["scheme"] == AS_BUILT}
    named["not trained"] = [name for name in MEMBERS if name not in shipped]
    return "\n".join(
        f"- {title} ({len(names)}): {', '.join(names)}." for title, names in named.items() if names
    )


def _mistake(row: Row, optimizer: str) -> str:
    """Return how the diagnosis is wrong about a case, "" if it is right."""
    failed, alarm = fails(row, optimizer), bool(row[f"{optimizer}_alarm"])
    return "" if failed == alarm else "missed" if failed else "false alarm"


if __name__ == "__main__":
    main()
