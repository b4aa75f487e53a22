"""`challenger` follows the recommendation; `champion` moves by promotion, never by publishing."""

from dataclasses import replace

import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import promote
from initsweep.views.mlflow.model_versions import registered_name
from tests.made_study import changed
from tests.views.mlflow.models import make_model, make_promotion
from tests.views.mlflow.synthetic_study import NAMES, make_study


@pytest.fixture
def study():
    return changed(make_study(NAMES), model=make_model())


def aliases(project) -> dict[str, str]:
    found = project.client().search_registered_models("name = 'digits'")
    return {alias: str(v) for alias, v in found[0].aliases.items()} if found else {}


def version(project, number: str):
    return project.client().get_model_version("digits", number)


def test_the_recommendation_is_registered_once_as_challenger(project, study):
    project.publish(study)
    assert aliases(project) == {"challenger": "1"}
    found = version(project, "1")
    assert found.tags["scheme"] == "he_normal"
    assert found.description == study.verdict.statement
    assert found.run_id == project.by_name()["he_normal"].info.run_id
    project.publish(study)
    assert len(project.client().search_model_versions("name = 'digits'")) == 1


def test_the_model_is_shown_on_the_page_of_its_run(project, study):
    project.publish(study)
    run = project.by_name()["he_normal"]
    outputs = run.outputs.model_outputs
    assert len(outputs) == 1
    logged = project.client().get_logged_model(outputs[0].model_id)
    assert (logged.name, logged.status) == ("he_normal", "READY")


def test_another_model_is_another_version_and_takes_the_alias(project, study):
    project.publish(study)
    project.publish(changed(study, model=make_model(bias=0.5)))
    assert aliases(project) == {"challenger": "2"}


def test_a_model_hangs_below_the_results_that_it_is_of(project, study):
    """Results of earlier code keep their runs, which have the same study and scheme."""
    project.publish(study)
    earlier = project.by_name()["he_normal"].info.run_id
    halved = {
        name: changed(one, trials=[replace(row, mean_loss=row.mean_loss / 2) for row in one.trials])
        for name, one in study.by_scheme.items()
    }
    other = changed(study, by_scheme=halved)
    project.publish(other)
    (now,) = {
        run.info.run_id
        for run in project.runs()
        if run.info.run_name == "he_normal" and run.info.run_id != earlier
    }
    assert aliases(project) == {"challenger": "2"}
    assert (version(project, "1").run_id, version(project, "2").run_id) == (earlier, now)
    promote(other, make_promotion(make_model(bias=0.5)), project.params, project.root)
    assert version(project, "3").run_id == now


def test_without_a_recommendation_there_is_no_challenger(project, study):
    project.publish(study)
    project.publish(changed(study, model=None))
    assert aliases(project) == {}


def test_promotion_moves_champion_and_says_who(project, study):
    project.publish(study)
    promotion = make_promotion(make_model("zeros", bias=0.5))
    assert promote(study, promotion, project.params, project.root) == ("digits", "2")
    assert aliases(project) == {"challenger": "1", "champion": "2"}
    found = version(project, "2")
    assert found.tags["promoted.by"] == "Ann Lee"
    assert found.description == "**Ann Lee:** because"
    again = make_promotion(make_model("zeros", bias=0.5), by="Bo")
    assert promote(study, again, project.params, project.root) == ("digits", "2")
    assert version(project, "2").tags["promoted.by"] == "Bo"


def test_publishing_leaves_a_champion_where_it_is(project, study):
    project.publish(study)
    promote(study, make_promotion(make_model(bias=9)), project.params, project.root)
    decided = changed(study, promotion=make_promotion(make_model("zeros", bias=0.5)))
    project.publish(decided)
    assert aliases(project) == {"challenger": "1", "champion": "2"}


def test_a_new_database_gets_the_decision_back(project, study):
    project.publish(changed(study, promotion=make_promotion(make_model("zeros", bias=0.5))))
    assert aliases(project) == {"challenger": "1", "champion": "2"}
    assert version(project, "2").tags["promoted.by"] == "Ann Lee"


def test_a_study_that_was_not_published_is_named(project, study):
    with pytest.raises(TrackingError, match="shows no run of he_normal"):
        promote(study, make_promotion(make_model()), project.params, project.root)
    assert aliases(project) == {}


def test_names_that_mlflow_does_not_allow_are_changed():
    assert registered_name("my_package.data:load") == "my_package.data-load"
    assert registered_name("openml:adult@2") == "openml-adult-2"
    assert registered_name("sklearn:fetch_california_housing") == "sklearn-fetch_california_housing"


def test_a_model_of_files_has_the_name_of_the_first():
    assert registered_name("csv:data/raw/my table.csv") == "my-table.csv"
    assert registered_name("csv:churn.csv.gz") == "churn.csv"
    assert registered_name("npy:data/raw/x.npy,data/raw/y.npy") == "x.npy"
    assert (
        registered_name("idx:data/raw/t10k-images-idx3-ubyte,data/raw/l")
        == "t10k-images-idx3-ubyte"
    )
