"""Inputs of several files, named arrays and losses on the command line."""

import numpy as np
import pytest

from initsweep.commands.main import main

NETS = """
import torch
from torch import nn
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 8), nn.Embedding(5, 8), nn.Linear(8, 3)
    def forward(self, x, tokens, mask=None):
        hidden = torch.relu(self.a(x) + self.b(tokens))
        return {"logits": self.head(hidden if mask is None else hidden * mask[:, None])}
def loss(outputs, targets):
    return (outputs["logits"] - targets).abs().mean()
def named(outputs, targets):
    return loss(outputs, targets["wanted"])
number = 3
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_of_two.py").write_text(NETS)
    generator = np.random.default_rng(0)
    rows, tokens = generator.normal(size=(16, 6)), generator.integers(5, size=16)
    np.save("rows.npy", rows)
    np.save("tokens.npy", tokens)
    np.save("wanted.npy", rows[:, :3])
    np.savez("both.npz", x=rows, tokens=tokens, mask=tokens > 1)
    np.savez("wanted.npz", wanted=rows[:, :3])
    np.savez("words.npz", x=np.array(["a", "b"]))

    def run(*arguments):
        status = main(["diagnose", "nets_of_two:Two", "--seeds", "1", *arguments])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("--batch", "rows.npy", "--batch", "tokens.npy"),
        ("--batch", "both.npz"),
        ("--batch", "both.npz", "--targets", "tokens.npy", "--task", "regression"),
        ("--batch", "both.npz", "--targets", "wanted.npy", "--loss", "nets_of_two:loss"),
        ("--batch", "both.npz", "--targets", "wanted.npz", "--loss", "nets_of_two:named"),
    ],
)
def test_several_inputs_and_a_loss(command, arguments):
    if "regression" in arguments:
        status, _, err = command(*arguments)
        assert (status, "do not fit outputs" in err) == (2, True)
        return
    status, out, err = command(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("as_built: ")
    assert ("'logits' of it" in out) == ("--loss" not in arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "both.npz", "--batch", "rows.npy"), "give one .npz file"),
        (("--batch", "words.npz"), "--batch: 'words.npz, x' must hold one array of numbers"),
        (("--batch", "none.npz"), "--batch: there is no file 'none.npz'"),
        (("--batch", "rows.npy"), "fails on a batch of shape (16, 6): TypeError"),
        (("--batch", "both.npz", "--loss", "nets_of_two:loss"), "handed the outputs and the whole"),
        (
            ("--batch", "both.npz", "--targets", "wanted.npy", "--loss", "nets_of_two:number"),
            "--loss: 'nets_of_two:number' must be a function, received 3",
        ),
        (
            ("--batch", "both.npz", "--targets", "wanted.npy", "--loss", "nets_of_two:los"),
            "has no 'los'. Did you mean 'loss'?",
        ),
        (("--batch", "both.npz", "--targets", "wanted.npy", "--loss", "l1"), "is not of the form"),
        (
            ("--batch", "both.npz", "--targets", "wanted.npz", "--loss", "nets_of_two:loss"),
            "Two or its loss fails on a batch of shape x (16, 6), tokens (16,), mask (16,): Type",
        ),
    ],
)
def test_mistakes_in_files_and_losses(command, arguments, message):
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert message in err
