"""A study whose networks a function of the user's trains: the same stages, the same records."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from initsweep.architectures import build_model
from initsweep.core import artifacts, own_code
from initsweep.core.errors import ArtifactError, CaptureError, InitsweepError, RunError
from initsweep.core.params import parse_params
from initsweep.core.records import (
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureRow,
    RunRow,
    Schema,
    Selection,
    Verdict,
)
from initsweep.running import inputs
from initsweep.stages import diagnose, prepare, report, train, tune
from initsweep.stages.experiment import load_experiment
from initsweep.stages.serving import served_model
from initsweep.views.mlflow.model import save as save_model
from tests.all_stages import compute
from tests.conftest import SMALL_STUDY
from tests.loops.training_functions import AS_THE_ENGINE
from tests.views.mlflow.models import answers_without_initsweep

FUNCTIONS = Path(__file__).parents[1] / "loops/training_functions.py"
ENGINES = ("model.depth", "model.width", "training.epochs", "training.batch_size")


@pytest.fixture
def study(tmp_path, monkeypatch, changed):
    """Return a function to the parameters of a study of one of `training_functions`."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "data/raw").mkdir(parents=True)
    shutil.copyfile(FUNCTIONS, own / "training_functions.py")
    monkeypatch.syspath_prepend(str(own))
    monkeypatch.delitem(sys.modules, FUNCTIONS.stem, raising=False)  # another test's copy

    def make(function: str = "train", **replacements):
        small = {key: value for key, value in SMALL_STUDY.items() if key not in ENGINES}
        content = changed({
            **small, "data.source": "own", "schemes": ["xavier_normal", "he_normal"],
            "tune.refinement_trials": 1, "tune.grid": {"low": 0.001, "high": 0.1, "points": 3},
            "runtime.workers": 2, **{k.replace("__", "."): v for k, v in replacements.items()},
        })  # fmt: skip
        content |= {"model": None, "optimizer": replacements.get("optimizer")}
        given = content["training"].get("given", {})
        content["training"] = {"function": f"training_functions:{function}", **given}
        return parse_params(content)

    return make


def loop(**given):
    """Return what replaces a study's section `training`, its function left as it is."""
    return {"training": {"given": given}}


def through(params):
    compute(params)
    report.run(params)


def tables():
    return {
        path.relative_to("results").as_posix(): path.read_bytes()
        for path in sorted(Path("results").rglob("*"))
        if path.is_file()
    }


@pytest.mark.pipeline
def test_a_study_goes_through_all_stages_with_the_same_bytes_each_time(study):
    params = study()
    through(params)
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    assert (schema.task, schema.rows, schema.constant_test_loss) == ("own", {}, 4.0)
    tuned = artifacts.read_rows(artifacts.tune_folder("he_normal") / "runs.csv", RunRow)
    assert {run.test_loss for run in tuned} == {None}
    folder = artifacts.train_folder("he_normal")
    fresh = artifacts.read_rows(folder / "runs.csv", RunRow)
    assert all(run.test_loss is not None for run in fresh)
    assert artifacts.read_array(folder / "test_rows.npy").shape == (3, 64)
    curves = artifacts.read_rows(folder / "curves.csv", CurveRow)
    assert sorted({row.epoch for row in curves}) == [0, 1, 2, 3]
    measures = artifacts.read_rows(folder / "measures.csv", MeasureRow)
    assert {(row.split, row.measure) for row in measures} == {
        ("validation", "score"), ("test", "score")
    }  # fmt: skip
    assert load_file(folder / "model.safetensors")["0.weight"].shape == (8, 4)
    assert artifacts.read_record(folder / "record.json", Confirmation).engine == (
        "own loop training_functions:train"
    )
    rows = artifacts.read_rows(artifacts.DIAGNOSE / "schemes.csv", DiagnosisRow)
    assert [row.scheme for row in rows] == ["xavier_normal", "he_normal"]
    assert artifacts.read_rows(artifacts.DIAGNOSE / "layers.csv", LayerRow)
    verdict = artifacts.read_record(artifacts.COMPARE / "verdict.json", Verdict)
    assert verdict.holds_for == "inputs, targets and loss as in training_functions:train"
    packet = Path("reports/review.md").read_text()
    assert "training_functions:train" in packet
    assert "the same run twice gave the same losses to the last digit" in packet
    assert not any(artifacts.SCRATCH.rglob("outcome.json"))
    first = tables()
    shutil.rmtree("results")
    compute(params)
    assert tables() == first


@pytest.mark.pipeline
def test_a_study_without_a_batch_to_look_at_has_its_packet(study):
    through(study("same_draws"))
    packet = Path("reports/review.md").read_text()
    assert (
        "The networks were not looked at: training_functions:same_draws offers no batch" in packet
    )
    assert "batches and dropout are the same under every seed" in packet
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    assert schema.constant_validation_score is None


def test_the_engine_and_the_same_loop_by_hand_agree(study, changed, tmp_path):
    by_hand = study("as_the_engine", data__source="wine", tune__refinement_trials=0)
    prepare.run(by_hand, lambda _: None)
    tune.run(by_hand, "he_normal")
    train.run(by_hand, "he_normal")
    found = runs_of("he_normal")
    content = changed({**SMALL_STUDY, "runtime.engine": "reference"})
    content |= {"schemes": ["xavier_normal", "he_normal"]}
    content["tune"] |= {"refinement_trials": 0, "grid": {"low": 0.001, "high": 0.1, "points": 3}}
    engine = parse_params(content)
    prepare.run(engine, lambda _: None)
    tune.run(engine, "he_normal")
    train.run(engine, "he_normal")
    expected = runs_of("he_normal")
    assert [(run.learning_rate, run.seed) for run in found] == [
        (run.learning_rate, run.seed) for run in expected
    ]
    for name in ("initial_loss", "train_loss", "validation_loss", "test_loss", "validation_score"):
        one, other = ([getattr(run, name) for run in runs] for runs in (found, expected))
        np.testing.assert_allclose(
            np.array(one, float), np.array(other, float), rtol=2e-4, err_msg=name
        )


def served(study, function, source):
    """Tune and train one scheme, and return its model as it is served."""
    params = study(function, data__source=source, tune__refinement_trials=0)
    prepare.run(params, lambda _: None)
    tune.run(params, "he_normal")
    train.run(params, "he_normal")
    return served_model(params, "he_normal")


def test_a_network_of_prepared_rows_is_served_as_its_run_left_it(study, tmp_path):
    model = served(study, "as_the_engine", "wine")
    names, columns = list(model.example), model.example.values()
    raw = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    answers = answers_without_initsweep(save_model(model, tmp_path), raw)
    network = build_model("mlp", AS_THE_ENGINE, n_features=13, n_outputs=3)
    network.load_state_dict(load_file(artifacts.train_folder("he_normal") / "model.safetensors"))
    rows = torch.from_numpy(model.preprocessing.apply(model.example))
    with torch.no_grad():
        expected = torch.softmax(network.eval()(rows).double(), dim=-1)
    found = [[answer[f"probability_{one}"] for one in model.facts["class_names"]]
             for answer in answers]  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "source", "why_not"),
    [
        ("hands_over_nothing", "wine", r"gives no model: run\.report_test"),
        ("decides_by_its_rows", "wine", "cannot be written down"),
        ("train", "own", "Only training_functions:train knows what to feed it"),
    ],
)
def test_a_network_that_cannot_be_served_says_why(function, source, why_not, study):
    with pytest.raises(CaptureError, match=why_not):
        served(study, function, source)


def runs_of(scheme):
    folders = artifacts.tune_folder(scheme), artifacts.train_folder(scheme)
    return [run for folder in folders for run in artifacts.read_rows(folder / "runs.csv", RunRow)]


def test_runs_that_fail_are_named_and_what_others_came_to_is_kept(study):
    params = study("fails_at_seed_1")
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError) as caught:
        tune.run(params, "he_normal")
    message = str(caught.value)
    assert "3 runs failed" in message
    assert "seed 1; " in message
    assert "it raised RuntimeError: disk full (training_functions.py, line" in message
    assert "The 3 that finished are kept: run again to train the rest." in message
    assert len([*artifacts.SCRATCH.rglob("outcome.json")]) == 3
    mended = Path("own/training_functions.py")
    kept = {path: path.stat().st_mtime_ns for path in artifacts.SCRATCH.rglob("outcome.json")}
    with pytest.raises(RunError):
        tune.run(params, "he_normal")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # none was trained again
    mended.write_text(mended.read_text() + "\n# mended\n")
    with pytest.raises(RunError):  # other code, other results: nothing is taken from before
        tune.run(params, "he_normal")
    assert len([*artifacts.SCRATCH.rglob("outcome.json")]) == 6


def test_a_study_ends_at_once_if_every_run_fails_alike(study):
    params = study("raises", tune__seeds=list(range(20, 50)))
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match=r"^training_functions:raises: [34] runs failed"):
        tune.run(params, "he_normal")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("uneven", "reported [23] epochs for .*All runs must report as many"),
        ("no_rate", "does not use run.learning_rate"),
        ("no_initialization", r"does not call run.initialize\(model\)"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(function, message, study):
    params = study(function)
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match=message):
        tune.run(params, "he_normal")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("asked_and_left", "does not use `run.learning_rate`"),
        ("no_initialization", "does not use the scheme"),
        ("no_seed", "does not use the seed"),
        ("unmoved", "reports the same losses for its first and second epoch"),
        ("nan_from_the_start", "a loss that is not finite"),
        ("raises", "it raised ValueError: no data here"),
    ],
)
def test_a_study_that_would_measure_nothing_is_refused_before_it_begins(function, message, study):
    params = study(function)
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match=message):
        diagnose.run(params)


def test_what_runs_import_anew_is_kept_under_no_name_of_before(study, monkeypatch):
    params = study()
    prepare.run(params, lambda _: None)

    def edited():
        raise ArtifactError("own was edited")

    monkeypatch.setattr(inputs, "check", edited)
    with pytest.raises(ArtifactError):
        tune.run(params, "he_normal")
    assert not [*artifacts.SCRATCH.rglob("outcome.json")]


def test_a_link_in_its_folder_is_removed_and_not_followed(study):
    params = study("leaves_a_link")
    prepare.run(params, lambda _: None)
    tune.run(params, "he_normal")
    assert runs_in_tuning("he_normal")


def test_batches_that_are_the_same_under_every_seed_are_told_of(study):
    params = study("same_draws")
    prepare.run(params, lambda _: None)
    diagnose.run(params)
    assert json.loads(Path("results/diagnose/own_loop.json").read_text())["same_draws"]


def test_schemes_of_one_law_are_no_reason_to_refuse(study):
    params = study(schemes=["he_textbook_variant", "lecun_normal"])
    same = {**params.initializers, "again": {"name": "he_normal"}}
    params = params.model_copy(update={"initializers": same, "schemes": ("he_normal", "again")})
    prepare.run(params, lambda _: None)
    diagnose.run(params)


def test_an_optimizer_that_is_declared_has_to_be_used(study):
    params = study("same_draws", optimizer={"name": "adamw"})
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match="makes its optimizer itself, but one is declared"):
        tune.run(params, "he_normal")


def test_the_factors_of_a_scheme_have_to_be_used(study):
    params = study("factors_left_out")
    scheme = {"name": "training_functions:SlowReadout"}
    params = params.model_copy(update={"initializers": {"slow": scheme}, "schemes": ("slow",)})
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match="without the factors that slow puts on the rates"):
        tune.run(params, "slow")


def test_a_study_by_score_needs_scores(study):
    with pytest.raises(InitsweepError, match=r"task\.select_by is `score`"):
        prepare.run(study(task__select_by="score"), lambda _: None)
    stated = dict.fromkeys(("validation_loss", "test_loss"), 4.0)
    stated |= dict.fromkeys(("validation_score", "test_score"), 0.0)
    params = study("no_scores", task__select_by="score", **loop(baseline=stated))
    prepare.run(params, lambda _: None)
    with pytest.raises(RunError, match="reports no validation_score"):
        tune.run(params, "he_normal")


def test_a_loop_that_gives_other_digits_each_time_is_said_to(study):
    params = study("undetermined")
    prepare.run(params, lambda _: None)
    diagnose.run(params)
    assert not json.loads(Path("results/diagnose/own_loop.json").read_text())["deterministic"]
    rows = artifacts.read_rows(artifacts.DIAGNOSE / "schemes.csv", DiagnosisRow)
    assert {row.verdict for row in rows} == {"not judged"}
    assert "offers no batch to look at (run.example_batch)" in rows[0].reason


def test_each_arm_may_have_an_optimizer_of_its_own(study, changed):
    params = study(optimizer={"name": "adamw", "weight_decay": 0.1})
    content = params.model_copy(
        update={
            "initializers": {
                **params.initializers,
                "he_normal": {"optimizer": {"name": "sgd", "momentum": 0.9}},
            }
        }
    )
    assert content.engine_optimizer("he_normal") == content.optimizer  # which trains nothing
    prepare.run(content, lambda _: None)
    loop = load_experiment(content)
    assert loop.spec("he_normal", 0.1, 0, final=False).optimizer == {"name": "sgd", "momentum": 0.9}
    assert loop.spec("xavier_normal", 0.1, 0, final=False).optimizer == {
        "name": "adamw", "weight_decay": 0.1
    }  # fmt: skip
    tune.run(content, "he_normal")
    tune.run(content, "xavier_normal")
    provenance = [
        artifacts.read_record(artifacts.tune_folder(one) / "selection.json", Selection).provenance
        for one in content.schemes
    ]
    assert provenance[0].params_sha != provenance[1].params_sha


def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_end(study):
    whole = study("resumes")
    prepare.run(whole, lambda _: None)
    tune.run(whole, "he_normal")
    expected = [run.validation_loss for run in runs_in_tuning("he_normal")]
    killed = study("resumes", **loop(options={"killed": True}))
    with pytest.raises(RunError, match="ended by SIGKILL"):
        tune.run(killed, "he_normal")
    for _ in range(8):  # the runs of each batch are killed once
        try:
            tune.run(killed, "he_normal")
            break
        except RunError:
            continue
    assert [run.validation_loss for run in runs_in_tuning("he_normal")] == expected


def runs_in_tuning(scheme):
    return artifacts.read_rows(artifacts.tune_folder(scheme) / "runs.csv", RunRow)


BASELINES = {
    "no_such": ("training.baseline: .*say what a model has that learned nothing", None),
    "stated": (None, {"validation_loss": 2.0, "test_loss": 3.0}),
}


def test_the_baseline_is_stated_or_comes_from_the_function(study):
    prepare.run(study(**loop(baseline={"validation_loss": 2.0, "test_loss": 3.0})), print)
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    assert (schema.constant_validation_loss, schema.constant_test_loss) == (2.0, 3.0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "say what a model has that learned nothing"),
        ("def baseline(options):\n    return 3\n", "must return a dict of numbers above 0"),
        ("def baseline(options):\n    return {'validation_loss': 1}\n", "must return a dict"),
        (
            "def baseline(options):\n    return {'validation_loss': 1, 'test_loss': -1}\n",
            "numbers above 0",
        ),
    ],
)
def test_a_baseline_that_cannot_be_used_is_refused(body, message, study):
    module = f"baseline_{abs(hash(body))}"
    Path(f"own/{module}.py").write_text(f"def train(run): ...\n{body}")
    params = study()
    other = params.loop.model_copy(update={"function": f"{module}:train"})
    own_code.use("own")
    with pytest.raises(InitsweepError, match=message):
        prepare.run(params.model_copy(update={"loop": other}), lambda _: None)


def test_a_training_that_needs_more_gpus_than_there_are_is_refused(study):
    params = study(**loop(resources={"cpu": 1, "gpu": 64}))
    prepare.run(params, lambda _: None)
    with pytest.raises(InitsweepError, match=r"training\.resources\.gpu: a training needs 64"):
        tune.run(params, "he_normal")
