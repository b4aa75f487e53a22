"""Every folder in examples/ is a study that runs; here with a few epochs and seeds."""

import gzip
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from benchmarks.timed_study import EXAMPLES as ALL
from benchmarks.timed_study import NEEDS, replaced
from examples import make_data
from initsweep.core import artifacts
from initsweep.core.params import load_params
from initsweep.core.records import RunRow, Schema
from initsweep.stages import report
from initsweep.starting import folder, timing
from initsweep.starting import make_study as study
from initsweep.starting import time_budget as budgets
from tests.all_stages import compute
from tests.conftest import ROOT

EXAMPLES = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(NEEDS.get(name, "json")) is None,
                                                reason="its extra is not installed"))
    for name in ALL
]  # fmt: skip
IDX = "idx:images-idx3-ubyte.gz,labels-idx1-ubyte.gz"
REDUCED = {
    "training.epochs": 1,
    "schemes": ["he_normal", "torch_default"],
    "tune.seeds": [0, 1],
    "tune.grid": {"low": 0.001, "high": 0.1, "points": 3},
    "tune.extension_rounds": 1,
    "tune.refinement_trials": 1,
    "confirm.seeds": [10, 11],
    "decide.most_seeds": 0,
    "diagnose.seeds": [0, 1],
    "diagnose.batch_size": 32,
    "runtime.workers": 1,
}
FEW_STEPS = {"gpt": {"training.options.steps": 4}}
"""Of a loop of one's own, which takes its time for each."""


def reduced_copy(name: str, folder_: Path) -> Path:
    """Copy an example without its packet, and make its study small."""
    shutil.copytree(ROOT / "examples" / name, folder_, ignore=shutil.ignore_patterns("packet"))
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load((folder_ / "params.yaml").read_text())
    replaced(content, REDUCED | FEW_STEPS.get(name, {}))
    if name == "image":
        content["data"]["source"] = IDX
        write_idx(folder_)
    with (folder_ / "params.yaml").open("w") as stream:
        yaml.dump(content, stream)
    return folder_ / "params.yaml"


def write_idx(folder_: Path) -> None:
    """Write 300 images of 12 x 12 pixels, brighter for higher labels."""
    labels = (np.arange(300) % 10).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 99, (300, 12, 12), dtype=np.uint8)
    images = noise + 15 * labels[:, None, None]
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
        (folder_ / f"{name}-ubyte.gz").write_bytes(gzip.compress(content))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_and_takes_about_as_many_steps_as_was_said(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(timing, "ENOUGH", 0.0)
    monkeypatch.setattr(folder, "start_versioning", lambda data: ["nothing"])
    file = reduced_copy(name, tmp_path / "example")
    told = study.make(study.Request(folder=tmp_path / "study", params=file))
    assert "Estimate: about" in told
    monkeypatch.chdir(tmp_path / "study")
    params = load_params(Path("params.yaml"))
    compute(params)
    report.run(params)
    verdict = json.loads((artifacts.REPORTS / "verdict.json").read_text())
    assert verdict["seeds"] == 2
    runs = [
        row
        for scheme in params.schemes
        for where in (artifacts.tune_folder(scheme), artifacts.train_folder(scheme))
        for row in artifacts.read_rows(where / "runs.csv", RunRow)
    ]
    if params.loop is None:
        work = budgets.work_of(params, artifacts.read_record(artifacts.SCHEMA, Schema))
        assert 1 / 1.5 < len(runs) / work.trainings < 1.5
    for module in ("gated", "rare_digit", "train", "gpt", "net"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize("name", ALL)
def test_an_example_shows_the_packet_of_its_own_parameters(name):
    where = ROOT / "examples" / name
    params = load_params(where / "params.yaml")
    verdict = json.loads((where / "packet/verdict.json").read_text())
    fresh = len(params.confirm.seeds)
    assert fresh <= verdict["seeds"] <= max(fresh, params.decide.most_seeds)
    review = (where / "packet/review.md").read_text()
    assert all(f"| {scheme} |" in review for scheme in params.schemes)
    epochs = params.training.epochs if params.loop is None else params.loop.options.get("epochs")
    assert f"the loss after the last epoch, epoch {epochs or ''}" in review
    assert 0 < (where / "packet/lr_overlay.png").stat().st_size < 100_000
    page = (where / "README.md").read_text()
    command = f"initsweep init {name}-study --params examples/{name}/params.yaml"
    assert command in page
    assert verdict["statement"] in page


def test_the_tables_are_what_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_data", "--into", str(tmp_path)])
    make_data.main()
    written = [
        file.relative_to(ROOT / "examples") for file in ROOT.glob("examples/*/data/raw/*.csv")
    ]
    assert len(written) == 2
    for file in written:
        assert (tmp_path / file).read_bytes() == (ROOT / "examples" / file).read_bytes()
