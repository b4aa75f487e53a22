"""What people rename, copy or delete in MLflow, the next publication finds or puts back."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from initsweep.views.mlflow import is_sealed, promote, publish
from tests.made_study import changed
from tests.views.mlflow.models import answers_without_initsweep, make_model, make_promotion
from tests.views.mlflow.synthetic_study import NAMES, make_study

ROW = [{"height": 11.0, "width": 9.0}]


@pytest.fixture
def study(tmp_path):
    report, figure = tmp_path / "review.md", tmp_path / "tradeoff.png"
    report.write_text("# review")
    figure.write_bytes(b"png")
    attachments = {"report/review.md": report, "report/figures/tradeoff.png": figure}
    return changed(
        make_study(NAMES), model=make_model(), attachments=attachments, attachments_sha="first"
    )


def put(project, study) -> None:
    publish(study, project.params, project.root, "content")


def sealed(project) -> bool:
    return is_sealed("content", project.params, project.root)


def served(project, alias: str) -> list[dict]:
    """Return what the model behind an alias answers."""
    version = project.client().get_model_version_by_alias("digits", alias)
    logged = project.client().get_logged_model(version.source.removeprefix("models:/"))
    return answers_without_initsweep(Path(logged.artifact_location.removeprefix("file://")), ROW)


def test_artifacts_that_were_deleted_come_back(project, study):
    put(project, study)
    before = project.shown()
    assert sealed(project)
    artifacts = project.root / "mlartifacts"
    losses = {
        "a file": lambda: next(artifacts.rglob("review.md")).unlink(),
        "a part of a file": lambda: next(artifacts.rglob("review.md")).write_text("#"),
        "the model": lambda: shutil.rmtree(artifacts / "models"),
        "its weights": lambda: next(artifacts.rglob("weights.safetensors")).unlink(),
        "everything": lambda: shutil.rmtree(artifacts),
    }
    for what, lose in losses.items():
        lose()
        assert not sealed(project), what
        put(project, study)
        assert sealed(project), what
        assert project.shown() == before, what
        assert next(artifacts.rglob("review.md")).read_text() == "# review", what
        assert len([*artifacts.rglob("weights.safetensors")]) == 1, what
        assert len(project.client().search_model_versions("name = 'digits'")) == 1, what


def test_the_model_of_a_decision_comes_back_and_keeps_its_alias(project, study):
    put(project, study)
    promotion = make_promotion(make_model("zeros", bias=0.5))
    promote(study, promotion, project.params, project.root)
    answers = served(project, "champion")
    version = project.client().get_model_version_by_alias("digits", "champion")
    project.client().delete_logged_model(version.source.removeprefix("models:/"))
    put(project, changed(study, promotion=promotion))
    assert served(project, "champion") == answers
    again = project.client().get_model_version_by_alias("digits", "champion")
    assert again.tags["promoted.by"] == "Ann Lee"


def test_artifacts_at_an_address_of_another_machine_are_left_alone(project, study):
    """Of a study that was moved: its old place is none to write to."""
    put(project, study)
    moved = project.root.rename(project.root.with_name("moved"))
    other = replace(project, root=moved)
    put(other, study)
    assert not project.root.exists()
    assert len(other.runs()) == 12


@pytest.mark.parametrize(
    "name", ["Ann's 50%", 'the "so-called" back\\slash', 'it\'s "so" at 50%20x, or what?']
)
def test_the_folder_may_have_any_name(name, project, study):
    named = replace(project, root=project.root / name)
    named.root.mkdir()
    shutil.copy(project.root / "mlflow.db", named.root)
    put(named, study)
    assert sealed(named)
    assert {path.name for path in named.root.iterdir()} == {
        "mlartifacts", "mlflow.db", "mlflow.db.lock", "mlflow.db.published"
    }  # fmt: skip
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert [path.name for path in files if named.root not in path.parents] == ["mlflow.db"]


def test_a_renamed_experiment_is_found_again(project, study):
    put(project, study)
    client, ids = project.client(), project.ids()
    experiment = client.get_experiment_by_name(study.experiment)
    client.rename_experiment(experiment.experiment_id, "our digits")
    assert not sealed(project)
    put(project, study)
    assert project.ids() == ids
    assert client.get_experiment_by_name(study.experiment) is None
    promote(study, make_promotion(make_model()), project.params, project.root)


def test_a_renamed_experiment_that_was_deleted_is_restored(project, study):
    put(project, study)
    client, before = project.client(), project.shown()
    experiment = client.get_experiment_by_name(study.experiment)
    client.rename_experiment(experiment.experiment_id, "our digits")
    client.delete_experiment(experiment.experiment_id)
    put(project, study)
    assert client.get_experiment(experiment.experiment_id).lifecycle_stage == "active"
    assert project.shown() == before


def test_of_two_with_the_tag_the_oldest_that_is_shown_is_taken(project, study):
    put(project, study)
    client, ids = project.client(), project.ids()
    first = client.get_experiment_by_name(study.experiment)
    copy = client.create_experiment("a copy", tags=first.tags)
    put(project, study)
    assert project.ids() == ids
    client.delete_experiment(first.experiment_id)
    put(project, study)
    assert client.get_experiment(first.experiment_id).lifecycle_stage == "deleted"
    assert len(client.search_runs([copy])) == 12


def test_an_experiment_of_an_older_version_without_the_tag_is_taken_over(project, study):
    client = project.client()
    made = client.create_experiment(study.experiment, (project.root / "mlartifacts").as_uri())
    put(project, study)
    client.rename_experiment(made, "our digits")
    ids = project.ids()
    put(project, study)
    assert project.ids() == ids


@pytest.mark.parametrize(
    "name", ["Ann's back\\slash", 'the "digits", 50 % of %s', 'Ann\'s "digits"']
)
def test_a_renamed_model_is_found_again(name, project, study):
    put(project, study)
    project.client().rename_registered_model("digits", name)
    put(project, study)
    assert [one.name for one in project.client().search_registered_models()] == [name]
    promotion = make_promotion(make_model("zeros", bias=0.5))
    assert promote(study, promotion, project.params, project.root) == (name, "2")
    put(project, changed(study, promotion=promotion))
    assert sealed(project)
    versions = project.client().search_model_versions()
    assert sorted((one.name, str(one.version)) for one in versions) == [(name, "1"), (name, "2")]


def test_a_model_of_an_older_version_without_the_tag_is_taken_over(project, study):
    project.client().create_registered_model("digits")
    put(project, study)
    project.client().rename_registered_model("digits", "our-digits")
    put(project, study)
    assert [one.name for one in project.client().search_registered_models()] == ["our-digits"]
