"""Compare all schemes: sensitivity, paired statistics, the choice and the verdict."""

from collections.abc import Sequence
from dataclasses import asdict

from initsweep.core import artifacts
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params
from initsweep.core.provenance import provenance
from initsweep.core.records import (
    Alternative,
    BudgetRow,
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
    Schema,
    SchemeRow,
)
from initsweep.promotion import ledger
from initsweep.stages.recorded_evidence import check_origin, evidence_of
from initsweep.statistics import plot_tables
from initsweep.statistics.alternatives import alternatives, needed_seeds
from initsweep.statistics.evidence import Evidence, check_evidence
from initsweep.statistics.extra_metrics import summaries
from initsweep.statistics.plot_tables import ConfusionRow, CurvePoint, ResponsePoint
from initsweep.statistics.verdict import Comparison, compare

LR_RESPONSE = artifacts.COMPARE / "lr_response.csv"
LEARNING_CURVES = artifacts.COMPARE / "learning_curves.csv"
CONFUSION = artifacts.COMPARE / "confusion.csv"
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
    evidence = [
        evidence_of(scheme, schema, artifacts.fresh_folder(scheme)) for scheme in params.schemes
    ]
    racing = params.tune.strategy == "racing"
    check_evidence(evidence, schema, params.confirm.seeds, params.more_seeds, racing=racing)
    check_origin(evidence, with_network(params, prepared), prepared)
    first = len(params.confirm.seeds)
    origin = _provenance(params, evidence, schema)
    comparison = compare(evidence, prepared, params.decide, origin, first)
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
        for row in artifacts.read_rows(artifacts.fresh_folder(scheme) / "measures.csv", MeasureRow)
    ]
    artifacts.write_rows(artifacts.COMPARE / "measures.csv", summaries(measured), MeasureSummary)
    _write_plots(schema, comparison, evidence)
    changed = alternatives(evidence, schema, params.decide, first)
    artifacts.write_rows(artifacts.COMPARE / "alternatives.csv", changed, Alternative)
    needed = needed_seeds(evidence, schema, params.decide, first)
    artifacts.write_rows(artifacts.COMPARE / "needed_seeds.csv", needed, NeededSeeds)
    artifacts.write_json(BY_SCHEME, plot_tables.by_scheme(comparison.schemes))
    headline = plot_tables.headline(comparison.verdict, comparison.schemes)
    artifacts.write_json(artifacts.METRICS, headline)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", comparison.verdict)
    against = ledger.challenge_of(params, comparison.verdict.recommended, comparison.schemes)
    artifacts.write_json(ledger.CHALLENGE, against)


def _write_plots(schema: Schema, comparison: Comparison, evidence: Sequence[Evidence]) -> None:
    """Write what `dvc plots` draws; a table is empty where there is nothing to draw."""
    points = plot_tables.response_points(comparison.response, comparison.schemes)
    artifacts.write_rows(LR_RESPONSE, points, ResponsePoint)
    epochs = max((row.epoch for one in evidence for row in one.curves), default=0)
    curves = [
        point
        for one in evidence
        for point in plot_tables.curve_points(
            one.scheme, one.curves, schema.constant_validation_loss, epochs
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
        modules=("statistics", "stages/compare", "core/numbers", "core/randomness"),
        packages=("numpy",),
    )
