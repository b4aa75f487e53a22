"""Names become tensors, and the study's own question has the answer it should."""

import contextlib
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from initsweep.core import artifacts, own_code
from initsweep.core.errors import ArtifactError, InitsweepWarning
from initsweep.core.records import DiagnosisRow
from initsweep.running import inputs
from initsweep.stages import diagnose, prepare
from initsweep.stages.experiment import load_experiment


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def deep(in_folder, small_params):
    """A 6-layer ReLU network on digits, as short as the effect allows."""
    params = small_params(
        {
            "data.source": "digits",
            "model.depth": 6,
            "model.width": 64,
            "training.epochs": 15,
            "training.batch_size": 128,
            "runtime.lanes_per_chunk": 16,
            "runtime.workers": "auto",
        }
    )
    prepare.run(params)
    return load_experiment(params)


def test_the_ranking_at_one_rate_is_not_the_ranking_at_each_scheme_s_best_rate(deep):
    rates = [(0, 0.0032), (1, 0.032), (2, 0.1), (3, 0.14)]
    # Near the edge of stability rounding alone moves a run: only a mean over many is the scheme's.
    seeds = range(16)

    def response(scheme: str) -> dict[float, float]:
        runs = deep.run(scheme, "grid", rates, list(seeds)).runs
        return {
            rate: sum(row.capped_loss for row in runs if row.learning_rate == rate) / len(seeds)
            for _, rate in rates
        }

    he, default = response("he_normal"), response("torch_default")
    # At a small rate PyTorch's default looks hopeless beside He; at a large one the order is
    # the other way round. Each at its own best rate, the gap is a fraction of either.
    assert default[0.0032] > he[0.0032] + 1.0
    assert he[0.14] > default[0.14] + 0.4
    gap = abs(min(default.values()) - min(he.values()))
    assert gap < 0.5 * (default[0.0032] - he[0.0032])


def test_a_seed_gives_the_same_weights_and_batches_whatever_the_rates(deep):
    alone = deep.run("he_normal", "grid", [(0, 0.01)], [5], keep_states=True)
    company = deep.run("he_normal", "grid", [(0, 0.1), (1, 0.01)], [4, 5], keep_states=True)
    twin = next(i for i, r in enumerate(company.runs) if (r.learning_rate, r.seed) == (0.01, 5))
    first, second = alone.states[0], company.states[twin]
    assert first is not None
    assert second is not None
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert alone.runs[0].capped_loss == company.runs[twin].capped_loss


def test_rows_come_in_the_order_rates_times_seeds(deep):
    trained = deep.run("zeros", "confirm", [(3, 0.1), (4, 0.2)], [7, 8])
    assert [(r.trial, r.seed) for r in trained.runs] == [(3, 7), (3, 8), (4, 7), (4, 8)]
    assert len(trained.curves) == 4 * 16
    first = trained.curves[0]
    assert (first.epoch, first.train_loss) == (0, None)
    assert first.validation_loss == pytest.approx(torch.tensor(10.0).log().item(), abs=1e-4)


def test_divergence_is_a_row_not_an_error(deep):
    trained = deep.run("random_normal_large", "grid", [(0, 10.0)], [0, 1])
    for row in trained.runs:
        assert row.status == "diverged"
        assert row.diverged_at_step is not None
        assert row.validation_loss is None
        assert row.capped_loss == deep.schema.constant_validation_loss


def test_unfinished_work_of_code_that_no_hash_covers_is_not_kept(deep, small_params):
    own = small_params({"initializers.he_normal": {"name": "my_package.inits:mine"}})
    assert deep.kept_work("he_normal", "tune") is not None
    deep.params = own
    assert deep.kept_work("he_normal", "tune") is None
    assert deep.kept_work("zeros", "tune") is not None


def test_unfinished_work_of_an_installed_package_is_kept_until_it_is_installed_anew(
    deep, small_params, monkeypatch, tmp_path
):
    package = tmp_path / "site-packages" / "inits_installed"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(package.parent)
    deep.params = small_params({"initializers.he_normal": {"name": "inits_installed:mine"}})
    own_code.installed.cache_clear()
    kept = deep.kept_work("he_normal", "tune")
    assert kept is not None
    assert deep.kept_work("he_normal", "tune") == kept == deep.checkpoint("he_normal", "tune")
    (package / "more.py").write_text("a = 2\n")
    assert deep.kept_work("he_normal", "tune") == kept  # of this process, which has it imported
    own_code.installed.cache_clear()
    assert deep.kept_work("he_normal", "tune") not in (None, kept)


def test_unfinished_work_is_found_however_it_is_trained(deep, small_params):
    deep.params = small_params({})
    kept = deep.kept_work("he_normal", "tune")
    deep.params = small_params({"runtime.lanes_per_chunk": 3, "runtime.workers": 7})
    assert deep.kept_work("he_normal", "tune") == kept
    deep.params = small_params({"training.epochs": 5})
    assert deep.kept_work("he_normal", "tune") != kept


def test_unfinished_work_of_own_code_is_kept_for_as_long_as_that_does_not_change(
    deep, small_params, monkeypatch
):
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("own").mkdir()
    file = Path("own/inits_kept.py")
    file.write_text("a = 1\n")
    own_code.use("own")
    deep.params = small_params({"initializers.he_normal": {"name": "inits_kept:mine"}})
    kept = deep.kept_work("he_normal", "tune")
    assert kept is not None
    assert deep.kept_work("he_normal", "tune") == kept
    file.write_text("a = 2\n")
    assert deep.kept_work("he_normal", "tune") not in (None, kept)


def test_a_scheme_that_measures_signals_sees_the_training_rows_only(in_folder, small_params):
    params = small_params({"initializers.lsuv": {"batch_size": 64}, "schemes": ["zeros", "lsuv"]})
    prepare.run(params)
    experiment, other = load_experiment(params), load_experiment(params)
    state = experiment.initial_state("lsuv", 0)
    again = other.initial_state("lsuv", 0)
    assert all(torch.equal(state[name], again[name]) for name in state)
    assert not other._splits  # the training rows alone were asked for, and of one seed
    moved = experiment.initial_state("lsuv", 1)["head.weight"]
    assert not torch.equal(state["head.weight"], moved)
    rows = experiment.split("train", [0]).features
    outputs = torch.func.functional_call(experiment.model(), state, rows)
    assert float(outputs.std()) == pytest.approx(1, rel=0.2)
    (row,) = experiment.run("lsuv", "grid", [(0, 0.03)], [0]).runs
    assert row.status == "finished"
    assert row.capped_loss < experiment.schema.constant_validation_loss


def test_provenance_sees_what_matters_and_nothing_else(in_folder, small_params):
    def sha(replacements, role="tune"):
        params = small_params(replacements)
        prepare.run(params)
        return load_experiment(params).provenance("he_normal", role).params_sha

    same = sha({})
    assert sha({"runtime.workers": 2}) == same
    assert sha({"schemes": ["he_normal"]}) == same
    assert sha({"confirm.seeds": [20, 21]}) == same
    assert sha({"confirm.seeds": [20, 21]}, "confirm") != sha({}, "confirm")
    assert sha({"task.loss": "cross_entropy"}) == same  # what `auto` is for these data
    assert sha({"task.class_weights": "balanced"}) != same
    assert sha({"training.epochs": 4}) != same
    assert sha({"initializers.he_normal": {"name": "xavier_normal"}}) != same


def test_nothing_is_trained_and_kept_after_an_edit(in_folder, small_params):
    """The code that is loaded would train it, and the code that lies there would own it."""
    params = small_params()
    prepare.run(params)
    experiment = load_experiment(params)
    Path("own").mkdir()
    Path("dvc.yaml").write_text("stages: {tune: {cmd: none, deps: [own]}}")
    with contextlib.suppress(ArtifactError), inputs.held(Path("dvc.yaml"), "tune"):
        experiment.run("he_normal", "grid", [(0, 0.05)], [0, 1])
        kept = set(Path("scratch").rglob("*.npz"))
        Path("own/net.py").write_text("x = 1\n")
        with pytest.raises(ArtifactError, match=r"own/net\.py"):
            experiment.run("he_normal", "grid", [(1, 0.1)], [0, 1])
    assert kept
    assert kept == set(Path("scratch").rglob("*.npz"))


class Pretrained(nn.Module):
    """A frozen layer with values of its own, and an offset in no layer."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.body, self.head = nn.Linear(n_features, 16), nn.Linear(16, n_outputs)
        self.offset = nn.Parameter(torch.full((16,), 0.25))
        nn.init.orthogonal_(self.body.weight)
        self.body.requires_grad_(False)

    def forward(self, inputs):
        return self.head(torch.relu(self.body(inputs) + self.offset))


@pytest.mark.parametrize("engine", ["auto", "torch", "reference"])
def test_what_is_frozen_is_neither_filled_nor_trained(in_folder, small_params, engine):
    params = small_params({"model": {"name": f"{__name__}:Pretrained"}, "runtime.engine": engine})
    prepare.run(params)
    experiment = load_experiment(params)
    body = experiment.model().body.weight
    with pytest.warns(InitsweepWarning, match=r"'offset' .all 0.25") as caught:
        trained = experiment.run("he_normal", "grid", [(0, 0.05)], [0, 1], keep_states=True)
    assert sum("'offset'" in str(one.message) for one in caught) == 1
    for state in trained.states:
        assert torch.equal(state["body.weight"], body)
        assert not torch.equal(state["offset"], experiment.model().offset)
    assert not torch.equal(trained.states[0]["head.weight"], trained.states[1]["head.weight"])


def test_the_factors_of_a_scheme_reach_training_and_diagnosis(in_folder, small_params):
    params = small_params()
    slow = {"name": "tests.loops.training_functions:SlowReadout"}
    both = {"slow": slow, "xavier_normal": {}}  # of the same weights
    params = params.model_copy(update={"initializers": both, "schemes": tuple(both)})
    prepare.run(params)
    experiment = load_experiment(params)
    factors = experiment.problem("slow", [0]).multipliers
    last = [name for name, _ in experiment.model().named_parameters() if "weight" in name][-1]
    assert factors == {last: (0.5, 2.0)}
    adam = params.model_copy(
        update={"optimizer": params.optimizer.model_copy(update={"name": "adam"})}
    )
    assert load_experiment(adam).problem("slow", [0]).multipliers == {last: (0.1, 2.0)}
    one, other = (experiment.run(name, "grid", [(0, 0.01)], [0]).runs[0] for name in both)
    assert one.initial_loss == other.initial_loss
    assert one.validation_loss != other.validation_loss
    diagnose.run(params)
    rows = artifacts.read_rows(artifacts.DIAGNOSE / "schemes.csv", DiagnosisRow)
    assert [row.rate_ceiling is None for row in rows] == [True, False]
