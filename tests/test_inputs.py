"""A stage is held to the inputs that it began with, and to nothing else."""

import os
from pathlib import Path

import pytest

from initsweep.core.errors import ArtifactError
from initsweep.running import inputs

PIPELINE = """\
stages:
  tune:
    matrix: {scheme: "${schemes}"}
    cmd: anything
    deps: [data/raw, "${own_code}", code.py]
    params: [training, "initializers.${item.scheme}"]
    outs: ["results/${item.scheme}"]
"""
PARAMS = """\
own_code: own
schemes: [zeros, he_normal]
training: {epochs: 4, batch: 8}
initializers: {zeros: {}, he_normal: {gain: 1}}
decide: {margin: 0.01}
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data/raw/part", "own/__pycache__"):
        Path(name).mkdir(parents=True)
    for name in ("data/raw/a.csv", "data/raw/part/b.csv", "own/net.py", "code.py", "elsewhere.py"):
        Path(name).write_text("1")
    Path("dvc.yaml").write_text(PIPELINE)
    Path("params.yaml").write_text(PARAMS)
    Path(".dvcignore").write_text("__pycache__\n*.log\n/own/cache\n")


def run(action, name="tune@zeros"):
    with inputs.held(Path("dvc.yaml"), name):
        action()


def written(name, text="22"):
    def write():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)

    return write


def edited(old, new):
    return written("params.yaml", PARAMS.replace(old, new))


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (edited("epochs: 4", "epochs: 5"), "params.yaml: training.epochs was 4 and is 5"),
        (edited(", batch: 8", ""), "params.yaml: training.batch was 8 and is nothing"),
        (edited("batch: 8", "batch: 8, extra: 1"), "training.extra was nothing and is 1"),
        (edited("zeros: {}", "zeros: {a: 1}"), "initializers.zeros.a was nothing and is 1"),
        (edited("zeros: {}, ", ""), "initializers.zeros was {} and is nothing"),
        (written("params.yaml", "training: [}"), "params.yaml: training was {'epochs'"),
        (lambda: Path("params.yaml").unlink(), "params.yaml: training was {'epochs'"),
        (written("data/raw/part/b.csv"), "'data/raw/part/b.csv'"),
        (written("data/raw/new.csv"), "'data/raw/new.csv'"),
        (lambda: Path("data/raw/a.csv").unlink(), "'data/raw/a.csv'"),
        (lambda: Path("data/raw/a.csv").rename("data/raw/z.csv"), "'data/raw/a.csv'"),
        (written("own/net.py"), "'own/net.py'"),
        (written("own/helper.py"), "'own/helper.py'"),
        (written("code.py"), "'code.py'"),
        (lambda: os.utime("code.py", ns=(1, 1)), "'code.py'"),
    ],
)
def test_what_a_stage_depends_on_must_not_change_while_it_runs(action, said):
    with pytest.raises(ArtifactError) as refused:
        run(action)
    assert str(refused.value).startswith("While tune@zeros ran, its inputs were edited: ")
    assert said in str(refused.value)
    assert "Run again" in str(refused.value)


@pytest.mark.parametrize(
    "action",
    [
        lambda: None,
        edited("margin: 0.01", "margin: 0.02"),
        edited("gain: 1", "gain: 2"),
        edited("schemes: [zeros, he_normal]", "schemes: [zeros]"),
        edited("decide:", "# a remark\ndecide:"),
        written("elsewhere.py"),
        written("own/__pycache__/net.pyc"),
        written("own/run.log"),
        written("own/cache/part"),
        written("results/zeros"),
    ],
)
def test_all_else_may_change(action):
    run(action)


def test_an_edit_that_was_taken_back_is_none():
    def there_and_back():
        edited("epochs: 4", "epochs: 5")()
        edited("", "")()

    run(there_and_back)


def test_a_stage_can_ask_before_it_lets_its_work_go():
    def edits_and_asks():
        edited("epochs: 4", "epochs: 5")()
        with pytest.raises(ArtifactError, match="epochs"):
            inputs.check()
        edited("", "")()
        inputs.check()

    run(edits_and_asks)
    inputs.check()  # outside a stage there is nothing to hold


def test_the_stage_s_own_error_comes_first():
    def fails():
        edited("epochs: 4", "epochs: 5")()
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        run(fails)


def test_without_a_pipeline_nothing_is_recorded_and_nothing_held():
    run(edited("epochs: 4", "epochs: 5"), name="tune@unknown")
    Path("dvc.yaml").unlink()
    run(edited("", ""))
