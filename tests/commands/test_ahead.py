"""What is done ahead: which stages, by how many, and when its results are taken."""

import json
from pathlib import Path

import pytest

from initsweep.commands import ahead
from initsweep.core.stopping import RUN
from initsweep.running.dvc_file import read_stages
from initsweep.running.leader import PLAN

PIPELINE = """\
stages:
  tune:
    matrix:
      scheme: ${schemes}
    cmd: python -m initsweep tune --scheme ${item.scheme}
    deps: [data]
    params: [tune]
    outs: ["results/tune/${item.scheme}"]
"""


def plan(*, forced=False, **work):
    stages = {f"tune@{scheme}": one for scheme, one in work.items()}
    Path(PLAN).write_text(json.dumps({"work": stages, "all": forced}))


@pytest.fixture
def study(tmp_path, monkeypatch, small_params):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(PIPELINE)
    Path("params.yaml").write_text("schemes: [a, b, c]\ntune: 1\n")
    Path("data").write_text("rows")
    monkeypatch.setenv(RUN, str(tmp_path))
    plan(a=10, b=10, c=10)
    return small_params({"runtime.workers": 2})


def program(arguments, connect):
    """Do as a stage does, in the place of all that a command line does."""
    connect()
    name, _, scheme = arguments
    made = Path("results") / name / scheme
    made.mkdir(parents=True)
    (made / "runs.csv").write_text(f"{scheme} of {Path('data').read_text()}")
    return 0


def never(arguments, connect):
    pytest.fail("nothing is to be done ahead")


def done(name, params, run):
    return ahead.done(read_stages(Path("dvc.yaml"))[name], params, run)


def test_the_first_stage_does_others_and_they_find_their_results(study):
    assert done("tune@b", study, program)
    assert Path("results/tune/b/runs.csv").read_text() == "b of rows"
    # Three on two cores: the last is left to itself, which has both.
    plan(a=10, c=10)
    assert not done("tune@c", study, never)
    Path("results/tune/a/runs.csv").write_text("DVC removes what a stage wrote before")
    assert done("tune@a", study, never)
    assert Path("results/tune/a/runs.csv").read_text() == "a of rows"
    assert not [*ahead.ASIDE.iterdir()]


def test_what_is_forced_is_done_once(study):
    plan(forced=True, a=10, b=10, c=10)
    assert done("tune@a", study, program)
    assert done("tune@b", study, never)
    assert not done("tune@c", study, never)  # the others are done: there is none to share with


@pytest.mark.parametrize(
    "edit", [("data", "other rows"), ("params.yaml", "schemes: [a, b]\ntune: 2")]
)
def test_results_of_other_inputs_are_not_taken(study, edit):
    assert done("tune@a", study, program)
    Path(edit[0]).write_text(edit[1])
    Path(PLAN).unlink()
    assert not done("tune@b", study, never)
    assert not [*ahead.ASIDE.iterdir()]


@pytest.mark.parametrize("what", ["nobody leads", "another leads", "one worker", "own loop", "few"])
def test_a_stage_that_stands_alone_runs_as_it_is(study, what, monkeypatch):
    if what == "nobody leads":
        monkeypatch.delenv(RUN)
    if what == "another leads":
        Path(PLAN).unlink()
    if what == "few":
        plan(a=1)
    if what == "one worker":
        runtime = study.runtime.model_copy(update={"workers": 1})
        study = study.model_copy(update={"runtime": runtime})
    if what == "own loop":
        study = study.model_copy(update={"loop": object()})
    assert not done("tune@a", study, never)


@pytest.mark.parametrize(
    ("chains", "workers", "found"),
    [
        (16, 2, (16, 2, 1)),
        (5, 2, (4, 2, 1)),
        (3, 16, (3, 3, 5)),
        (16, 16, (16, 16, 1)),
        (1, 8, (0, 0, 0)),
        (9, 1, (0, 0, 0)),
    ],
)
def test_all_workers_are_busy_to_the_end(chains, workers, found, small_params):
    params = small_params({"runtime.workers": workers})
    done, at_once, share = ahead._shared_out([["tune@x"]] * chains, {"tune@x": 10.0}, params)
    assert (len(done), at_once, share) == found


def test_a_short_chain_leaves_no_other_one_over_and_the_longest_begin_first(small_params):
    work = {"diagnose": 1.0, **{f"tune@{number}": 10.0 for number in range(8)}, "tune@x": 12.0}
    chains = [[name] for name in work]
    params = small_params({"runtime.workers": 2})
    found = ahead._shared_out(chains[:-1], work, params)[0]
    assert (len(found), found[-1]) == (9, ["diagnose"])
    assert ahead._shared_out(chains, work, params)[0][0] == ["tune@x"]
    assert ["diagnose"] in ahead._shared_out(chains[:4], work, params)[0]
