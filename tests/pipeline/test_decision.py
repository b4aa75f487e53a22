"""From a study to a decision, to the next study that is compared with it, in a real project."""

import json
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.pipeline

DECIDE = ("promote", "he_normal", "--by", "Ann Lee", "--because", "a test")
INSIST = ("--although", "three seeds are few")


def aliases(project) -> set[str]:
    with closing(sqlite3.connect(project.path / "mlflow.db")) as connection:
        return {
            f"{name}@{alias}"
            for name, alias in connection.execute(
                "SELECT name, alias FROM registered_model_aliases"
            )
        }


def challenge(project) -> dict:
    return json.loads((project.path / "results/compare/champion.json").read_text())


def test_a_decision_is_checked_recorded_compared_with_and_survives_the_database(project):
    assert challenge(project)["standing"] == "no_champion"
    done = project.initsweep(*DECIDE)
    assert done.returncode == 2
    assert "does not recommend any scheme" in done.stderr
    done = project.initsweep(*DECIDE, *INSIST)
    assert done.returncode == 0, done.stderr
    assert aliases(project) == {"wine@champion"}
    decision = json.loads((project.path / "decisions/champion.json").read_text())
    assert (decision["scheme"], decision["by"]) == ("he_normal", "Ann Lee")

    assert project.initsweep(*DECIDE, *INSIST).returncode == 0, "its own record is no change"
    output = project.dvc("repro")
    assert "Running stage 'compare'" in output
    assert "Running stage 'tune" not in output
    assert challenge(project)["champion"] == "he_normal"
    assert "Against the last decision" in (project.path / "reports/review.md").read_text()
    assert "Last decision: This study recommends nothing" in project.initsweep("summary").stdout

    (project.path / "mlflow.db").unlink()
    assert project.initsweep("publish").returncode == 0
    assert aliases(project) == {"wine@champion"}
    log = (project.path / "decisions/log.jsonl").read_text().splitlines()
    assert len(log) == 2


def test_results_that_are_not_those_of_the_lock_are_not_promoted(project):
    table = project.path / "results/train/he_normal/runs.csv"
    before = table.read_bytes()
    table.chmod(0o644)
    table.write_bytes(before.replace(b"finished", b"diverged"))
    done = project.initsweep(*DECIDE, *INSIST)
    assert done.returncode == 2
    assert "do not match dvc.lock" in done.stderr
    assert "train@he_normal" in done.stderr
    table.write_bytes(before)
    project.set({"training.epochs": 4})
    done = project.initsweep(*DECIDE, *INSIST)
    assert done.returncode == 2
    assert "training" in done.stderr
    assert not (project.path / "decisions/champion.json").exists()
    assert aliases(project) == set()
