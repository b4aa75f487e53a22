"""Compare all schemes: sensitivity, paired statistics, the choice and the verdict."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from initsweep import artifacts, ledger
from initsweep.errors import ArtifactError
from initsweep.network_choice import with_network
from initsweep.params import Params
from initsweep.provenance import Role, of_training, provenance
from initsweep.records import (
    Alternative,
    BudgetRow,
    Confirmation,
    CurveRow,
    DivergenceRow,
    MeasureRow,
    MeasureSummary,
    NeededSeeds,
    PairRow,
    PredictionRow,
    Provenance,
    QuantityRow,
    ResponseRow,
    RetuneRow,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
)
from initsweep.statistics import plot_tables
from initsweep.statistics.alternatives import alternatives, needed_seeds
from initsweep.statistics.evidence import Evidence, Retune, check_evidence
from initsweep.statistics.measures import summaries
from initsweep.statistics.plot_tables import ConfusionRow, CurvePoint, ResponsePoint
from initsweep.statistics.verdict import Comparison, compare

LR_RESPONSE = artifacts.COMPARE / "lr_response.csv"
LEARNING_CURVES = artifacts.COMPARE / "learning_curves.csv"
CONFUSION = artifacts.COMPARE / "confusion.csv"
FEW = 4  # stages that are named one by one in a command
BY_SCHEME = artifacts.COMPARE / "schemes.json"


def run(params: Params) -> None:
    """Write `results/compare/` and `metrics.json` from the tune and train results.

    Only the schemes listed in `params.schemes` are read; results of schemes that have been
    removed from that list are ignored.

    Raises:
        ArtifactError: If a result is missing, damaged or belongs to another study.
    """
    prepared = artifacts.read_record(artifacts.SCHEMA, Schema)
    schema = prepared.judged
    evidence = [_read(scheme, schema) for scheme in params.schemes]
    racing = params.tune.strategy == "racing"
    check_evidence(evidence, schema, params.confirm.seeds, racing=racing)
    _check_origin(evidence, with_network(params, prepared), prepared)
    comparison = compare(evidence, prepared, params.decide, _provenance(params, evidence, schema))
    artifacts.write_rows(artifacts.COMPARE / "schemes.csv", comparison.schemes, SchemeRow)
    artifacts.write_rows(artifacts.COMPARE / "pairs.csv", comparison.pairs, PairRow)
    artifacts.write_rows(artifacts.COMPARE / "response.csv", comparison.response, ResponseRow)
    artifacts.write_rows(artifacts.COMPARE / "budget.csv", comparison.budget, BudgetRow)
    artifacts.write_rows(artifacts.COMPARE / "divergence.csv", comparison.divergence, DivergenceRow)
    artifacts.write_rows(artifacts.COMPARE / "retunes.csv", comparison.retunes, RetuneRow)
    artifacts.write_rows(artifacts.COMPARE / "intervals.csv", comparison.quantities, QuantityRow)
    measured = [
        row
        for scheme in params.schemes
        for row in artifacts.read_rows(artifacts.train_folder(scheme) / "measures.csv", MeasureRow)
    ]
    artifacts.write_rows(artifacts.COMPARE / "measures.csv", summaries(measured), MeasureSummary)
    _write_plots(params, schema, comparison, evidence)
    changed = alternatives(evidence, schema, params.decide)
    artifacts.write_rows(artifacts.COMPARE / "alternatives.csv", changed, Alternative)
    needed = needed_seeds(evidence, schema, params.decide)
    artifacts.write_rows(artifacts.COMPARE / "needed_seeds.csv", needed, NeededSeeds)
    artifacts.write_json(BY_SCHEME, plot_tables.by_scheme(comparison.schemes))
    headline = plot_tables.headline(comparison.verdict, comparison.schemes)
    artifacts.write_json(artifacts.METRICS, headline)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", comparison.verdict)
    against = ledger.challenge_of(params, comparison.verdict.recommended, comparison.schemes)
    artifacts.write_json(ledger.CHALLENGE, against)


def _check_origin(evidence: Sequence[Evidence], params: Params, schema: Schema) -> None:
    """Refuse records of other parameters, data or code than today's, whatever DVC takes them for.

    Raises:
        ArtifactError: Naming them, and the commands that compute them again.
    """
    stale, reasons = list[str](), set[str]()
    for one in evidence:
        records: list[tuple[str, Role, Provenance]] = [
            ("tune", "tune", one.selection.provenance),
            ("train", "confirm", one.confirmation.provenance),
        ]
        for stage, role, record in records:
            found = _differing(record, of_training(params, schema, one.scheme, role))
            stale += [f"{stage}@{one.scheme}"] if found else []
            reasons.update(found)
    if stale:
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


def _read(scheme: str, schema: Schema) -> Evidence:
    tuned, trained = artifacts.tune_folder(scheme), artifacts.train_folder(scheme)
    return Evidence(
        scheme=scheme,
        selection=artifacts.read_record(tuned / "selection.json", Selection),
        tuning=artifacts.read_rows(tuned / "runs.csv", RunRow),
        confirmation=artifacts.read_record(trained / "record.json", Confirmation),
        confirm=artifacts.read_rows(trained / "runs.csv", RunRow),
        test_rows=_test_rows(trained, schema),
        other=artifacts.read_rows(trained / "other.csv", RunRow),
        curves=_curves(trained, schema),
        retunes=[
            Retune(
                selection=artifacts.read_record(tune / "selection.json", Selection),
                tuning=artifacts.read_rows(tune / "runs.csv", RunRow),
                confirm=artifacts.read_rows(train / "runs.csv", RunRow),
            )
            for tune, train in zip(
                artifacts.retune_folders(tuned),
                artifacts.retune_folders(trained, len(artifacts.retune_folders(tuned))),
                strict=True,
            )
        ],
    )


def _write_plots(
    params: Params, schema: Schema, comparison: Comparison, evidence: Sequence[Evidence]
) -> None:
    """Write what `dvc plots` draws; a table is empty where there is nothing to draw."""
    points = plot_tables.response_points(comparison.response, comparison.schemes)
    artifacts.write_rows(LR_RESPONSE, points, ResponsePoint)
    curves = [
        point
        for one in evidence
        for point in plot_tables.curve_points(
            one.scheme,
            one.curves,
            schema.constant_validation_loss,
            params.training.epochs,
        )
    ]
    artifacts.write_rows(LEARNING_CURVES, curves, CurvePoint)
    named = comparison.verdict.recommended
    seen = [] if named is None else _predictions(named)
    artifacts.write_rows(CONFUSION, plot_tables.confusion_rows(seen, schema), ConfusionRow)


def _predictions(scheme: str) -> list[PredictionRow]:
    return artifacts.read_rows(artifacts.train_folder(scheme) / "predictions.csv", PredictionRow)


def _provenance(params: Params, evidence: Sequence[Evidence], schema: Schema) -> Provenance:
    """Return what the verdict is computed from: the margins and the records of the schemes."""
    records = {
        one.scheme: [asdict(record.provenance) for record in (one.selection, one.confirmation)]
        for one in evidence
    }
    return provenance(
        params={"decide": params.decide.model_dump(mode="json"), "records": records},
        data_sha=schema.data_sha,
        modules=("statistics", "stages/compare", "randomness"),
        packages=("numpy",),
    )
