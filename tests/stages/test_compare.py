import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.params import parse_params
from initsweep.core.provenance import of_training
from initsweep.core.records import (
    Confirmation,
    CurveRow,
    MeasureRow,
    MeasureSummary,
    PairRow,
    PredictionRow,
    ResponseRow,
    RunRow,
    SchemeRow,
    Selection,
    Verdict,
)
from initsweep.stages import compare
from initsweep.statistics.plot_tables import ConfusionRow, CurvePoint, ResponsePoint
from tests.statistics.study_builder import SCHEMA, evidence, flat
from tests.statistics.test_selection import NARROW, STALLED, WIDE, noisy

SCHEMES = ["he_normal", "xavier_normal", "zeros"]


def write(one):
    tuned, trained = artifacts.tune_folder(one.scheme), artifacts.train_folder(one.scheme)
    artifacts.write_rows(tuned / "runs.csv", one.tuning, RunRow)
    artifacts.write_json(tuned / "selection.json", one.selection)
    artifacts.write_rows(trained / "runs.csv", one.confirm, RunRow)
    artifacts.write_rows(trained / "curves.csv", one.curves, CurveRow)
    measured = [
        MeasureRow(scheme=run.scheme, seed=run.seed, split="test", measure="accuracy", value=0.5)
        for run in one.confirm
    ]
    artifacts.write_rows(trained / "measures.csv", measured, MeasureRow)
    artifacts.write_json(trained / "record.json", one.confirmation)
    seen = [
        PredictionRow(example=0, target=0.0, prediction=0.0),
        PredictionRow(example=1, target=1.0, prediction=0.0),
    ]
    artifacts.write_rows(trained / "predictions.csv", seen, PredictionRow)
    artifacts.write_rows(trained / "other.csv", one.other, RunRow)
    artifacts.write_array(trained / "test_rows.npy", rows_of(one))


def rows_of(one):
    """Return losses of two test rows, 0.1 to both sides of each run's."""
    losses = np.array([np.nan if r.test_loss is None else r.test_loss for r in one.confirm])
    return (losses[:, None] + np.array([-0.1, 0.1])).astype(np.float32)


@pytest.fixture
def params(tmp_path, monkeypatch, changed):
    monkeypatch.chdir(tmp_path)
    artifacts.write_json(artifacts.SCHEMA, SCHEMA)
    write(evidence("he_normal", noisy(0.2, "he"), WIDE, refinement={0.05: [0.3, 0.3]}))
    write(evidence("xavier_normal", noisy(0.4, "xavier"), NARROW, extension={3.0: [None, None]}))
    write(evidence("zeros", [1.0] * 9 + [None], STALLED))
    seeds = list(range(100, 110))
    changes = {
        "schemes": SCHEMES,
        "confirm.seeds": seeds,
        "decide.most_seeds": 0,
        "training.epochs": 4,
    }
    params = parse_params(changed(changes))
    for scheme in SCHEMES:
        sign(params, scheme)
    return params


def sign(params, scheme, **hashes):
    """Let the records of a scheme say that they come from these parameters and today's code."""
    for folder, name, kind, role in (
        (artifacts.tune_folder(scheme), "selection.json", Selection, "tune"),
        (artifacts.train_folder(scheme), "record.json", Confirmation, "confirm"),
    ):
        origin = of_training(params, SCHEMA, scheme, role)
        record = artifacts.read_record(folder / name, kind)
        signed = dataclasses.replace(record, provenance=dataclasses.replace(origin, **hashes))
        artifacts.write_json(folder / name, signed)


def outputs():
    paths = [artifacts.METRICS, *artifacts.COMPARE.rglob("*")]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def test_writes_every_table(params):
    compare.run(params)
    assert sorted(path.as_posix() for path in outputs()) == [
        "metrics.json",
        "results/compare/alternatives.csv",
        "results/compare/budget.csv",
        "results/compare/champion.json",
        "results/compare/confusion.csv",
        "results/compare/divergence.csv",
        "results/compare/intervals.csv",
        "results/compare/learning_curves.csv",
        "results/compare/lr_response.csv",
        "results/compare/measures.csv",
        "results/compare/needed_seeds.csv",
        "results/compare/pairs.csv",
        "results/compare/response.csv",
        "results/compare/retunes.csv",
        "results/compare/schemes.csv",
        "results/compare/schemes.json",
        "results/compare/verdict.json",
    ]
    measured = artifacts.read_rows(artifacts.COMPARE / "measures.csv", MeasureSummary)
    assert [(one.scheme, one.estimate) for one in measured] == [(name, 0.5) for name in SCHEMES]
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    assert [(row.scheme, row.outcome) for row in rows] == [
        ("he_normal", "recommended"), ("xavier_normal", "worse"), ("zeros", "untrainable"),
    ]  # fmt: skip
    assert len(artifacts.read_rows(artifacts.COMPARE / "pairs.csv", PairRow)) == 2
    assert len(artifacts.read_rows(artifacts.COMPARE / "response.csv", ResponseRow)) == 14
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    assert (verdict.decision, verdict.recommended) == ("winner", "he_normal")
    # The refined rate, 0.3 at 0.05, ends the basin: the loss is 0.25 half of the way to 0.1.
    assert verdict.usable_rates == (0.0707107, 1.0)
    assert verdict.provenance.data_sha == SCHEMA.data_sha


def test_the_responses_to_draw_are_the_evenly_spaced_rates_and_the_chosen_one(params):
    compare.run(params)
    points = artifacts.read_rows(compare.LR_RESPONSE, ResponsePoint)
    rates = {scheme: [p.learning_rate for p in points if p.scheme == scheme] for scheme in SCHEMES}
    chosen = {p.scheme: p.learning_rate for p in points if p.chosen}
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    assert chosen == {row.scheme: row.learning_rate for row in rows}
    assert sorted({0.001, 0.01, 0.1, 1.0, chosen["he_normal"]}) == rates["he_normal"]
    assert rates["xavier_normal"][-1] == 3.0


def test_learning_curves_cover_every_epoch_and_count_what_diverged(params):
    compare.run(params)
    points = artifacts.read_rows(compare.LEARNING_CURVES, CurvePoint)
    for scheme in SCHEMES:
        epochs = [point.epoch for point in points if point.scheme == scheme]
        assert epochs == list(range(params.training.epochs + 1))
    zeros = [point for point in points if point.scheme == "zeros"]
    assert zeros[-1].worst_loss == SCHEMA.constant_validation_loss
    assert all(p.best_loss <= p.median_loss <= p.worst_loss for p in points)


def test_the_confusion_is_that_of_the_recommended_scheme(params):
    named = dataclasses.replace(SCHEMA, class_names=["cat", "dog"])
    artifacts.write_json(artifacts.SCHEMA, named)
    compare.run(params)
    rows = artifacts.read_rows(compare.CONFUSION, ConfusionRow)
    assert [(row.actual, row.predicted) for row in rows] == [("cat", "cat"), ("dog", "cat")]


def test_a_regression_has_no_confusion(params):
    artifacts.write_json(artifacts.SCHEMA, dataclasses.replace(SCHEMA, task="regression"))
    compare.run(params)
    assert compare.CONFUSION.read_text() == "actual,predicted\n"


def test_the_headline_is_flat_short_and_rounded(params):
    compare.run(params)
    headline = json.loads(artifacts.METRICS.read_text())
    assert list(headline) == [
        "decision", "recommended", "learning_rate", "basin_width", "test_loss", "test_score",
        "tied", "trainable",
    ]  # fmt: skip
    assert (headline["decision"], headline["recommended"]) == ("winner", "he_normal")
    assert (headline["tied"], headline["trainable"]) == (1, 2)
    assert headline["test_loss"] == float(f"{headline['test_loss']:.6g}")


def test_numbers_by_scheme_are_finite_and_rounded(params):
    compare.run(params)
    metrics = json.loads(compare.BY_SCHEME.read_text())
    assert list(metrics) == SCHEMES
    headline = json.loads(artifacts.METRICS.read_text())
    assert metrics["he_normal"]["test_loss"] == headline["test_loss"]
    assert "basin_width" not in metrics["zeros"]
    assert "test_score" not in metrics["zeros"]
    assert metrics["zeros"]["failed_runs"] == 10
    for values in metrics.values():
        assert all(value == float(f"{value:.6g}") for value in values.values())


def test_without_a_recommendation_the_headline_says_none_and_nothing_is_confused(params):
    for scheme in SCHEMES:
        write(evidence(scheme, [1.0] * 10, STALLED))
        sign(params, scheme)
    compare.run(params)
    assert json.loads(artifacts.METRICS.read_text()) == {
        "decision": "none_trainable", "recommended": "none", "tied": 0, "trainable": 0,
    }  # fmt: skip
    assert compare.CONFUSION.read_text() == "actual,predicted\n"


def test_same_input_same_bytes(params):
    compare.run(params)
    first = outputs()
    shutil.rmtree(artifacts.COMPARE)
    compare.run(params)
    assert outputs() == first


def test_margins_and_inputs_are_part_of_the_provenance(params):
    def sha(of):
        compare.run(of)
        return artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict).provenance

    decide = params.decide.model_copy(update={"margin": 0.02})
    first = sha(params)
    assert sha(params.model_copy(update={"decide": decide})).params_sha != first.params_sha
    assert sha(params.model_copy(update={"schemes": ("zeros",)})).params_sha != first.params_sha
    assert first.code_sha


def test_a_removed_scheme_is_ignored(params):
    compare.run(params)
    broken = artifacts.tune_folder("xavier_normal") / "runs.csv"
    broken.write_text("leftover")
    compare.run(params.model_copy(update={"schemes": ("he_normal", "zeros")}))
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    assert [row.scheme for row in rows] == ["he_normal", "zeros"]
    points = artifacts.read_rows(compare.LR_RESPONSE, ResponsePoint)
    assert {point.scheme for point in points} == {"he_normal", "zeros"}


@pytest.mark.parametrize(
    "path",
    [
        "data/prepared/schema.json",
        "results/tune/he_normal/runs.csv",
        "results/tune/he_normal/selection.json",
        "results/train/he_normal/runs.csv",
        "results/train/he_normal/record.json",
        "results/train/he_normal/curves.csv",
        "results/train/he_normal/measures.csv",
        "results/train/he_normal/predictions.csv",
        "results/train/he_normal/other.csv",
        "results/train/he_normal/test_rows.npy",
    ],
)
def test_a_missing_file_is_named(params, path):
    Path(path).unlink()
    with pytest.raises(ArtifactError, match=f"{path}.*dvc repro"):
        compare.run(params)


def test_test_rows_of_another_training_are_refused(params):
    artifacts.write_array(artifacts.train_folder("he_normal") / "test_rows.npy", np.zeros((3, 2)))
    with pytest.raises(ArtifactError, match=r"results/train/he_normal.*test_rows.npy has 3 runs"):
        compare.run(params)


def test_results_of_another_study_are_refused_before_anything_is_written(params):
    other = evidence("zeros", [1.0] * 10, flat([1.0] * 4, rates=(0.002, 0.02, 0.2, 2.0)))
    write(other)
    with pytest.raises(ArtifactError, match=r"results/tune/zeros.*other grid"):
        compare.run(params)
    write(evidence("zeros", [1.0] * 5, STALLED))
    with pytest.raises(ArtifactError, match=r"results/train/zeros.*seeds"):
        compare.run(params)
    assert not artifacts.COMPARE.exists()


@pytest.mark.parametrize(
    ("field", "said"), [("params_sha", "parameters"), ("data_sha", "data"), ("code_sha", "code")]
)
def test_records_of_other_inputs_than_today_s_are_refused(field, said, params):
    if field == "data_sha":  # that one is also what the schemes are compared by
        artifacts.write_json(artifacts.SCHEMA, dataclasses.replace(SCHEMA, data_sha="other"))
        with pytest.raises(ArtifactError, match="data"):
            compare.run(params)
        return
    sign(params, "zeros", **{field: "other"})
    with pytest.raises(ArtifactError) as refused:
        compare.run(params)
    assert str(refused.value) == (
        f"The records of tune@zeros, train@zeros were computed from other {said} than today's. Run "
        "`initsweep repro --force tune@zeros train@zeros`, then `initsweep repro`."
    )
    assert not artifacts.METRICS.exists()


def test_edited_parameters_and_versions_of_libraries(params, changed):
    sign(params, "zeros", versions={"torch": "1.0"})
    compare.run(params)
    training = params.training.model_copy(update={"batch_size": 5})
    edited = params.model_copy(update={"training": training})
    with pytest.raises(ArtifactError, match=r"computed from other parameters.*repro --force`"):
        compare.run(edited)
