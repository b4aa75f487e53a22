"""A training function of one's own, from the command line: `check` and `init --train`."""

import shutil
import sys
from pathlib import Path

import pytest

from initsweep.commands.main import main
from initsweep.core.params import load_params
from initsweep.starting import folder
from tests.conftest import ROOT

FUNCTIONS = ROOT / "tests/loops/training_functions.py"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with training functions, in which nothing is versioned."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(folder, "start_versioning", lambda data: ["nothing"])
    monkeypatch.delitem(sys.modules, "training_functions", raising=False)
    shutil.copyfile(FUNCTIONS, tmp_path / "training_functions.py")
    return tmp_path


def lines_of(capsys) -> dict[str, str]:
    """Return what was said of each check, by its title."""
    told = capsys.readouterr().out.splitlines()
    marked = (line.split(maxsplit=1) for line in told if line[:2] in {"ok", "fa", "no", "- "})
    return {rest.partition(":")[0]: mark for mark, rest in marked}


def test_a_sound_function_keeps_all_promises(here, capsys):
    assert main(["check", "training_functions:train", "--whole"]) == 0
    assert {*lines_of(capsys).values()} == {"ok"}


@pytest.mark.parametrize(
    ("function", "broken"),
    [
        ("asked_and_left", "the rate decides"),
        ("no_initialization", "the scheme decides"),
        ("no_seed", "the seed decides"),
        ("unmoved", "the losses move"),
        ("writes_beside", "leaves the study's folder as it is"),
        ("raises", "trains, and reports 2 epochs"),
    ],
)
def test_a_promise_that_is_broken_is_named(function, broken, here, capsys):
    assert main(["check", f"training_functions:{function}"]) == 1
    assert lines_of(capsys)[broken] == "failed"


def test_what_is_no_promise_is_noted(here, capsys):
    assert main(["check", "training_functions:undetermined"]) == 0
    found = lines_of(capsys)
    assert found["the same run gives the same losses"] == "note"
    assert found["offers a batch to look at before training"] == "note"


def test_a_function_that_takes_more_than_the_run_is_refused(here, capsys):
    Path("wrong.py").write_text("def train(run, epochs): ...\n")
    assert main(["check", "wrong:train"]) == 2
    assert "`def train(run)`; its settings are in `run.options`" in capsys.readouterr().err


def test_init_makes_a_study_of_it_and_says_how_long_it_takes(here, capsys):
    arguments = ["init", "study", "--train", "training_functions:train", "--option", "epochs=2"]
    assert main([*arguments, "--minutes", "5"]) == 0
    told = capsys.readouterr().out
    assert "49 numbers are learned in 2 epochs" in told
    assert "Estimate: about" in told
    params = load_params(here / "study/params.yaml")
    assert (params.data.source, params.loop.options) == ("own", {"epochs": 2})
    assert params.tune.strategy == "racing"
    assert len(params.confirm.seeds) >= 9
    assert (here / "study/own/training_functions.py").exists()
    assert not (here / "study/scratch").exists()


def test_init_gives_it_prepared_rows_and_a_baseline_where_they_are_named(here, capsys):
    arguments = ["--train", "training_functions:as_the_engine", "--baseline", "1.5"]
    assert main(["init", "study", "--data", "wine", *arguments]) == 0
    params = load_params(here / "study/params.yaml")
    assert params.data.source == "wine"
    assert params.loop.baseline.validation_loss == 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "training_functions:raises", "--baseline", "1"], "it raised ValueError"),
        (["--train", "training_functions:no_rate", "--baseline", "1"], "run.learning_rate"),
        (["--train", "training_functions:missing"], "has no 'missing'"),
        (["--train", "missing_module:train"], "no module 'missing_module'"),
        (["--train", "training_functions:train", "--model", "mlp"], "--model: the training"),
        (["--train", "training_functions:train", "--baseline", "-1"], "--baseline: received -1"),
        (["--train", "no_baseline:train"], "say what a model has that learned nothing"),
    ],
)
def test_init_refuses_what_cannot_become_a_study_and_leaves_nothing(
    arguments, message, here, capsys
):
    Path("no_baseline.py").write_text("def train(run): ...\n")
    assert main(["init", "study", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (here / "study").exists()
