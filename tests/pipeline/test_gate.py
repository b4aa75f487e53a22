"""The gate on a real study, and the workflow that calls it."""

import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from initsweep.views.terminal import freshness
from tests.conftest import ROOT

pytestmark = pytest.mark.pipeline

GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$CALLS"
if [[ "$*" == *--jq* ]]; then cat "$COMMENT_IDS"; fi
"""


def test_a_study_that_is_up_to_date_is_judged(project):
    done = project.initsweep("gate", "--decision", "any", "--scheme", "he_normal")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "All rules passed."
    done = project.initsweep("gate", "--max-regret", "0")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("FAIL  decision")
    assert "2 of 2 rules failed." in done.stdout


@pytest.mark.parametrize("change", ["params", "results", "code", "missing"])
def test_results_that_are_not_those_of_the_lock_are_refused(project, change):
    if change == "params":
        project.set({"training.epochs": 2})
    if change == "results":
        verdict = project.path / "results/compare/verdict.json"
        edited = json.loads(verdict.read_text()) | {"decision": "winner"}
        verdict.unlink()
        verdict.write_text(json.dumps(edited))
    if change == "code":
        with (project.path / "src/initsweep/statistics/reasoning.py").open("a") as source:
            source.write("# another rule\n")
    if change == "missing":
        (project.path / "results/compare/verdict.json").unlink()
    done = project.initsweep("gate", "--decision", "any")
    assert done.returncode == 2
    assert done.stdout == ""
    named = {"params": "params.yaml", "results": "compare", "code": "statistics"}
    assert named.get(change, "verdict.json") in done.stderr
    assert "repro" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_gate_needs_a_pipeline_but_not_dvc(project, tmp_path):
    (project.path / ".dvc").rename(tmp_path / "elsewhere")
    assert project.initsweep("gate", "--decision", "any").returncode == 0
    (project.path / "dvc.yaml").rename(tmp_path / "dvc.yaml")
    done = project.initsweep("gate", "--decision", "any")
    assert done.returncode == 2
    assert "There is no dvc.yaml with a stage 'compare'" in done.stderr


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own
def test_what_is_out_of_date_is_what_dvc_would_run(project, monkeypatch):
    monkeypatch.chdir(project.path)
    pipeline, params = Path("dvc.yaml"), Path("params.yaml")

    def outdated():
        return set(freshness.outdated("report"))

    def by_dvc():
        with Repo() as repo:  # as `dvc status --with-deps report`, which imports DVC each time
            said = repo.status(targets=["report"], with_deps=True)
        return {name for name, changes in said.items() if changes != ["always changed"]}

    def appended(file, text):
        return lambda: file.write_text(file.read_text() + text)

    changes = [
        lambda: None,
        lambda: project.set({"decide.margin": 0.02}),
        lambda: project.set({"training.epochs": 4, "runtime.workers": 3, "tracking.uri": "x"}),
        appended(params, "# a remark\n"),
        appended(Path("src/initsweep/views/figures/axes.py"), "# a remark\n"),
        lambda: Path("src/initsweep/engine/new.so").write_text("ignored"),
        lambda: Path("own/net.py").write_text("new"),
        lambda: Path("decisions/log.jsonl").write_text("{}"),
        lambda: shutil.rmtree("results/train/zeros"),
        appended(Path("results/diagnose/schemes.csv"), "edited\n"),
        lambda: pipeline.write_text(pipeline.read_text().replace("initsweep report", "x report")),
        lambda: pipeline.write_text(
            pipeline.read_text().replace("      - src/initsweep/stages/tuning.py\n", "")
        ),
        lambda: Path("dvc.lock").unlink(),
    ]
    for change in changes:
        change()
        assert outdated() == by_dvc()
    assert outdated()


@pytest.fixture
def workflow():
    file = ROOT / "examples/github-actions/initsweep.yml"
    return YAML(typ="safe", pure=True).load(file.read_text())


@pytest.fixture
def step(project, workflow, tmp_path):
    """Run one `run:` step of the workflow as a runner would, with a `gh` that only listens."""
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin/gh"
    gh.write_text(GH)
    gh.chmod(gh.stat().st_mode | stat.S_IEXEC)
    (tmp_path / "ids").write_text("")
    python = os.pathsep.join([str(tmp_path / "bin"), os.path.dirname(sys.executable)])  # noqa: PTH120
    given = {
        "PATH": os.pathsep.join([python, os.environ["PATH"]]),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "REPORT": "https://github.com/o/r/actions/runs/1/artifacts/2",
        "COMMENTS": "repos/o/r/issues/7/comments",
        "CALLS": str(tmp_path / "calls"),
        "COMMENT_IDS": str(tmp_path / "ids"),
    }

    def run(job: str, name: str, **more: str):
        command = next(one for one in workflow["jobs"][job]["steps"] if one.get("name") == name)
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command["run"])
        return project.run(*shell, check=False, **{**given, **more})

    return run


def test_the_steps_of_the_workflow_run(project, step, tmp_path):
    for name in ("Fetch results, if there is a remote", "Compute what is missing or out of date"):
        assert step("study", name).returncode == 0
    assert step("study", "Say whether the results in the pull request are these").stdout == ""
    limits = {"LIMITS": "--decision any --scheme he_normal --max-regret 0"}
    gate = step("study", "Check the verdict", **limits)
    assert gate.returncode == 1
    assert step("study", "Write the comment").returncode == 0
    comment = (project.path / "comment.md").read_text()
    assert comment.startswith("<!-- initsweep review -->\n# initsweep review: wine, mlp")
    assert "![" not in comment
    assert "artifacts/2)" in comment
    assert gate.stdout.strip() in comment
    assert (tmp_path / "summary.md").read_text() == comment


def test_a_stale_lock_is_computed_and_told(project, step):
    project.set({"training.epochs": 2})
    project.commit("Fewer epochs, and nothing run")
    assert step("study", "Compute what is missing or out of date").returncode == 0
    told = step("study", "Say whether the results in the pull request are these")
    assert told.returncode == 0
    assert told.stdout.startswith("::warning")
    assert step("study", "Check the verdict", LIMITS="--decision any").returncode == 0


def test_the_comment_is_made_once_and_then_replaced(step, tmp_path):
    name = "Post the comment, or replace the last one"
    assert step("comment", name).returncode == 0
    (tmp_path / "ids").write_text("41\n42\n")
    assert step("comment", name).returncode == 0
    calls = (tmp_path / "calls").read_text()
    assert "--method POST repos/o/r/issues/7/comments --field body=@comment.md" in calls
    assert "--method PATCH repos/o/r/issues/comments/42 --field body=@comment.md" in calls


def test_a_remote_is_fetched_from(project, step, tmp_path):
    project.dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    project.dvc("push")
    project.run("git", "clone", "-q", str(project.path), str(tmp_path / "clone"))
    project.run("rm", "-rf", "results", "reports", "data", ".dvc/cache")
    assert step("study", "Fetch results, if there is a remote").returncode == 0
    assert (project.path / "results/compare/verdict.json").exists()
    done = step("study", "Compute what is missing or out of date")
    assert "tune he_normal" not in done.stdout + done.stderr


def test_the_workflow_grants_little_and_pins_what_it_uses(workflow):
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["study"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["comment"]["permissions"] == {"pull-requests": "write"}
    used = [
        one["uses"] for job in workflow["jobs"].values() for one in job["steps"] if "uses" in one
    ]
    assert len(used) == 5
    for action in used:
        revision = action.partition("@")[2]
        assert len(revision) == 40
        assert set(revision) <= set("0123456789abcdef")
    for job in workflow["jobs"].values():
        for one in job["steps"]:
            assert "${{" not in one.get("run", ""), "an expression in a script is an injection"
