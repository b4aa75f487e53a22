"""The examples of own loops train in a process of their own, and are as short as is said."""

import difflib
from dataclasses import replace
from pathlib import Path

import pytest

from initsweep.core.params import load_params
from initsweep.loops.pool import Pool
from initsweep.loops.spec import Outcome, RunSpec
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"
NEEDS = {"hugging_face": ["transformers", "accelerate"], "lightning": ["lightning"]}
SHORTER = {"gpt": {"epochs": 2, "steps": 2}, "lstm": {"epochs": 2, "length": 4}}


def run_of(folder: Path) -> RunSpec:
    params = load_params(folder / "params.yaml")
    assert len(params.schemes) <= 4
    assert params.tune.grid.points <= 5
    name, options = params.initializer(params.schemes[1])
    return RunSpec(
        function=params.loop.function, options=params.loop.options,
        own_code=str(folder / params.own_code), scheme=params.schemes[1], initializer=name,
        initializer_options=options, optimizer={}, learning_rate=params.tune.grid.low, seed=100,
        final=True, baseline=params.loop.baseline.validation_loss, folder="",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["gpt", "hugging_face", "lightning", "lstm"])
def test_an_example_trains(name, tmp_path, monkeypatch):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library, exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    spec = run_of(EXAMPLES / name)
    spec = replace(spec, folder=str(tmp_path / "run"), options=SHORTER.get(name, spec.options))
    with Pool(workers=1) as pool:
        [(_, found)] = pool.run([spec])
    assert isinstance(found, Outcome), found
    assert found.ending == "finished"
    assert found.test is not None
    assert found.asked_rate
    assert found.asked_scheme
    assert found.reports[0] != found.reports[-1]
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", NEEDS)
def test_five_lines_of_a_script_change(name):
    before, after = (
        (EXAMPLES / name / file).read_text().splitlines() for file in ("before.py", "own/train.py")
    )
    parts = difflib.SequenceMatcher(None, [*filter(None, before)], [*filter(None, after)])
    changed = sum(
        max(to - start, other_to - other)
        for kind, start, to, other, other_to in parts.get_opcodes()
        if kind != "equal"
    )
    assert changed <= 5


def test_training_files_are_short():
    for file in EXAMPLES.glob("*/own/train.py"):
        assert len(file.read_text().splitlines()) <= 40, file
