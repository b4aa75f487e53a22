"""Reads what the tune and train stages recorded of a scheme, as the evidence of a decision."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.params import Params
from initsweep.core.provenance import Role, of_training
from initsweep.core.records import (
    Confirmation,
    CurveRow,
    PredictionRow,
    Provenance,
    RunRow,
    Schema,
    Selection,
)
from initsweep.statistics.evidence import Evidence, Retune
from initsweep.statistics.over_rows import rows_explain

FEW = 4  # stages that are named one by one in a command


def evidence_of(scheme: str, schema: Schema, fresh: Path) -> Evidence:
    """Return all records of a scheme.

    Args:
        scheme: The scheme.
        schema: The prepared data, as `judged`.
        fresh: The folder with its fresh runs, of the train or of the settle stage.

    Raises:
        ArtifactError: If a file is missing or damaged.
    """
    tuned, trained = artifacts.tune_folder(scheme), artifacts.train_folder(scheme)
    folders = artifacts.retune_folders(tuned)
    return Evidence(
        scheme=scheme,
        selection=artifacts.read_record(tuned / "selection.json", Selection),
        tuning=artifacts.read_rows(tuned / "runs.csv", RunRow),
        confirmation=artifacts.read_record(fresh / "record.json", Confirmation),
        confirm=artifacts.read_rows(fresh / "runs.csv", RunRow),
        test_rows=_test_rows(fresh, schema),
        test_targets=_test_targets(trained, schema),
        fresh_in="train" if fresh == trained else "settle",
        other=artifacts.read_rows(trained / "other.csv", RunRow),
        curves=_curves(fresh, schema),
        retunes=[
            Retune(
                selection=artifacts.read_record(tune / "selection.json", Selection),
                tuning=artifacts.read_rows(tune / "runs.csv", RunRow),
                confirm=artifacts.read_rows(train / "runs.csv", RunRow),
            )
            for tune, train in zip(
                folders, artifacts.retune_folders(trained, len(folders)), strict=True
            )
        ],
    )


def _curves(folder: Path, schema: Schema) -> list[CurveRow]:
    """Return the epochs of the fresh runs, with what runs are compared by as their loss."""
    return [
        replace(row, validation_loss=schema.value(row.validation_loss, row.validation_score))
        for row in artifacts.read_rows(folder / "curves.csv", CurveRow)
    ]


def _test_rows(folder: Path, schema: Schema) -> NDArray[np.float64] | None:
    """Return the losses of test rows where runs are compared by their mean."""
    if schema.select_by == "score":
        return None
    rows = artifacts.read_array(folder / "test_rows.npy").astype(np.float64)
    return rows if rows.size else None  # an own loop may tell of no rows


def _test_targets(folder: Path, schema: Schema) -> NDArray[np.float64] | None:
    """Return the targets of the test rows where the score is made of them and the rows' losses."""
    if not rows_explain(schema):
        return None
    seen = artifacts.read_rows(folder / "predictions.csv", PredictionRow)
    return np.array([row.target for row in seen]) if seen else None


def check_origin(evidence: Sequence[Evidence], params: Params, schema: Schema) -> None:
    """Refuse records of other parameters, data or code than today's, whatever DVC takes them for.

    Raises:
        ArtifactError: Naming them, and the commands that compute them again.
    """
    stale, reasons = list[str](), set[str]()
    for one in evidence:
        records: list[tuple[str, Role, Provenance]] = [
            (f"tune@{one.scheme}", "tune", one.selection.provenance),
            (
                "settle" if one.fresh_in == "settle" else f"train@{one.scheme}",
                "confirm",
                one.confirmation.provenance,
            ),
        ]
        for stage, role, record in records:
            found = _differing(record, of_training(params, schema, one.scheme, role))
            stale += [stage] if found else []
            reasons.update(found)
    if stale:
        stale = list(dict.fromkeys(stale))
        targets = " " + " ".join(stale) if len(stale) <= FEW else ""
        raise ArtifactError(
            f"The records of {', '.join(stale)} were computed from other "
            f"{' and '.join(sorted(reasons))} than today's. Run `initsweep repro --force{targets}`"
            ", then `initsweep repro`."
        )


def _differing(record: Provenance, today: Provenance) -> list[str]:
    """Return what differs, for a person; versions of libraries may, where results were pulled."""
    names = {"params_sha": "parameters", "data_sha": "data", "code_sha": "code"}
    return [word for name, word in names.items() if getattr(record, name) != getattr(today, name)]
