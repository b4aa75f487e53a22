"""`initsweep ui` shows what there is, and never lets MLflow leave half a database."""

import sys

import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import ui_command, ui_page
from tests.views.mlflow.synthetic_study import make_params


def test_the_ui_shows_the_project_to_this_machine_only(project):
    command, environment = ui_command(project.params, project.root)
    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {
        "--host": "127.0.0.1",
        "--workers": "1",
        "--default-artifact-root": (project.root / "mlartifacts").as_uri(),
        "--uvicorn-opts": f"--app-dir {sys.prefix}",
    }
    assert environment["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{project.root / 'mlflow.db'}"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["PATH"]


def test_a_server_shows_its_runs_itself(tmp_path):
    with pytest.raises(TrackingError, match="open https://host in a browser"):
        ui_command(make_params(uri="https://host"), tmp_path)


def test_the_database_is_whole_before_mlflow_sees_it(tmp_path):
    ui_command(make_params(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_a_broken_database_is_left_to_publish_which_can_build_it_again(tmp_path):
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(TrackingError, match=r"not a database.*`dvc repro publish` builds it again"):
        ui_command(make_params(), tmp_path)
    assert "#/experiments?" in ui_page(make_params(), tmp_path, 5001)
