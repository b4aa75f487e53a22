"""What goes wrong in a user's own code is one message, never a traceback."""

import pytest

from initsweep.commands.main import main

MODULE = """
import torch
def boom():
    raise ValueError("my own bug")
def elsewhere(layer, generator):
    return torch.randn(layer.weight_shape)
"""


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    (tmp_path / "code_of_theirs.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return "code_of_theirs"


def test_a_network_that_cannot_be_built(theirs, capsys):
    assert main(["explain", f"{theirs}:boom"]) == 2
    assert "my own bug" in capsys.readouterr().err


def test_an_export_into_a_folder(theirs, capsys):
    assert main(["export", "he_normal", "--model", "mlp", "--features", "4", "--outputs", "2",
                 "--output", "."]) == 2  # fmt: skip
    assert "Cannot write '.'" in capsys.readouterr().err


def test_draws_from_a_global_generator_are_not_called_equal_for_all_seeds(theirs, capsys):
    assert main(["check", f"{theirs}:elsewhere"]) == 1
    shown = capsys.readouterr().out
    assert "draws from torch's global generator" in shown
    assert "every seed of a study starts from the same weights" not in shown
