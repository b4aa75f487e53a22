"""A promotion is checked first; whatever is refused moves and writes nothing."""

import dataclasses
import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

from initsweep.commands import promote
from initsweep.commands.main import main
from initsweep.core import artifacts
from initsweep.core.errors import CaptureError
from initsweep.core.records import SchemeRow
from initsweep.promotion import ledger
from tests.conftest import as_recorded
from tests.made_study import with_row
from tests.views.mlflow.synthetic_study import make_params, make_study, write_study

SCHEMES = ("zeros", "he_normal", "orthogonal", "lecun_normal")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study on disk: he_normal recommended, lecun_normal tied, orthogonal worse."""
    for name in [*os.environ]:
        if name.startswith(("MLFLOW_", "DVC_")):
            monkeypatch.delenv(name)
    made = make_study(SCHEMES, seeds=range(100, 110))
    study = with_row(made, "lecun_normal", standing="tied")
    write_study(study, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(make_params(SCHEMES).model_dump_json())
    (tmp_path / "dvc.lock").write_text("lock")
    monkeypatch.setattr(promote, "check_results", lambda: None)
    return study


@pytest.fixture
def registry(monkeypatch):
    """What would have been shown in MLflow's registry; it has its own tests."""
    shown = []

    def registered(study, promotion, params, root):
        shown.append(promotion)
        return "digits", "7"

    monkeypatch.setattr("initsweep.views.mlflow.publish", lambda *_: None)
    monkeypatch.setattr("initsweep.views.mlflow.promote", registered)
    return shown


def call(scheme: str, *more: str, by: str = "Ann Lee", because: str = "widest basin") -> int:
    return main(["promote", scheme, "--by", by, "--because", because, *more])


def refused(capsys, registry) -> str:
    assert registry == []
    assert not ledger.CHAMPION.exists()
    assert not ledger.LOG.exists()
    return capsys.readouterr().err


def test_the_recommended_scheme_is_recorded_with_all_that_a_later_study_needs(
    study, registry, capsys
):
    assert call("he_normal") == 0
    assert "models:/digits@champion is version 7" in capsys.readouterr().out
    decision = ledger.last_decision()
    assert decision is not None
    row = next(one for one in study.schemes if one.scheme == "he_normal")
    assert (decision.scheme, decision.test_loss) == ("he_normal", as_recorded(row.test_loss))
    assert decision.seeds == list(range(100, 110))
    assert len(decision.test_losses) == 10
    assert (decision.by, decision.because, decision.although) == ("Ann Lee", "widest basin", "")
    assert (decision.model_name, decision.model_version) == ("digits", "7")
    assert decision.network == "mlp-3x128-relu"
    assert len(decision.verdict_sha) == len(decision.lock_sha) == 64
    assert decision.when.endswith("+00:00")
    assert registry[0].tags["promoted.because"] == "widest basin"
    assert registry[0].model.scheme == "he_normal"
    assert json.loads(ledger.LOG.read_text()) == json.loads(ledger.CHAMPION.read_text())


def test_a_tied_scheme_needs_no_excuse(study, registry):
    assert call("lecun_normal") == 0


def test_an_undecided_scheme_needs_a_reason_and_says_how_it_stands(study, registry, capsys):
    undecided = with_row(
        study, "orthogonal", standing="undecided", why="0.02 behind, about 31 seeds"
    )
    artifacts.write_rows(artifacts.COMPARE / "schemes.csv", undecided.schemes, SchemeRow)
    assert call("orthogonal") == 2
    error = refused(capsys, registry)
    assert "orthogonal is undecided on validation (0.02 behind, about 31 seeds)" in error
    assert call("orthogonal", "--although", "it is cheaper") == 0


def test_a_worse_scheme_needs_a_reason_in_spite_of_the_study(study, registry, capsys):
    assert call("orthogonal") == 2
    error = refused(capsys, registry)
    assert "orthogonal is worse on validation" in error
    assert "orthogonal is worse on validation (0.1113 behind, worse)" in error
    assert "this study recommends he_normal" in error
    assert "--although TEXT" in error
    assert call("orthogonal", "--although", "  ") == 2
    assert call("orthogonal", "--although", "it is cheaper") == 0
    assert ledger.last_decision().although == "it is cheaper"
    assert "Although: it is cheaper" in registry[0].text


def test_a_study_without_a_recommendation_needs_a_reason_too(study, registry, capsys):
    verdict = dataclasses.replace(study.verdict, recommended=None, statement="Cannot tell.")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    assert call("he_normal") == 2
    assert "does not recommend any scheme: Cannot tell." in refused(capsys, registry)


def test_what_is_worse_than_the_champion_needs_a_reason(study, registry, capsys):
    assert call("he_normal") == 0
    decided = ledger.last_decision()
    better = dataclasses.replace(
        decided, test_losses=[loss / 9 for loss in decided.test_losses], results_sha="then"
    )
    ledger.record(better)
    assert call("he_normal") == 2
    assert "has a higher test cross entropy than the champion he_normal" in capsys.readouterr().err
    assert ledger.last_decision() == as_recorded(better)
    assert len(registry) == 1


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("zeros", "untrainable"),
        ("he_norma", "Did you mean 'he_normal'?"),
        ("xavier_normal", "is no scheme of this study"),
    ],
)
def test_schemes_that_cannot_be_promoted(scheme, words, study, registry, capsys):
    assert call(scheme, "--although", "I insist") == 2
    assert words in refused(capsys, registry)


@pytest.mark.parametrize("name", ["by", "because"])
def test_who_and_why_must_be_said(name, study, registry, capsys):
    assert call("he_normal", **{name: " "}) == 2
    assert f"--{name} is empty" in refused(capsys, registry)


def test_without_a_verdict_there_is_nothing_to_promote(study, registry, capsys):
    (artifacts.COMPARE / "verdict.json").unlink()
    assert call("he_normal") == 2
    assert "verdict.json' is missing: run `dvc repro`" in refused(capsys, registry)


def test_without_a_model_there_is_nothing_to_serve(study, registry, capsys):
    (artifacts.train_folder("he_normal") / "model.safetensors").write_bytes(b"none")
    assert call("he_normal") == 2
    assert "model.safetensors' cannot be read" in refused(capsys, registry)


def test_a_registry_that_is_down_leaves_no_record(study, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert call("he_normal") == 2
    assert "MLflow at http://127.0.0.1:9 failed: Connection refused" in refused(capsys, [])


def test_the_command_to_serve_has_the_address_in_force(study, registry, capsys, monkeypatch):
    call("he_normal")
    here = f"MLFLOW_TRACKING_URI=sqlite:///{Path.cwd()}/mlflow.db mlflow models serve "
    assert f"Serve it: {here}" in capsys.readouterr().out
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:s3cret@db/my runs;x&y?password=pw")
    call("he_normal", because="again")
    said = capsys.readouterr().out
    assert "s3cret" not in said
    (line,) = (line for line in said.splitlines() if line.startswith("Serve it: "))
    assert shlex.split(line)[2:5] == [
        "MLFLOW_TRACKING_URI=https://USER:PASSWORD@db/my runs;x&y?password=PASSWORD",
        "mlflow",
        "models",
    ]


def test_a_removed_scheme_is_no_candidate(study, registry, capsys):
    rows = [one for one in study.schemes if one.scheme != "he_normal"]
    artifacts.write_rows(artifacts.COMPARE / "schemes.csv", rows, SchemeRow)
    assert call("he_normal") == 2
    assert "'he_normal' is no scheme of this study" in refused(capsys, registry)


def test_promoting_the_champion_again_says_what_is_replaced(study, registry, capsys):
    assert call("he_normal") == 0
    assert "already" not in capsys.readouterr().out
    assert call("he_normal", by="Bo Ek", because="cheaper") == 0
    said = capsys.readouterr().out
    assert "It was the champion already, since " in said
    assert "chosen by Ann Lee: widest basin. Name and reason are replaced" in said
    assert "Run `initsweep repro`" in said


@pytest.mark.parametrize(
    ("example", "body"),
    [
        (np.arange(8.0).reshape(2, 2, 2), {"inputs": [[[0, 1], [2, 3]]]}),
        (
            {"size": [1.5, 2.0], "it's": [None, "b"]},
            {"dataframe_split": {"columns": ["size", "it's"], "data": [[1.5, None]]}},
        ),
    ],
)
def test_the_request_is_one_row_that_a_shell_passes_on_as_it_is(example, body):
    words = shlex.split(promote.request(example))
    assert words[:2] == ["curl", "http://127.0.0.1:5001/invocations"]
    assert json.loads(words[-1]) == body


def test_a_network_that_cannot_be_served_is_decided_on_without_a_model(
    study, registry, capsys, monkeypatch
):
    def cannot(*_):
        raise CaptureError("It decides by values.")

    monkeypatch.setattr(promote, "served_model", cannot)
    assert call("he_normal") == 0
    said = capsys.readouterr().out
    assert said.startswith("he_normal at learning rate 0.01 is the champion.\nRecorded in ")
    assert "NOT SERVED: It decides by values. The decision holds all the same" in said
    assert "mlflow models serve" not in said
    assert registry == []
    decision = ledger.last_decision()
    assert (decision.scheme, decision.model_name, decision.model_version) == ("he_normal", "", "")
