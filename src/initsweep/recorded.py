"""Reads what the tune and train stages recorded of a scheme, as the evidence of a decision."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from initsweep import artifacts
from initsweep.records import Confirmation, CurveRow, RunRow, Schema, Selection
from initsweep.statistics.evidence import Evidence, Retune


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
    return artifacts.read_array(folder / "test_rows.npy").astype(np.float64)
