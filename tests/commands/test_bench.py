"""The benchmark measures what it says; how fast anything is, no test asserts."""

import math

import pytest
import torch

from initsweep.commands import main as cli
from initsweep.commands.bench import command
from initsweep.commands.bench.contestants import ROWS, Case, engine, loop, trained
from initsweep.commands.bench.race import BASELINE, contestants, peaks, race, table
from initsweep.core.params import load_params
from tests.conftest import ROOT

MLP = {"depth": 1, "width": 8, "activation": "relu", "norm": "none", "residual": False}


@pytest.fixture
def case():
    params = load_params(ROOT / "params.yaml")
    return Case(
        name="tiny", model=("mlp", MLP), n_features=6, n_outputs=3, optimizer=params.optimizer,
        batch_size=128, epochs=1, lanes=2, validation_rows=64,
    )  # fmt: skip


def test_operations_are_counted_by_hand(case):
    """Forward through both layers, gradients of both weights and of the hidden layer."""
    first, second = 2 * 128 * 6 * 8, 2 * 128 * 8 * 3
    validation = (first + second) * 64 / 128 / (ROWS // 128)
    assert case.operations() == 2 * first + 3 * second + validation


def test_every_way_takes_a_time(case):
    field = {name: run for name, run in contestants().items() if "processes" not in name}
    times = race(case, 2, field)
    assert set(times) >= {BASELINE, "index loop", "torch, 1 worker", "torch, 2 workers"}
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in times.values())
    assert trained(case, "torch", 1).startswith("torch")


def test_a_path_that_does_not_cover_the_network_is_left_out(case, monkeypatch):
    monkeypatch.setattr(Case, "network", lambda self: torch.nn.Sequential(
        torch.nn.Linear(6, 3), torch.nn.Softmax(-1)))  # fmt: skip
    assert engine(case, "compiled", 1) is None
    assert loop(case, "index") > 0


def test_the_table_takes_ratios_round_by_round():
    times = {BASELINE: [8.0, 4.0, 6.0], "fast": [2.0, 2.0, 1.0]}
    lines = table(times, 30.0, {"products": 60.0}).splitlines()
    assert lines[2] == f"| {BASELINE} | 6000000 | 1.00 | 1.00 to 1.00 | 0.08 |"
    assert lines[3] == "| fast | 2000000 | 4.00 | 2.00 to 6.00 | 0.25 |"


def test_peaks_are_rates_of_one_core():
    assert all(math.isfinite(rate) and rate > 1e8 for rate in peaks().values())


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr(command, "EPOCHS", 1)
    monkeypatch.setattr(command, "LANES", 2)
    monkeypatch.setattr(
        command, "contestants", lambda: {BASELINE: lambda case: loop(case, "DataLoader")}
    )
    monkeypatch.chdir(ROOT)
    assert cli.main(["bench", "--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert "Gflop/s" in shown
    assert f"| {BASELINE} |" in shown


def test_rounds_must_be_positive(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert cli.main(["bench", "--rounds", "0"]) == 2
    assert "--rounds: received 0" in capsys.readouterr().err
