"""A study in which each seed draws its own validation rows: what is measured is the seed's own."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from initsweep.core import artifacts
from initsweep.core.records import Confirmation, RunRow
from initsweep.datasets.loading import load
from initsweep.datasets.splitting import split_rows
from initsweep.stages import prepare, train, tune
from initsweep.stages.experiment import load_experiment
from initsweep.stages.serving import served_model
from initsweep.statistics.failing import guesses
from initsweep.statistics.thresholds import Thresholds

SPLITS = ("validation", "test")


@pytest.fixture(scope="module", params=["wine", "diabetes"])
def source(request):
    return request.param


@pytest.fixture
def done(source, tmp_path, monkeypatch, small_params):
    """Run the trainings of a study and return its parameters."""
    monkeypatch.chdir(tmp_path)

    def run(scheme="he_normal", **replacements):
        asked = {"data.source": source, "data.validation": "rotating"}
        params = small_params(
            asked | {k.replace("__", "."): value for k, value in replacements.items()}
        )
        prepare.run(params, lambda _: None)
        tune.run(params, scheme)
        train.run(params, scheme)
        return params

    return run


def fresh(scheme="he_normal"):
    return artifacts.read_rows(artifacts.train_folder(scheme) / "runs.csv", RunRow)


def kept(params, scheme="he_normal"):
    """The kept network, and the run that it is of."""
    folder = artifacts.train_folder(scheme)
    seed = artifacts.read_record(folder / "record.json", Confirmation).median_seed
    model = load_experiment(params).model()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval(), next(run for run in fresh(scheme) if run.seed == seed)


def test_the_kept_network_has_the_losses_of_its_seed_s_rows(done):
    params = done()
    model, run = kept(params)
    experiment = load_experiment(params)
    expected = {"validation": run.validation_loss, "test": run.test_loss}
    for split in SPLITS:
        features, targets = map(torch.from_numpy, experiment.prepared.rows(split, run.seed))
        loss = float(experiment.recorded_loss(model(features), targets).detach())
        assert loss == pytest.approx(expected[split], rel=1e-4)
    other = experiment.prepared.rows("validation", run.seed + 1)[0]
    assert not np.array_equal(other, experiment.prepared.rows("validation", run.seed)[0])


def test_the_served_model_gives_on_raw_rows_what_was_measured(done):
    params = done()
    model, run = kept(params)
    schema, served = load_experiment(params).schema, served_model(params, "he_normal")
    assert served.seed == run.seed
    dataset = load(params.data)
    rows = split_rows("x", dataset, params.data)["test"]
    columns = dict(zip(dataset.feature_names, dataset.features[rows].T, strict=True))
    outputs = model(torch.from_numpy(served.preprocessing.apply(columns))).detach().double()
    targets = torch.from_numpy(dataset.targets[rows])
    if schema.task == "classification":
        loss = torch.nn.functional.cross_entropy(outputs, targets)
    else:
        loss = ((outputs[:, 0] - (targets - schema.target_mean) / schema.target_scale) ** 2).mean()
    assert float(loss) == pytest.approx(run.test_loss, rel=1e-4)


def test_the_loss_of_every_test_row_is_kept(done):
    params = done()
    losses = np.load(artifacts.train_folder("he_normal") / "test_rows.npy")
    runs = fresh()
    test = load_experiment(params).schema.rows["test"]
    assert (losses.shape, losses.dtype) == ((len(runs), test), np.float32)
    assert losses.mean(axis=1) == pytest.approx([run.test_loss for run in runs], rel=1e-4)


def test_rows_of_a_run_that_diverged_have_no_loss(done):
    done("random_normal_large", model__depth=6, tune__grid={"low": 10.0, "high": 1e3, "points": 3})
    assert {run.status for run in fresh("random_normal_large")} == {"diverged"}
    assert np.isnan(np.load(artifacts.train_folder("random_normal_large") / "test_rows.npy")).all()


def test_two_runs_give_the_same_bytes_and_other_seeds_change_no_seed_s_runs(done):
    def results():
        files = sorted(artifacts.train_folder("he_normal").rglob("*.*"))
        return {file: file.read_bytes() for file in files}

    grid = {"low": 0.01, "high": 0.1, "points": 3}
    settings = {"tune__refinement_trials": 0, "tune__extension_rounds": 0, "tune__grid": grid}
    done(**settings)
    first = results()
    params = done(**settings)
    assert results() == first
    experiment = load_experiment(params)
    runs = {
        seeds: experiment.run("he_normal", "confirm", [(0, 0.03)], seeds).runs
        for seeds in ((10, 11, 12), (12, 20))
    }
    assert runs[10, 11, 12][2] == runs[12, 20][0]


def test_a_scheme_that_measures_signals_sees_the_training_rows_of_each_seed(done):
    params = done()
    experiment = load_experiment(params)
    state_of = experiment.initial_states("lsuv")
    for seed in (0, 3):
        rows = torch.from_numpy(experiment.prepared.rows("train", seed)[0])
        outputs = torch.func.functional_call(experiment.model(), state_of(seed), rows)
        assert float(outputs.std()) == pytest.approx(1, rel=0.2)


def test_every_path_gives_the_same_losses(done):
    losses = []
    for engine in ("auto", "torch", "reference"):
        grid = {"low": 0.01, "high": 0.1, "points": 3}
        done(runtime__engine=engine, tune__refinement_trials=0, tune__grid=grid)
        losses.append([(run.seed, run.validation_loss, run.test_loss) for run in fresh()])
    for other in losses[1:]:
        assert np.array(other) == pytest.approx(np.array(losses[0]), rel=1e-3)


def test_losses_are_compared_as_shares_of_what_is_guessed_on_the_same_rows(done):
    params = done()
    experiment, schema = load_experiment(params), load_experiment(params).schema
    constants = []
    for run in fresh():
        _, known = experiment.prepared.rows("train", run.seed)
        _, targets = experiment.prepared.rows("validation", run.seed)
        if schema.task == "regression":
            own = np.mean((targets.astype(float) - known.astype(float).mean()) ** 2)
        else:
            own = -np.mean(np.log(np.bincount(known) / len(known))[targets])
        assert run.constant_loss == pytest.approx(own, rel=1e-5)
        share = min(run.validation_loss / run.constant_loss, 1.0)
        assert run.capped_loss == pytest.approx(share * schema.constant_validation_loss, rel=1e-6)
        constants.append(own)
    assert len(set(constants)) > 1 or schema.task == "classification"


def test_a_network_that_guesses_is_untrainable_whatever_rows_its_seeds_draw(done):
    params = done("zeros", schemes=["zeros"], confirm__seeds=list(range(100, 112)))
    schema = load_experiment(params).schema
    thresholds = Thresholds.of(schema, params.decide)
    if schema.task == "regression":
        assert guesses(fresh("zeros"), thresholds)
        assert np.mean([run.capped_loss for run in fresh("zeros")]) > thresholds.ceiling
