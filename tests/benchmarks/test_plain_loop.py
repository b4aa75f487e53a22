"""The ordinary script trains the networks that initsweep trains, or the comparison is unfair."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest
from ruamel.yaml import YAML

from initsweep.core import artifacts
from initsweep.core.records import RunRow, Selection
from initsweep.stages import prepare, train, tune
from tests.conftest import ROOT


@pytest.fixture
def params(small_params, tmp_path, monkeypatch):
    params = small_params(
        {
            "data.validation": "fixed",
            "schemes": ["he_normal", "xavier_normal"],
            "tune.grid": {"low": 0.01, "high": 0.1, "points": 3},
            "tune.extension_rounds": 0,
            "tune.refinement_trials": 0,
        }
    )
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(params.model_dump(mode="json"), stream)
    monkeypatch.chdir(tmp_path)
    return params


def test_it_finds_what_initsweep_finds(params):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    subprocess.run(
        [sys.executable, "-m", "benchmarks.plain_loop"],
        env={**clean, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        check=True,
        capture_output=True,
    )
    found = json.loads((Path.cwd() / "plain.json").read_text())
    assert sorted(found) == ["he_normal", "xavier_normal"]
    prepare.run(params)
    for scheme, result in found.items():
        tune.run(params, scheme)
        train.run(params, scheme)
        selection = artifacts.read_record(
            artifacts.tune_folder(scheme) / "selection.json", Selection
        )
        tested = artifacts.read_rows(artifacts.train_folder(scheme) / "runs.csv", RunRow)
        assert result == pytest.approx(
            {
                "learning_rate": selection.learning_rate,
                "validation_loss": selection.mean_loss,
                "test_loss": fmean(row.test_loss for row in tested),
            },
            rel=1e-4,
        )
