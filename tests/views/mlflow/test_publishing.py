"""Whatever happens, MLflow shows each run of the study once, complete, under its parent."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.made_study import changed, with_row, with_scheme
from tests.views.mlflow.synthetic_study import NAMES, make_study

FIGURE = "report/figures/tradeoff.png"
COPY = "diagnosis/tradeoff.png"


@pytest.fixture
def study():
    return make_study(NAMES)


@pytest.fixture
def reported(study, tmp_path):
    """The study with its report."""
    figure = a_file(tmp_path / "tradeoff.png", "first")
    return changed(study, attachments={FIGURE: figure, COPY: figure}, attachments_sha="first")


def a_file(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_every_scheme_trial_and_seed_is_one_finished_run_under_its_scheme(project, study):
    summary = project.publish(study)
    shown = project.shown()
    trials = ("lr=0.01", "lr=0.1")
    expected = {
        "zeros": None,
        "he_normal": None,
        **{f"{name}/{trial}": name for name in NAMES for trial in trials},
        "zeros/lr=0.0121": "zeros",
        "he_normal/lr=0.0121": "he_normal",
        **{f"{name}/seed={seed}": name for name in NAMES for seed in (100, 101)},
    }
    assert {name: run["parent"] for name, run in shown.items()} == expected
    assert {run["status"] for run in shown.values()} == {"FINISHED"}
    assert (summary.created, summary.refreshed, summary.removed) == (12, 0, 0)


def test_runs_have_the_same_parameters_so_that_parallel_coordinates_drop_none(project, study):
    project.publish(study)
    shown = project.shown()
    assert len({tuple(sorted(run["params"])) for run in shown.values()}) == 1
    assert shown["he_normal/lr=0.1"]["params"]["learning_rate"] == "0.1"
    assert shown["he_normal"]["params"]["model.depth"] == "3"


def test_a_repetition_changes_nothing(published, study):
    before, ids = published.shown(), published.ids()
    summary = published.publish(study)
    assert (summary.created, summary.refreshed, summary.removed) == (0, 0, 0)
    assert published.ids() == ids
    assert published.shown() == before


def test_a_setting_changed_and_changed_back_finds_its_first_runs_again(published, study):
    first = published.ids()
    other = changed(study, settings={**study.settings, "training.epochs": "30"})
    assert published.publish(other).created == 12
    both = published.ids()
    assert len(both) == 24
    assert published.publish(study).created == 0
    assert published.ids() == both > first


def test_an_added_scheme_leaves_the_others_alone(project, study):
    project.publish(changed(study, by_scheme={"he_normal": study.by_scheme["he_normal"]}))
    before = project.ids()
    assert project.publish(study).created == 6
    assert project.ids() > before


def test_a_deleted_database_is_rebuilt_to_the_same_view(new_project, reported):
    one, other = new_project("one"), new_project("other")
    one.publish(reported)
    other.publish(reported)
    assert not one.ids() & other.ids()
    assert one.shown() == other.shown()


@pytest.mark.parametrize("name", ["he_normal", "he_normal/lr=0.01", "zeros/seed=100"])
def test_a_run_deleted_by_hand_comes_back(published, study, name):
    before = published.shown()
    published.client().delete_run(published.by_name()[name].info.run_id)
    published.publish(study)
    assert published.shown() == before


def test_a_deleted_experiment_comes_back(published, study):
    before, client = published.shown(), published.client()
    client.delete_experiment(client.get_experiment_by_name(study.experiment).experiment_id)
    published.publish(study)
    assert published.shown() == before


def test_what_others_put_into_the_experiment_is_left_alone(published, study):
    client = published.client()
    experiment = client.get_experiment_by_name(study.experiment).experiment_id
    ours = published.by_name()["he_normal"].data.tags
    tags = {**ours, "mlflow.source.name": "train.py", "mlflow.runName": "mine"}
    unfinished = client.create_run(experiment, tags=tags).info.run_id
    published.publish(changed(study, settings={}))
    published.publish(study)
    assert client.get_run(unfinished).info.lifecycle_stage == "active"
    assert client.get_run(unfinished).info.status == "RUNNING"


def test_a_user_own_tag_survives(published, study):
    run_id = published.by_name()["he_normal"].info.run_id
    published.client().set_tag(run_id, "mine", "keep")
    verdict = replace(study.verdict, statement="Something else.")
    published.publish(changed(study, verdict=verdict))
    assert published.by_name()["he_normal"].data.tags["mine"] == "keep"


def test_children_of_a_run_that_is_gone_are_removed(published, study):
    before, client = published.shown(), published.client()
    child = published.by_name()["zeros/lr=0.1"]
    tags = {**child.data.tags, "mlflow.parentRunId": "0" * 32, "mlflow.runName": "orphan"}
    orphan = client.create_run(child.info.experiment_id, tags=tags).info.run_id
    client.set_terminated(orphan)
    assert published.publish(study).removed == 1
    assert published.shown() == before


def test_duplicates_are_reduced_to_the_first(published, study):
    before, ids, client = published.shown(), published.ids(), published.client()
    for name in ("he_normal", "he_normal/lr=0.1"):
        run = published.by_name()[name]
        later = client.create_run(
            run.info.experiment_id, start_time=run.info.start_time + 1, tags=run.data.tags
        )
        client.set_terminated(later.info.run_id)
        assert published.publish(study).removed == 1
    assert published.ids() == ids
    assert published.shown() == before


def test_a_new_verdict_updates_the_run_in_place(published, new_project, study):
    rebuilt = new_project("rebuilt")
    ids = published.ids()
    other = with_row(study, "zeros", outcome="equivalent", regret=0.7)
    summary = published.publish(other)
    assert (summary.created, summary.refreshed, summary.removed) == (0, 1, 0)
    assert published.ids() == ids
    zeros = published.shown()["zeros"]
    assert zeros["tags"]["outcome"] == "equivalent"
    assert zeros["metrics"]["regret"] == 0.7
    assert (
        "within the practical margin of the recommended scheme's"
        in zeros["tags"]["mlflow.note.content"]
    )
    rebuilt.publish(other)
    assert published.shown() == rebuilt.shown()


def test_a_metric_that_is_no_longer_defined_disappears(published, new_project, study):
    rebuilt = new_project("rebuilt")
    assert "basin_decades" in published.shown()["he_normal"]["metrics"]
    other = with_row(study, "he_normal", basin_width=None)
    published.publish(other)
    rebuilt.publish(other)
    assert "basin_decades" not in published.shown()["he_normal"]["metrics"]
    assert published.shown() == rebuilt.shown()


def test_another_diagnosis_by_layer_writes_the_scheme_anew(published, new_project, study):
    rebuilt = new_project("rebuilt")
    ids = published.ids()
    layers = [replace(row, forward_std=7.0) for row in study.by_scheme["zeros"].layers]
    other = with_scheme(study, "zeros", layers=layers)
    published.publish(other)
    rebuilt.publish(other)
    assert published.shown() == rebuilt.shown()
    run = published.by_name()["zeros"].info.run_id
    history = published.client().get_metric_history(run, "diagnosis/forward_std")
    assert sorted((point.step, point.value) for point in history) == [
        (step, 7) for step in range(4)
    ]
    assert len(ids & published.ids()) == len(ids) / 2  # the other scheme's


def test_a_new_report_replaces_the_old_one(project, reported, tmp_path):
    project.publish(reported)
    ids = project.ids()
    file = a_file(tmp_path / "tradeoff.png", "second")
    other = changed(reported, attachments={FIGURE: file}, attachments_sha="another")
    assert project.publish(other).refreshed == 1
    assert project.ids() == ids
    run = project.by_name()["he_normal"].info
    local = project.client().download_artifacts(run.run_id, FIGURE, str(tmp_path))
    assert Path(local).read_text() == "second"
    assert project.shown()["he_normal"]["files"] == ["report/figures"]


def test_the_report_moves_with_the_recommendation(new_project, reported):
    project, rebuilt = new_project("project"), new_project("rebuilt")
    project.publish(reported)
    assert project.shown()["he_normal"]["files"] == ["diagnosis/tradeoff.png", "report/figures"]
    other = changed(reported, verdict=replace(reported.verdict, recommended="zeros"))
    ids = project.ids()
    assert project.publish(other).refreshed == 2
    assert project.ids() == ids
    rebuilt.publish(other)
    assert project.shown()["he_normal"]["files"] == []
    assert project.shown()["zeros"]["files"] == ["diagnosis/tradeoff.png", "report/figures"]
    assert project.shown() == rebuilt.shown()
