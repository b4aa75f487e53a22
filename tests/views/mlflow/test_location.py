from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from initsweep.core.errors import InitsweepWarning, TrackingError
from initsweep.views.mlflow.experiments import warn_of_place
from initsweep.views.mlflow.location import locate, project_root
from tests.views.mlflow.synthetic_study import make_params

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
        ("sqlite:///50%.db", "sqlite:////project/50%.db"),
        ("sqlite:///our%20runs.db", "sqlite:////project/our runs.db"),
        ("sqlite:///our%2520runs.db", "sqlite:////project/our%2520runs.db"),
        ("http://host:5000", "http://host:5000"),
    ],
)
def test_relative_databases_lie_below_the_root(given, resolved):
    assert locate(make_params(uri=given), ROOT).uri == resolved


@pytest.mark.parametrize(
    ("uri", "artifacts", "root"),
    [
        ("sqlite:///mlflow.db", None, "file:///project/mlartifacts"),
        ("sqlite:///mlflow.db", "s3://bucket/runs/", "s3://bucket/runs"),
        ("postgresql://ann@host/runs", "s3://bucket/runs", "s3://bucket/runs"),
        ("postgresql://host/runs", "/tmp", "file:///tmp"),
        ("postgresql://host/runs", "file:///tmp", "file:///tmp"),
        ("https://host", None, None),
        ("https://host", "gs://bucket", "gs://bucket"),
    ],
)
def test_artifacts_lie_below_the_root_unless_another_place_is_chosen(uri, artifacts, root):
    located = locate(make_params(uri=uri, artifacts=artifacts), ROOT)
    assert (located.uri.rpartition("/")[2], located.artifact_root) == (uri.rpartition("/")[2], root)


@pytest.mark.parametrize(
    ("uri", "artifacts", "said"),
    [
        ("postgresql://host/runs", None, r"^tracking\.uri: others see .* Set tracking\.artifacts"),
        ("mysql://host/runs", None, r"^tracking\.uri: others see .* Set tracking\.artifacts"),
        ("https://host", "mlartifacts", r"^tracking\.artifacts: 'mlartifacts' is no place"),
        ("https://host", "/no/share", r"^tracking\.artifacts: there is no folder '/no/share'"),
        ("https://host", "s3://me:secret@bucket", r"^tracking\.artifacts: 's3://\*\*\*@bucket'"),
        ("postgresql://me:secret@host/runs", "/tmp", r"\*\*\*@host/runs' has a password in it"),
        ("https://host?token=secret", None, r"token=\*\*\*' has a password in it"),
    ],
)
def test_what_nobody_else_could_open_or_all_could_read_is_refused(uri, artifacts, said):
    with pytest.raises(TrackingError, match=said) as caught:
        locate(make_params(uri=uri, artifacts=artifacts), ROOT)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "artifacts", "place", "said"),
    [
        ("https://host", "s3://bucket/new", "s3://bucket/newer", "for new experiments"),
        ("sqlite:///mlflow.db", "s3://bucket/new", "file:///project", "for new experiments"),
        ("https://host", None, "/srv/mlruns/1", "Start it with --artifacts-destination"),
        ("https://host", None, "mlflow-artifacts:/1", None),
        ("sqlite:///mlflow.db", None, "file:///moved/mlartifacts", None),
        ("https://host", "s3://bucket/new", "s3://bucket/new", None),
        ("https://host", "/tmp", "file:///tmp", None),
    ],
)
def test_files_that_go_elsewhere_are_said(uri, artifacts, place, said):
    located = locate(make_params(uri=uri, artifacts=artifacts), ROOT)
    experiment = SimpleNamespace(name="wine/mlp", artifact_location=place)
    with nullcontext() if said is None else pytest.warns(InitsweepWarning, match=said):
        warn_of_place(experiment, located)


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
