import sys
from pathlib import Path

import pytest

from initsweep.errors import TrackingError
from initsweep.tracking.location import locate, project_root, ui_command, without_password
from tests.tracking.synthetic_study import make_params

ROOT = Path("/project")


def test_the_root_is_where_dvc_says_even_in_a_temporary_copy(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert project_root() == tmp_path
    monkeypatch.setenv("DVC_ROOT", str(tmp_path.parent))
    assert project_root() == tmp_path.parent


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ("sqlite:///mlflow.db", "sqlite:////project/mlflow.db"),
        ("sqlite:///runs/mlflow.db?timeout=30", "sqlite:////project/runs/mlflow.db?timeout=30"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("http://host:5000", "http://host:5000"),
        ("postgresql://host/runs", "postgresql://host/runs"),
    ],
)
def test_relative_databases_lie_below_the_root(given, resolved):
    assert locate(make_params(uri=given), ROOT).uri == resolved


@pytest.mark.parametrize(
    ("uri", "root"),
    [
        ("sqlite:///mlflow.db", "file:///project/mlartifacts"),
        ("postgresql://host/runs", "file:///project/mlartifacts"),
        ("https://host", None),
    ],
)
def test_artifacts_lie_below_the_root_unless_a_server_decides(uri, root):
    assert locate(make_params(uri=uri), ROOT).artifact_root == root


def test_the_environment_overrides_the_parameters(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert locate(make_params(), ROOT).uri == "sqlite:////project/other.db"


@pytest.mark.parametrize(
    "uri", ["mlruns", "file:///tmp/mlruns", "sqlite://", "sqlite:///:memory:", "htp://host"]
)
def test_a_uri_that_cannot_hold_runs_names_its_key_and_the_remedy(uri, monkeypatch):
    with pytest.raises(TrackingError, match=r"tracking\.uri: .*sqlite:///mlflow\.db") as caught:
        locate(make_params(uri=uri), ROOT)
    assert repr(uri) in str(caught.value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match=r"^MLFLOW_TRACKING_URI: "):
        locate(make_params(), ROOT)


def test_passwords_are_blanked_out():
    text = "could not reach postgresql://me:secret@db/runs, http://host"
    assert without_password(text) == "could not reach postgresql://***@db/runs, http://host"


def test_the_ui_shows_the_project_to_this_machine_only():
    command, environment = ui_command(make_params(), ROOT)
    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {
        "--host": "127.0.0.1",
        "--workers": "1",
        "--backend-store-uri": "sqlite:////project/mlflow.db",
        "--default-artifact-root": "file:///project/mlartifacts",
    }
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["PATH"]


def test_a_server_shows_its_runs_itself():
    with pytest.raises(TrackingError, match="open https://host in a browser"):
        ui_command(make_params(uri="https://host"), ROOT)
