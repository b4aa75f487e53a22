"""A scheme may bring its optimizer: initializer and optimizer together are an arm."""

import pytest
import torch

from initsweep.core import artifacts
from initsweep.core.records import RunRow, Selection, Verdict
from initsweep.core.results import Results
from initsweep.initializers import Initializer, Multipliers
from initsweep.stages import prepare
from initsweep.stages.experiment import load_experiment
from initsweep.views.mlflow import Publication
from initsweep.views.packet import facts, window
from tests.all_stages import compute

MUON = {"name": "muon", "momentum": 0.95, "nesterov": True}
ARM = {"he_muon": {"name": "he_normal", "optimizer": MUON}}


@pytest.fixture
def arms(tmp_path, monkeypatch, small_params):
    monkeypatch.chdir(tmp_path)
    small = {"tune.extension_rounds": 0, "tune.refinement_trials": 0, "training.epochs": 2}
    schemes = {"schemes": ["he_normal", *ARM], "initializers.he_muon": ARM["he_muon"]}
    return small_params({**small, **schemes})


def test_each_arm_is_tuned_and_compared_with_its_own_optimizer(arms):
    compute(arms)
    runs, selections = {}, {}
    for scheme in arms.schemes:
        folder = artifacts.tune_folder(scheme)
        runs[scheme] = artifacts.read_rows(folder / "runs.csv", RunRow)
        selections[scheme] = artifacts.read_record(folder / "selection.json", Selection)
    sgd, muon = runs["he_normal"], runs["he_muon"]
    assert sgd[0].initial_loss == muon[0].initial_loss  # the same weights
    assert sgd[0].validation_loss != muon[0].validation_loss
    assert selections["he_muon"].engine.startswith("torch")
    said = "muon momentum=0.95 nesterov=True"
    assert selections["he_muon"].options == {"optimizer": said}
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    assert any(f"optimizer of their own: he_muon ({said})" in one for one in verdict.caveats)
    study = Results(params=arms)
    told = dict(facts._engine(study))
    assert told["Optimizer"].startswith("sgd (momentum 0.9")
    assert told["Optimizer of he_muon"].startswith("muon (momentum 0.95, nesterov yes")
    ceilings = {row.scheme: window.ceiling(study, row) for row in study.diagnosis}
    assert ceilings["he_muon"] is None
    assert ceilings["he_normal"] is not None


def test_an_arm_changes_the_hashes_of_its_scheme_alone(arms):
    prepare.run(arms)
    plain = {"initializers": {"he_normal": {}}, "schemes": ("he_normal",)}
    with_arm, without = load_experiment(arms), load_experiment(arms.model_copy(update=plain))
    one, other = (who.provenance("he_normal", "tune") for who in (with_arm, without))
    assert one == other
    assert with_arm.provenance("he_muon", "tune").params_sha != one.params_sha


class _ByKind(Initializer):
    """One rate for what Muon trains, another for what AdamW does."""

    def weight(self, layer, generator):
        return torch.randn(layer.weight_shape, generator=generator)

    def multipliers(self, network, kind):
        rates = {"muon": 2.0, "adam": 3.0, "sgd": 5.0}
        return {slot.name: Multipliers(rate=rates[kind]) for slot in network.slots}


def test_what_muon_leaves_to_adamw_has_the_factors_of_that_one(arms, monkeypatch):
    prepare.run(arms)
    experiment = load_experiment(arms)
    monkeypatch.setattr(experiment, "_initializer", lambda _: _ByKind())
    names = [name for name, _ in experiment.model().named_parameters()]
    expected = dict.fromkeys(names, (3.0, 1.0)) | {names[0]: (2.0, 1.0)}  # one hidden layer
    assert experiment.multipliers("he_muon") == expected
    assert set(experiment.multipliers("he_normal").values()) == {(5.0, 1.0)}


def test_mlflow_shows_every_run_with_the_optimizer_that_trained_it(arms):
    prepare.run(arms)
    settings = {"optimizer.name": "sgd", "optimizer.nesterov": "false", "model.depth": "1"}
    shown = Publication(
        params=arms, experiment="wine/mlp", settings=settings, origin={}, attachments={},
        attachments_sha="",
    )  # fmt: skip
    assert shown.settings_of("he_normal") == settings
    own = shown.settings_of("he_muon")
    assert own["optimizer.momentum"] == "0.95"
    assert {key: own[key] for key in settings} == {
        "optimizer.name": "muon", "optimizer.nesterov": "true", "model.depth": "1"
    }  # fmt: skip
