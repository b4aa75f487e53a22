"""Compare all schemes: sensitivity, paired statistics, the choice and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from initsweep import artifacts
from initsweep.params import Params
from initsweep.provenance import provenance
from initsweep.records import (
    Confirmation,
    PairRow,
    Provenance,
    ResponseRow,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
)
from initsweep.statistics.evidence import Evidence, check_evidence
from initsweep.statistics.verdict import Comparison, compare

LR_RESPONSE = artifacts.COMPARE / "lr_response.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One point of a learning-rate response as DVC plots it."""

    scheme: str
    learning_rate: float
    mean_loss: float


def run(params: Params) -> None:
    """Write `results/compare/` and `metrics.json` from the tune and train results.

    Only the schemes listed in `params.schemes` are read; results of schemes that have been
    removed from that list are ignored.

    Raises:
        ArtifactError: If a result is missing, damaged or belongs to another study.
    """
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    evidence = [_read(scheme) for scheme in params.schemes]
    check_evidence(evidence, schema, params.confirm.seeds)
    comparison = compare(evidence, schema, params.decide, _provenance(params, evidence, schema))
    artifacts.write_rows(artifacts.COMPARE / "schemes.csv", comparison.schemes, SchemeRow)
    artifacts.write_rows(artifacts.COMPARE / "pairs.csv", comparison.pairs, PairRow)
    artifacts.write_rows(artifacts.COMPARE / "response.csv", comparison.response, ResponseRow)
    artifacts.write_rows(LR_RESPONSE, _curves(comparison.response), CurvePoint)
    artifacts.write_json(artifacts.METRICS, headline_metrics(comparison))
    artifacts.write_json(artifacts.COMPARE / "verdict.json", comparison.verdict)


def _read(scheme: str) -> Evidence:
    tuned, trained = artifacts.tune_folder(scheme), artifacts.train_folder(scheme)
    return Evidence(
        scheme=scheme,
        selection=artifacts.read_record(tuned / "selection.json", Selection),
        tuning=artifacts.read_rows(tuned / "runs.csv", RunRow),
        confirmation=artifacts.read_record(trained / "record.json", Confirmation),
        confirm=artifacts.read_rows(trained / "runs.csv", RunRow),
    )


def _curves(response: Sequence[ResponseRow]) -> list[CurvePoint]:
    """Return the evenly spaced rates of every scheme, without refinement."""
    return [
        CurvePoint(scheme=row.scheme, learning_rate=row.learning_rate, mean_loss=row.mean_loss)
        for row in response
        if row.kind != "refinement"
    ]


def headline_metrics(comparison: Comparison) -> dict[str, dict[str, float]]:
    """Return the numbers worth comparing between studies, per scheme and for the recommended.

    Returns:
        Numbers by name by scheme, rounded to six significant digits; what is not defined for a
        scheme is left out. Without a recommended scheme there is no entry `recommended`.
    """
    metrics: dict[str, dict[str, float]] = {}
    for row in comparison.schemes:
        metrics[row.scheme] = _rounded(
            {
                "learning_rate": row.learning_rate,
                "validation_loss": row.validation_loss,
                "test_loss": row.test_loss,
                "test_score": row.test_score,
                "basin_width": row.basin_width,
                "regret": row.regret,
                "sensitivity": row.sensitivity,
                "failed_runs": row.failed_runs,
            }
        )
    if comparison.verdict.recommended is not None:
        headline = ("learning_rate", "test_loss", "test_score", "basin_width")
        of_all = metrics[comparison.verdict.recommended]
        metrics = {"recommended": {k: of_all[k] for k in headline if k in of_all}} | metrics
    return metrics


def _rounded(values: Mapping[str, float | None]) -> dict[str, float]:
    return {
        name: value if isinstance(value, int) else float(f"{value:.6g}")
        for name, value in values.items()
        if value is not None
    }


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
