"""Claims are one run each; what has not changed is left alone, what is old goes."""

from dataclasses import dataclass, field

import pytest

from initclaims.mlflow_view import EXPERIMENT, claims_tags, publish_claims
from initsweep.views.mlflow.saved_views import SAVED_VIEW
from tests.views.mlflow.test_saved_views import unpacked


@dataclass(frozen=True, kw_only=True)
class Told:
    name: str
    answer: str = "supported"
    metrics: dict[str, float] = field(
        default_factory=lambda: {"low": 0.1, "estimate": 0.2, "high": 0.3}
    )

    @property
    def title(self):
        return self.name.replace("_", " ")

    @property
    def note(self):
        return f"**{self.answer}.**"

    @property
    def tags(self):
        on = "depth" if self.answer == "depends" else ""
        return {
            "answer": self.answer,
            "on": on,
            "effect": "nats",
            "source": "a paper",
            "place": "00",
        }

    @property
    def files(self):
        return {f"{self.name}.svg": b"<svg/>"}


@pytest.fixture
def put(project):
    def put(claims, budget="full"):
        return publish_claims(claims, budget, project.params, project.root)

    return put


def test_a_claim_is_a_run_with_answer_number_and_picture(project, put):
    assert "2 claims added, 0 outdated" in put([Told(name="zeros_learn"), Told(name="he_wins")])
    runs = project.by_name()
    assert set(runs) == {"zeros learn", "he wins"}
    run = runs["he wins"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"low": 0.1, "estimate": 0.2, "high": 0.3}
    assert run.data.tags["answer"] == "supported"
    (file,) = project.client().list_artifacts(run.info.run_id)
    assert file.path == "he_wins.svg"


def test_only_what_changed_is_published_again(project, put):
    put([Told(name="zeros_learn"), Told(name="he_wins")])
    before = project.by_name()
    put([Told(name="zeros_learn")], "quick")
    said = put([Told(name="zeros_learn"), Told(name="he_wins", answer="depends")])
    assert "1 claims added, 1 outdated" in said
    client = project.client()
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    full = client.search_runs([experiment], "tags.budget = 'full'")
    assert {run.data.tags["answer"] for run in full} == {"supported", "depends"}
    assert before["zeros learn"].info.run_id in {run.info.run_id for run in full}
    assert before["he wins"].info.run_id not in {run.info.run_id for run in full}


@pytest.mark.parametrize("budget", ["full", "quick"])
def test_the_saved_view_shows_what_the_runs_have(project, put, budget):
    put([Told(name="he_wins")], budget)
    client = project.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert claims_tags().items() <= experiment.tags.items()
    state = unpacked(experiment.tags[f"{SAVED_VIEW}initsweep-claims-{budget}"])
    (run,) = client.search_runs([experiment.experiment_id], state["searchFilter"])
    there = {"metrics": run.data.metrics, "tags": run.data.tags}
    for column in [*state["selectedColumns"], state["orderByKey"]]:
        kind, name = column.removesuffix("`").split(".`")
        assert name in there[kind], column


def test_the_claims_are_found_again_and_their_files_put_back(project, put):
    claims = [Told(name="zeros_learn"), Told(name="he_wins")]
    put(claims)
    client = project.client()
    client.rename_experiment(client.get_experiment_by_name(EXPERIMENT).experiment_id, "claims")
    assert "0 claims added, 0 outdated" in put(claims)
    next((project.root / "mlartifacts").rglob("he_wins.svg")).unlink()
    assert "1 claims added, 1 outdated" in put(claims)
    assert next((project.root / "mlartifacts").rglob("he_wins.svg")).read_bytes() == b"<svg/>"
    assert "0 claims added, 0 outdated" in put(claims)
