"""A fresh MLflow database per test, copied from one that was migrated once."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from initsweep.core.params import Params
from initsweep.views.mlflow import Publication, publish
from tests.views.mlflow.synthetic_study import NAMES, empty_database, make_params, make_study


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in [*os.environ]:
        if name.startswith(("MLFLOW_", "DVC_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def template_database(made_once) -> Path:
    return made_once("template", empty_database) / "mlflow.db"


@dataclass
class Summary:
    """What publishing did, in runs."""

    created: int
    refreshed: int
    removed: int


@dataclass
class Project:
    """A project's root with its tracking database."""

    root: Path
    params: Params

    def publish(self, study: Publication) -> Summary:
        done = publish(study, self.params, self.root)
        schemes = [scheme for plan in done for scheme in plan.schemes]
        return Summary(
            created=sum(len(one.missing) + (one.existing is None) for one in schemes),
            refreshed=sum(one.stale_verdict or one.stale_attachments for one in schemes),
            removed=sum(len(plan.remove) for plan in done),
        )

    def client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=f"sqlite:///{self.root / 'mlflow.db'}")

    def runs(self) -> list[Any]:
        ids = [experiment.experiment_id for experiment in self.client().search_experiments()]
        return list(self.client().search_runs(ids, max_results=5000))

    def ids(self) -> set[str]:
        return {run.info.run_id for run in self.runs()}

    def by_name(self) -> dict[str, Any]:
        runs = self.runs()
        named = {run.info.run_name: run for run in runs}
        assert len(named) == len(runs), "a run is there twice"
        return named

    def shown(self) -> dict[str, Any]:
        """Everything a person sees, without ids and times."""
        runs = self.by_name()
        names = {run.info.run_id: name for name, run in runs.items()}
        return {name: self._shown(run, names) for name, run in runs.items()}

    def _shown(self, run: Any, names: dict[str, str]) -> dict[str, Any]:
        tags = dict(run.data.tags)
        parent = tags.pop("mlflow.parentRunId", None)
        client = self.client()
        files = [
            file
            for folder in client.list_artifacts(run.info.run_id)
            for file in client.list_artifacts(run.info.run_id, folder.path)
        ]
        return {
            "status": run.info.status,
            "parent": None if parent is None else names[parent],
            "tags": tags,
            "params": run.data.params,
            "metrics": run.data.metrics,
            "datasets": [(d.dataset.name, d.dataset.digest) for d in run.inputs.dataset_inputs],
            "files": [file.path for file in files],
        }


@pytest.fixture
def new_project(tmp_path, template_database) -> Callable[[str], Project]:
    def build(name: str) -> Project:
        root = tmp_path / name
        root.mkdir()
        shutil.copy(template_database, root / "mlflow.db")
        return Project(root=root, params=make_params())

    return build


@pytest.fixture
def project(new_project) -> Project:
    return new_project("project")


@pytest.fixture(scope="session")
def published_database(tmp_path_factory, template_database) -> Path:
    root = tmp_path_factory.mktemp("published")
    shutil.copy(template_database, root / "mlflow.db")
    publish(make_study(NAMES), make_params(), root)
    return root / "mlflow.db"


@pytest.fixture
def published(project, published_database) -> Project:
    """A project whose study, `make_study(NAMES)`, has been published already."""
    shutil.copy(published_database, project.root / "mlflow.db")
    return project
