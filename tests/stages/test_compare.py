import json
import shutil
from pathlib import Path

import pytest

from initsweep import artifacts
from initsweep.errors import ArtifactError
from initsweep.params import parse_params
from initsweep.records import PairRow, ResponseRow, RunRow, SchemeRow, Verdict
from initsweep.stages import compare
from tests.statistics.study_builder import SCHEMA, evidence, flat
from tests.statistics.test_selection import NARROW, STALLED, WIDE, noisy

SCHEMES = ["he_normal", "xavier_normal", "zeros"]


def write(one):
    tuned, trained = artifacts.tune_folder(one.scheme), artifacts.train_folder(one.scheme)
    artifacts.write_rows(tuned / "runs.csv", one.tuning, RunRow)
    artifacts.write_json(tuned / "selection.json", one.selection)
    artifacts.write_rows(trained / "runs.csv", one.confirm, RunRow)
    artifacts.write_json(trained / "record.json", one.confirmation)


@pytest.fixture
def params(tmp_path, monkeypatch, changed):
    monkeypatch.chdir(tmp_path)
    artifacts.write_json(artifacts.SCHEMA, SCHEMA)
    write(evidence("he_normal", noisy(0.2, "he"), WIDE, refinement={0.05: [0.3, 0.3]}))
    write(evidence("xavier_normal", noisy(0.4, "xavier"), NARROW, extension={3.0: [None, None]}))
    write(evidence("zeros", [1.0] * 9 + [None], STALLED))
    seeds = list(range(100, 110))
    return parse_params(changed({"schemes": SCHEMES, "confirm.seeds": seeds}))


def outputs():
    paths = [artifacts.METRICS, *artifacts.COMPARE.rglob("*")]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def test_writes_every_table(params):
    compare.run(params)
    assert sorted(path.as_posix() for path in outputs()) == [
        "metrics.json",
        "results/compare/lr_response.csv",
        "results/compare/pairs.csv",
        "results/compare/response.csv",
        "results/compare/schemes.csv",
        "results/compare/verdict.json",
    ]
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    assert [(row.scheme, row.outcome) for row in rows] == [
        ("he_normal", "recommended"), ("xavier_normal", "worse"), ("zeros", "untrainable"),
    ]  # fmt: skip
    assert len(artifacts.read_rows(artifacts.COMPARE / "pairs.csv", PairRow)) == 2
    assert len(artifacts.read_rows(artifacts.COMPARE / "response.csv", ResponseRow)) == 14
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    assert (verdict.decision, verdict.recommended) == ("winner", "he_normal")
    assert verdict.usable_rates == (0.01, 1.0)
    assert verdict.provenance.data_sha == SCHEMA.data_sha


def test_the_plot_table_holds_the_evenly_spaced_rates_of_every_scheme(params):
    compare.run(params)
    rates = {scheme: [] for scheme in SCHEMES}
    for row in artifacts.read_rows(compare.LR_RESPONSE, compare.CurvePoint):
        rates[row.scheme].append(row.learning_rate)
    assert rates["he_normal"] == [0.001, 0.01, 0.1, 1.0]
    assert rates["xavier_normal"][-1] == 3.0


def test_metrics_are_flat_finite_and_rounded(params):
    compare.run(params)
    metrics = json.loads(artifacts.METRICS.read_text())
    assert list(metrics) == ["recommended", *SCHEMES]
    assert set(metrics["recommended"]) == {
        "learning_rate", "test_loss", "test_score", "basin_width",
    }  # fmt: skip
    assert metrics["recommended"]["test_loss"] == metrics["he_normal"]["test_loss"]
    assert "basin_width" not in metrics["zeros"]
    assert "test_score" not in metrics["zeros"]
    assert metrics["zeros"]["failed_runs"] == 10
    for values in metrics.values():
        assert all(value == float(f"{value:.6g}") for value in values.values())


def test_without_a_recommendation_metrics_name_none(params):
    for scheme in SCHEMES:
        write(evidence(scheme, [1.0] * 10, STALLED))
    compare.run(params)
    assert list(json.loads(artifacts.METRICS.read_text())) == SCHEMES


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
    points = artifacts.read_rows(compare.LR_RESPONSE, compare.CurvePoint)
    assert {point.scheme for point in points} == {"he_normal", "zeros"}


@pytest.mark.parametrize(
    "path",
    [
        "data/prepared/schema.json",
        "results/tune/he_normal/runs.csv",
        "results/tune/he_normal/selection.json",
        "results/train/he_normal/runs.csv",
        "results/train/he_normal/record.json",
    ],
)
def test_a_missing_file_is_named(params, path):
    Path(path).unlink()
    with pytest.raises(ArtifactError, match=f"{path}.*dvc repro"):
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
