"""The saved views are in the form that MLflow's pages read, and its address names the latest."""

import base64
import json
import zlib

import pytest

from initsweep.views.mlflow import ui_page
from initsweep.views.mlflow.commentary import commentary
from initsweep.views.mlflow.saved_views import SAVED_VIEW, VERDICT, experiment_tags
from initsweep.views.mlflow.view import scheme_views
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study


def views() -> dict[str, dict]:
    tags = experiment_tags("accuracy")
    found = {}
    for key, value in tags.items():
        if key.startswith(SAVED_VIEW):
            found[key.removeprefix(SAVED_VIEW)] = unpacked(value)
    return found


def unpacked(tag: str) -> dict:
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def shown(role: str) -> list[tuple[set[str], dict[str, str], dict[str, str]]]:
    """Metrics, params and tags of the runs in one role."""
    study = make_study(NAMES)
    found = []
    by_name = study.by_scheme
    for view in scheme_views(study):
        results = by_name[view.run.name]
        if role == "scheme":
            tags = {**view.run.tags, **commentary(study, results).tags}
            found.append((view.metric_names, view.run.params, tags))
        else:
            found += [
                ({point.key for point in run.metrics}, run.params, run.tags)
                for run in view.children
                if run.tags["role"] == role
            ]
    return found


@pytest.mark.parametrize("key", views())
def test_every_column_and_axis_is_there_on_every_run(key):
    state = views()[key]
    role = state["searchFilter"].removeprefix("tags.role = '").removesuffix("'")
    runs = shown(role)
    assert runs
    for metrics, params, tags in runs:
        there = {"metrics": metrics, "params": params, "tags": tags}
        for column in [*state["selectedColumns"], state["orderByKey"]]:
            kind, name = column.removesuffix("`").split(".`")
            # A diverged or untrainable run has no score.
            assert name in there[kind] or "accuracy" in name, column
        for chart in state["compareRunCharts"]:
            if chart["type"] == "PARALLEL":  # which drops runs with a gap
                assert set(chart["selectedMetrics"]) <= metrics
                assert set(chart["selectedParams"]) <= set(params)


def test_charts_belong_to_sections_that_exist():
    for state in views().values():
        sections = {section["uuid"] for section in state["compareRunSections"]}
        charts = state["compareRunCharts"]
        assert {chart["metricSectionId"] for chart in charts} == sections
        assert len({chart["uuid"] for chart in charts}) == len(charts)


def test_colours_of_schemes_differ():
    names = [f"scheme_{place}" for place in range(20)]
    study = make_study(names)
    colours = [commentary(study, one).tags["mlflow.runColor"] for one in study.by_scheme.values()]
    assert len(set(colours)) == len(names)


def test_the_address_opens_the_verdict_of_the_latest_study(published):
    experiment = published.client().get_experiment_by_name("digits/mlp-3x128-relu")
    page = ui_page(published.params, published.root, 5001)
    assert page == (
        f"http://127.0.0.1:5001/#/experiments/{experiment.experiment_id}/runs"
        f"?workflowType=machine_learning&viewStateShareKey={VERDICT}"
    )


def test_without_a_study_the_address_is_that_of_all_experiments(project, tmp_path):
    expected = "http://127.0.0.1:5001/#/experiments?workflowType=machine_learning"
    assert ui_page(project.params, project.root, 5001) == expected
    assert ui_page(make_params(), tmp_path / "empty", 5001) == expected
