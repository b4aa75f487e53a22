"""Other losses, weighted classes, selection by the score, a trained backbone: stage after stage."""

import hashlib

import pytest
from safetensors.torch import load_file

from initsweep.core import artifacts
from initsweep.core.records import (
    Confirmation,
    MeasureRow,
    PredictionRow,
    ResponseRow,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
    TrialRow,
    Verdict,
)
from initsweep.stages import compare, prepare, train, tune
from initsweep.stages.confirming import median_run
from initsweep.stages.experiment import load_experiment


@pytest.fixture
def done(tmp_path, monkeypatch, small_params):
    monkeypatch.chdir(tmp_path)

    def run(replacements, *schemes):
        params = small_params({**replacements, "schemes": list(schemes)})
        prepare.run(params)
        for scheme in schemes:
            tune.run(params, scheme)
            train.run(params, scheme)
        return params, artifacts.read_record(artifacts.SCHEMA, Schema)

    return run


def confirmed(scheme):
    folder = artifacts.train_folder(scheme)
    rows = artifacts.read_rows(folder / "measures.csv", MeasureRow)
    measures = {(row.seed, row.split, row.measure): row.value for row in rows}
    return artifacts.read_rows(folder / "runs.csv", RunRow), measures


def test_selection_by_score_compares_how_far_it_stays_below_one(done):
    task = {"task.score": "balanced_accuracy", "task.select_by": "score"}
    task |= {"confirm.seeds": list(range(10, 20)), "decide.most_seeds": 0}
    params, schema = done(task, "he_normal", "zeros")
    constant = schema.judged.constant_validation_loss
    assert constant == pytest.approx(1 - 1 / 3)
    tuning = artifacts.read_rows(artifacts.tune_folder("he_normal") / "runs.csv", RunRow)
    runs, measures = confirmed("he_normal")
    for row in [*tuning, *runs]:
        short = constant if row.status == "diverged" else 1 - row.validation_score
        assert row.capped_loss == pytest.approx(min(short, constant), rel=1e-8)
    for row in runs:
        capped = min(1 - row.test_score, schema.judged.constant_test_loss)
        assert row.capped_test_loss == pytest.approx(capped, rel=1e-8)
        assert measures[row.seed, "test", "balanced_accuracy"] == row.test_score
    trials = artifacts.read_rows(artifacts.tune_folder("he_normal") / "trials.csv", TrialRow)
    selection = artifacts.read_record(
        artifacts.tune_folder("he_normal") / "selection.json", Selection
    )
    assert selection.mean_loss == min(trial.mean_loss for trial in trials)
    compare.run(params)
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    assert verdict.loss_name == "1 - balanced_accuracy"
    assert verdict.constant_loss == constant
    assert "test balanced accuracy" in verdict.statement
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    outcome = {row.scheme: row.trainable for row in rows}
    assert outcome == {"he_normal": True, "zeros": False}


def test_balanced_classes_train_another_network_by_a_loss_that_says_so(done):
    _, plain = done({}, "he_normal")
    before, _ = confirmed("he_normal")
    params, schema = done({"task.class_weights": "balanced"}, "he_normal")
    after, measures = confirmed("he_normal")
    assert (plain.loss_name, plain.class_weights) == ("cross_entropy", [])
    assert schema.loss_name == "weighted_cross_entropy"
    rows = sum(schema.class_counts)
    weights = [rows / (3 * count) for count in schema.class_counts]
    assert schema.class_weights == pytest.approx(weights, rel=1e-8)
    assert all(a.validation_loss != b.validation_loss for a, b in zip(before, after, strict=True))
    # What is kept of the loss is what the metric gives; its recall is that of the rarest class.
    experiment = load_experiment(params)
    rarest = schema.class_counts.index(min(schema.class_counts))
    record = artifacts.read_record(
        artifacts.train_folder("he_normal") / "record.json", Confirmation
    )
    predictions = artifacts.read_rows(
        artifacts.train_folder("he_normal") / "predictions.csv", PredictionRow
    )
    members = [row for row in predictions if row.target == rarest]
    found = sum(row.prediction == rarest for row in members) / len(members)
    assert measures[record.median_seed, "test", "minority_recall"] == pytest.approx(found)
    assert experiment.schema == schema


def test_errors_of_a_regression_are_also_kept_in_the_units_of_the_targets(done):
    _, schema = done({"data.source": "diabetes", "task.loss": "huber"}, "he_normal")
    assert schema.loss_name == "huber"
    runs, measures = confirmed("he_normal")
    predictions = artifacts.read_rows(
        artifacts.train_folder("he_normal") / "predictions.csv", PredictionRow
    )
    errors = [abs(row.prediction - row.target) * schema.target_scale for row in predictions]
    seed = runs[median_run(runs)].seed
    expected = sum(errors) / len(errors)
    assert measures[seed, "test", "mae_original_units"] == pytest.approx(expected, rel=1e-5)
    assert 20 < expected < 150  # of a disease progression between 25 and 346


def test_a_diverged_run_has_no_measures(done):
    grid = {"low": 1e5, "high": 1e7, "points": 3}
    done({"data.source": "diabetes", "tune.grid": grid, "tune.extension_rounds": 0}, "he_normal")
    runs, measures = confirmed("he_normal")
    assert {row.status for row in runs} == {"diverged"}
    assert set(measures.values()) == {None}


def test_a_scheme_fills_the_head_of_a_trained_backbone_and_nothing_else(done, small_params):
    params, _ = done({}, "he_normal")
    file = artifacts.train_folder("he_normal") / "model.safetensors"
    backbone = load_file(file)
    kept = file.rename("backbone.safetensors")
    transfer = {
        "pretrained": str(kept),
        "sha256": hashlib.sha256(kept.read_bytes()).hexdigest(),
        "head": "head",
        "frozen": ["hidden.*"],
    }
    model = {**params.model.model_dump(), "transfer": transfer}
    _, _ = done({"model": model}, "zeros", "he_normal")
    experiment = load_experiment(small_params({"model": model}))
    zero, he = (experiment.initial_state(scheme, 7) for scheme in ("zeros", "he_normal"))
    plain = load_experiment(params).initial_state("he_normal", 7)
    for name, value in backbone.items():
        if name.startswith("head."):
            assert not zero[name].any()
            assert he[name].equal(plain[name])
        else:
            assert zero[name].equal(value)
            assert he[name].equal(value)
    for scheme in ("zeros", "he_normal"):
        runs, _ = confirmed(scheme)
        # A linear head learns from zero, and better than the constant predictor.
        assert all(
            row.capped_loss < experiment.schema.judged.constant_validation_loss for row in runs
        )
        record = artifacts.read_record(artifacts.train_folder(scheme) / "record.json", Confirmation)
        assert "frozen" in record.engine
        final = load_file(artifacts.train_folder(scheme) / "model.safetensors")
        assert all(final[n].equal(v) for n, v in backbone.items() if n.startswith("hidden."))
        assert not final["head.weight"].equal(backbone["head.weight"])


def test_a_race_trains_less_of_the_same_and_is_compared(done):
    settings = {"tune.seeds": [4, 0, 2, 1], "tune.retunes": 1, "tune.refinement_trials": 1}
    settings |= {"confirm.seeds": list(range(10, 20)), "training.epochs": 12}
    settings["tune.grid"] = {"low": 1e-4, "high": 1.0, "points": 5}

    def tuned(strategy):
        done({**settings, "tune.strategy": strategy}, "he_normal")
        folder = artifacts.tune_folder("he_normal")
        runs = artifacts.read_rows(folder / "runs.csv", RunRow)
        trials = artifacts.read_rows(folder / "trials.csv", TrialRow)
        selection = artifacts.read_record(folder / "selection.json", Selection)
        assert (folder / "retune_1/runs.csv").exists()
        return {(r.learning_rate, r.seed): r for r in runs if r.kind == "grid"}, trials, selection

    (every, _, full), (some, trials, selection) = tuned("full"), tuned("racing")
    assert len(every) > len(some)
    assert all(every[key] == run for key, run in some.items())
    seeds = {trial.learning_rate: trial.seeds for trial in trials}
    assert {1, 4} <= set(seeds.values())
    assert seeds[selection.learning_rate] == seeds[selection.other_learning_rate] == 4
    assert selection.mean_loss <= full.mean_loss + 0.05
    tables = sorted(artifacts.tune_folder("he_normal").rglob("*.csv"))
    before = [table.read_bytes() for table in tables]
    params, _ = done({**settings, "tune.strategy": "racing"}, "he_normal")
    assert before == [table.read_bytes() for table in tables]
    compare.run(params)
    rows = artifacts.read_rows(artifacts.COMPARE / "response.csv", ResponseRow)
    assert {row.learning_rate: row.seeds for row in rows} == seeds
