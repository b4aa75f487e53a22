"""The diagnosis under schemes with options, how strict it is, and what a hard verdict says."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from initsweep import assert_healthy, diagnose, make_initializer
from initsweep.commands.main import main
from initsweep.core.errors import UnhealthyError
from initsweep.initializers import Multipliers
from initsweep.initializers.schemes.he import HeNormal
from tests.diagnosis.test_diagnosis import NETS, deep


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(5)
    return torch.randn(64, 32, generator=generator), torch.randint(3, (64,), generator=generator)


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_for_schemes.py").write_text(NETS)
    np.save("batch.npy", np.random.default_rng(0).normal(size=(64, 6)))

    def run(*arguments):
        status = main(["diagnose", "nets_for_schemes:make_net", "--batch", "batch.npy", *arguments])
        return status, *capsys.readouterr()

    return run


def test_schemes_with_options_can_be_compared(batch):
    made = {f"std {std}": make_initializer("random_normal", {"std": std}) for std in (1e-3, 0.2)}
    found = diagnose(deep(10), *batch, schemes=made, seeds=[0])
    assert [row.scheme for row in found.schemes] == list(made)
    small, large = (row.forward_ratio for row in found.schemes)
    # Ten layers of width 32 under ReLU: nine times sqrt(32 / 2) std.
    assert large / small == pytest.approx(200**9, rel=0.01)


class _Slowed(HeNormal):
    """A thousandth of the rate for everything."""

    def multipliers(self, network, kind):
        return {slot.name: Multipliers(rate=1e-3) for slot in network.slots}


def test_a_rate_is_tried_with_the_factors_of_the_scheme(batch):
    plain = diagnose(deep(2), *batch, schemes={"plain": HeNormal()}, seeds=[0])
    slowed = diagnose(deep(2), *batch, schemes={"slowed": _Slowed()}, rate=100.0, seeds=[0])
    assert slowed.healthy
    rows = [one.schemes[0] for one in (plain, slowed)]
    assert rows[0].sharpness == rows[1].sharpness
    assert [row.rate_ceiling is None for row in rows] == [False, True]


def test_a_hard_verdict_names_the_worst_layer_and_what_has_become_of_the_examples(batch):
    torch.manual_seed(0)
    (row,) = diagnose(deep(gain=0.7), *batch).schemes
    assert row.verdict == "vanishing"
    assert re.search(r"times that of module 0, at module 58 \S+e-\d+ times", row.reason)
    assert re.search(r"alike: module \d+ has an effective rank of \S+ \(the input 2\d", row.reason)


def test_mild_verdicts_fail_where_it_is_strict(batch):
    torch.manual_seed(0)
    net = deep(5, gain=0.9)
    found = assert_healthy(net, *batch)
    assert (found.healthy, found.spotless) == (True, False)
    with pytest.raises(UnhealthyError, match="is mildly vanishing"):
        assert_healthy(net, *batch, strict=True)
    assert assert_healthy(net, *batch, strict=True, allow="vanishing") == found


def test_a_tied_weight_that_is_looked_at_is_not_called_unseen():
    tokens = torch.arange(7).repeat(4).reshape(14, 2)
    net = nn.Sequential(nn.Embedding(7, 16), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 7))
    net[3].weight = net[0].weight
    assert "not looked at" not in str(diagnose(net, tokens))
    apart = nn.Sequential(nn.Embedding(7, 16), nn.Linear(16, 7))
    assert "not looked at: 0.weight" in str(diagnose(apart, tokens))


def test_options_on_the_command_line(command):
    status, out, err = command("--schemes", "random_normal", "--option", "std=2.0", "--seeds", "2")
    assert (status, err) == (0, "")
    assert out.startswith("random_normal: mildly exploding")


def test_a_missing_option_is_told_how_to_give_it(command):
    status, _, err = command("--schemes", "random_normal")
    assert status == 2
    assert "--option std: missing" in err
    assert "For example: --option std=0.01" in err


@pytest.mark.parametrize("schemes", [(), ("--schemes", "random_normal,zeros")])
def test_options_of_no_single_scheme(command, schemes):
    status, _, err = command(*schemes, "--option", "std=2.0")
    assert status == 2
    assert "--option is about one scheme" in err


def test_schemes_of_the_parameter_file(command, tmp_path):
    from tests.conftest import ROOT

    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    status, out, _ = command("--schemes", "random_normal_small", "--seeds", "1")
    assert status == 0
    assert out.startswith("random_normal_small: ")


def test_mild_verdicts_and_the_exit_status(command):
    arguments = ("--schemes", "random_normal", "--option", "std=2.0", "--seeds", "1")
    assert command(*arguments, "--check")[0] == 0
    assert command(*arguments, "--strict")[0] == 1
    assert command("--schemes", "he_normal", "--strict", "--seeds", "1")[0] == 0


def test_one_draw_has_no_range(command):
    assert re.search(r"gradient norm \S+\n", command("--seeds", "1")[1])
    assert re.search(r"gradient norm \S+ \(\S+ to \S+\)", command("--seeds", "2")[1])
