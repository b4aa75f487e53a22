import pytest
from safetensors.torch import load_file

from initsweep.core import artifacts
from initsweep.core.records import (
    Confirmation,
    CurveRow,
    PredictionRow,
    RunRow,
    Selection,
    TrialRow,
)
from initsweep.stages import prepare, train, tune
from initsweep.stages.experiment import load_experiment


@pytest.fixture
def done(tmp_path, monkeypatch, small_params):
    monkeypatch.chdir(tmp_path)

    def run(scheme: str, **replacements):
        params = small_params({k.replace("__", "."): v for k, v in replacements.items()})
        prepare.run(params)
        tune.run(params, scheme)
        train.run(params, scheme)
        return params

    return run


def tuned(scheme: str):
    folder = artifacts.tune_folder(scheme)
    return (
        artifacts.read_rows(folder / "trials.csv", TrialRow),
        artifacts.read_rows(folder / "runs.csv", RunRow),
        artifacts.read_record(folder / "selection.json", Selection),
    )


def test_tuning_tries_grid_and_refinement_under_every_seed_and_picks_the_best(done):
    params = done("he_normal")
    trials, runs, selection = tuned("he_normal")
    grid = [t.learning_rate for t in trials if t.kind == "grid"]
    assert grid == [params.tune.grid.rate(i) for i in range(3)]
    assert sum(t.kind == "refinement" for t in trials) == 2
    assert [(r.trial, r.seed) for r in runs] == [(t.trial, s) for t in trials for s in (0, 1)]
    best = min(trials, key=lambda t: t.mean_loss)
    assert (selection.learning_rate, selection.mean_loss) == (best.learning_rate, best.mean_loss)
    for trial in trials:
        losses = [r.capped_loss for r in runs if r.trial == trial.trial]
        assert trial.mean_loss == pytest.approx(sum(losses) / len(losses))
        assert (trial.best_loss, trial.worst_loss) == (min(losses), max(losses))


def test_equal_schemes_get_equal_rates(done):
    # The textbook's other He formula is LeCun's under another name.
    for scheme in ("lecun_normal", "he_textbook_variant"):
        done(scheme)
    first, second = (tuned(scheme) for scheme in ("lecun_normal", "he_textbook_variant"))
    assert [t.learning_rate for t in first[0]] == [t.learning_rate for t in second[0]]
    assert first[2].learning_rate == second[2].learning_rate
    assert [r.capped_loss for r in first[1]] == [r.capped_loss for r in second[1]]


def test_training_uses_fresh_seeds_at_the_chosen_rate_and_looks_at_test_once(done):
    params = done("he_normal")
    *_, selection = tuned("he_normal")
    folder = artifacts.train_folder("he_normal")
    runs = artifacts.read_rows(folder / "runs.csv", RunRow)
    assert [r.seed for r in runs] == list(params.confirm.seeds)
    assert {r.learning_rate for r in runs} == {selection.learning_rate}
    assert all(r.test_loss is not None and r.capped_test_loss is not None for r in runs)
    _, tuning_runs, _ = tuned("he_normal")
    assert all(r.test_loss is None and r.test_score is None for r in tuning_runs)


def test_the_kept_model_is_the_median_seed_s_and_reproduces_its_test_score(done):
    params = done("he_normal")
    folder = artifacts.train_folder("he_normal")
    record = artifacts.read_record(folder / "record.json", Confirmation)
    runs = {r.seed: r for r in artifacts.read_rows(folder / "runs.csv", RunRow)}
    losses = sorted(r.capped_loss for r in runs.values())
    assert runs[record.median_seed].capped_loss == losses[1]
    experiment = load_experiment(params)
    model = experiment.model()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    test = experiment.split("test", [record.median_seed])
    outputs = model.eval()(test.features)
    score = float(experiment.score(outputs, test.targets))
    assert score == pytest.approx(runs[record.median_seed].test_score)
    predictions = artifacts.read_rows(folder / "predictions.csv", PredictionRow)
    assert [int(p.prediction) for p in predictions] == outputs.argmax(dim=1).tolist()
    assert [int(p.target) for p in predictions] == test.targets.tolist()


def test_a_scheme_whose_every_run_diverges_is_recorded_and_keeps_no_model(done):
    done(
        "random_normal_large",
        model__depth=6,
        tune__grid={"low": 10.0, "high": 1000.0, "points": 3},
        tune__extension_rounds=0,
    )
    folder = artifacts.train_folder("random_normal_large")
    record = artifacts.read_record(folder / "record.json", Confirmation)
    runs = artifacts.read_rows(folder / "runs.csv", RunRow)
    assert record.median_seed is None
    assert not (folder / "model.safetensors").exists()
    assert {r.status for r in runs} == {"diverged"}
    assert {r.test_loss for r in runs} == {None}
    assert len({r.capped_test_loss for r in runs}) == 1


def test_the_best_rate_on_the_edge_extends_the_grid(done):
    done("he_normal", tune__grid={"low": 1e-5, "high": 1e-3, "points": 3})
    trials, _, selection = tuned("he_normal")
    extension = [t.learning_rate for t in trials if t.kind == "extension"]
    assert extension == [0.01]
    assert selection.grid == [1e-5, 1e-4, 1e-3, 0.01]


def test_regression_works_the_same_way(done):
    params = done("he_normal", data__source="diabetes")
    experiment = load_experiment(params)
    runs = artifacts.read_rows(artifacts.train_folder("he_normal") / "runs.csv", RunRow)
    assert (experiment.schema.loss_name, experiment.schema.score_name) == (
        "mean_squared_error",
        "r_squared",
    )
    variance = float(experiment.split("test", [0]).targets.var(correction=0))
    for row in runs:
        assert row.test_score == pytest.approx(1 - row.test_loss / variance, abs=1e-5)


def test_curves_start_untrained_and_end_at_the_final_loss(done):
    done("he_normal", data__validation="fixed")
    folder = artifacts.tune_folder("he_normal")
    curves = artifacts.read_rows(folder / "curves.csv", CurveRow)
    runs = artifacts.read_rows(folder / "runs.csv", RunRow)
    for run in runs:
        own = [c for c in curves if (c.trial, c.seed) == (run.trial, run.seed)]
        assert [c.epoch for c in own] == [0, 1, 2, 3]
        assert own[0].validation_loss == run.initial_loss
        assert (own[-1].validation_loss, own[-1].train_loss) == (
            run.validation_loss,
            run.train_loss,
        )


def test_finished_stages_leave_no_checkpoints(done):
    done("he_normal")
    assert not list(artifacts.SCRATCH.rglob("*.npz"))


def test_re_tuning_uses_other_seeds_and_the_same_fresh_ones_without_test_losses(done):
    done("he_normal", data__validation="fixed")
    once = {name: (artifacts.tune_folder("he_normal") / name).read_bytes()
            for name in ("runs.csv", "trials.csv")}  # fmt: skip
    params = done("he_normal", data__validation="fixed", tune__retunes=2)
    folder = artifacts.tune_folder("he_normal")
    assert once == {name: (folder / name).read_bytes() for name in once}
    first, second = artifacts.retune_folders(folder)
    for number, inside in ((1, first), (2, second)):
        runs = artifacts.read_rows(inside / "runs.csv", RunRow)
        selection = artifacts.read_record(inside / "selection.json", Selection)
        assert {run.seed for run in runs} == {number * 1_000_000, number * 1_000_000 + 1}
        assert len(runs) == len(tuned("he_normal")[1])
        trained = artifacts.read_rows(
            artifacts.train_folder("he_normal") / inside.name / "runs.csv", RunRow
        )
        assert {run.learning_rate for run in trained} == {selection.learning_rate}
        assert [run.seed for run in trained] == list(params.confirm.seeds)
        assert all(run.test_loss is run.capped_test_loss is None for run in trained)
    assert (first / "runs.csv").read_bytes() != (second / "runs.csv").read_bytes()
    done("he_normal", data__validation="fixed", tune__retunes=1)
    assert [path.name for path in sorted(folder.glob("retune_*"))] == ["retune_1"]
    again = artifacts.train_folder("he_normal")
    assert [path.name for path in sorted(again.glob("retune_*"))] == ["retune_1"]


def test_a_re_tuning_that_chooses_the_same_rate_trains_nothing_again(done):
    params = done("he_normal", data__validation="fixed", tune__retunes=1, tune__refinement_trials=0)
    folder, (inside,) = (
        artifacts.train_folder("he_normal"),
        artifacts.retune_folders(artifacts.tune_folder("he_normal")),
    )
    chosen = artifacts.read_record(inside / "selection.json", Selection).learning_rate
    own = artifacts.read_rows(folder / "runs.csv", RunRow)
    again = artifacts.read_rows(folder / "retune_1/runs.csv", RunRow)
    assert chosen == own[0].learning_rate == tuned("he_normal")[2].learning_rate
    assert [run.capped_loss for run in again] == [run.capped_loss for run in own]
    assert len(own) == len(params.confirm.seeds)
