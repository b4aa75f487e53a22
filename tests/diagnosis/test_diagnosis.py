"""The diagnosis alone: any network, one batch, from Python and from the shell."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import initsweep
from initsweep import assert_healthy, diagnose
from initsweep.commands.main import main
from initsweep.core.errors import InitsweepError, UnhealthyError, UnknownNameError

NETS = """
import torch
from torch import nn
def make_net():
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                         nn.Linear(32, 3))
def sized(n_features, n_outputs):
    return nn.Linear(n_features, n_outputs)
def needy(depth):
    return make_net()
def wrong():
    return "net"
def hot():
    net = make_net()
    for p in net.parameters():
        nn.init.normal_(p, std=30.0)
    return net
fixed = make_net()
number = 3
"""


def deep(depth=30, gain=2.0**0.5):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(32, 32), nn.ReLU()]
        nn.init.normal_(layers[-2].weight, std=gain / 32**0.5)
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers, nn.Linear(32, 3))


def broken(outputs, targets):
    raise ValueError("no such loss")


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(5)
    return torch.randn(64, 32, generator=generator), torch.randint(3, (64,), generator=generator)


def test_the_names_are_there_without_being_imported():
    assert {"diagnose", "assert_healthy"} <= set(dir(initsweep))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = initsweep.nothing


def test_a_healthy_network_passes_and_is_left_as_it_was(batch):
    torch.manual_seed(0)
    net = deep(5).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    random_state = torch.get_rng_state()
    found = assert_healthy(net, *batch)
    assert found.healthy
    assert found.schemes[0].scheme == "as_built"
    assert "one draw of the weights" in str(found)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(module.training for module in net.modules())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert diagnose(net, *batch) == found


def test_a_vanishing_network_fails_with_layer_and_number(batch):
    torch.manual_seed(0)
    net = deep(gain=0.7)
    with pytest.raises(
        UnhealthyError, match=r"is vanishing\. module \d+: .* times that of module 0"
    ):
        assert_healthy(net, *batch)
    with pytest.raises(AssertionError):
        assert_healthy(net, *batch)
    assert not assert_healthy(net, *batch, allow=["vanishing"]).healthy


def test_a_function_is_called_once_per_seed(batch):
    found = diagnose(lambda: deep(4), *batch, seeds=[0, 1, 2])
    row = found.schemes[0]
    assert row.initial_loss_low < row.initial_loss < row.initial_loss_high
    assert diagnose(lambda: deep(4), *batch, seeds=[0, 1, 2]) == found


def test_schemes_can_be_compared(batch):
    found = diagnose(deep(30), *batch, schemes=["zeros", "he_normal", "xavier_normal"], seeds=[0])
    verdicts = {row.scheme: row.verdict for row in found.schemes}
    assert verdicts["zeros"] == "symmetric"
    assert verdicts["xavier_normal"] == "vanishing"
    assert verdicts["he_normal"] == "healthy" or verdicts["he_normal"].startswith("mildly")
    assert len(found.layers) == 3 * 31


def test_targets_may_be_missing_numbers_or_come_with_a_loss(batch):
    features = batch[0]
    net = deep(3)
    assert "drawn at random" in str(diagnose(net, features))
    single = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))
    row = diagnose(single, features, features[:, 0] * 2).schemes[0]
    assert row.constant_loss == pytest.approx(float((features[:, 0] * 2).var(correction=0)))
    row = diagnose(net, features, batch[1], lambda z, t: functional.cross_entropy(z, t)).schemes[0]
    assert row.constant_loss is None
    assert diagnose(single, features.numpy()).schemes[0].initial_loss > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.full((4, 32), torch.nan),), "128 values that are NaN"),
        ((np.array(["a", "b"]),), "batch must be numbers"),
        ((torch.zeros(32),), r"shape \(batch, ...\)"),
        ((torch.ones(4, 31),), "fails on a batch of shape"),
        ((torch.ones(4, 32), torch.zeros(5)), "4 examples, but 5 targets"),
        ((torch.ones(4, 32), torch.full((4,), torch.nan)), "targets hold"),
        ((torch.ones(4, 32), torch.tensor([0, 1, 2, 9])), "class number 9, but the network has 3"),
        ((torch.ones(4, 32), torch.zeros(4, 2).long()), r"shape \(4, 2\) do not fit"),
        ((torch.ones(4, 32), torch.rand(4, 2)), r"shape \(4, 2\) do not fit"),
        ((torch.ones(4, 32), torch.rand(4, 3), broken), "or its loss fails .*: no such loss"),
        ((torch.ones(4, 32), None, functional.mse_loss), "loss needs targets"),
        ((torch.zeros(4, 32),), "Every value of the batch is 0"),
        ((torch.ones(4, 32).long(),), "whole numbers .int64., as for a lookup table"),
    ],
)
def test_what_cannot_be_used_is_named(arguments, message):
    with pytest.raises(InitsweepError, match=message):
        diagnose(deep(2), *arguments)


def test_a_network_without_known_layers_is_named():
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.scale * x

    with pytest.raises(InitsweepError, match="Scale has no layer"):
        diagnose(Scale(), torch.ones(4, 3))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_of_mine.py").write_text(NETS)
    generator = np.random.default_rng(0)
    np.save("batch.npy", generator.normal(size=(40, 6)))
    np.save("targets.npy", generator.integers(3, size=40))
    np.save("objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save("words.npy", np.array(["a", "b"]))
    (tmp_path / "text.npy").write_text("hello")
    np.save("counts.npy", generator.integers(9, size=(40, 6)))
    return tmp_path


def run(capsys, *arguments):
    status = main(["diagnose", *arguments])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_the_command_prints_a_verdict_and_draws(folder, capsys):
    status, out, err = run(
        capsys, "nets_of_mine:make_net", "--batch", "batch.npy", "--targets", "targets.npy",
        "--schemes", "he_normal,zeros", "--seeds", "2", "--figures", "pictures",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert out.startswith("he_normal: ")
    assert "initialization: symmetric (zeros)\n" in out
    assert "module 0 is layer 0 of 0 to 2" in out
    assert {path.name for path in (folder / "pictures").iterdir()} == {
        "signal.png", "health.png", "spectrum.png",
    }  # fmt: skip


def test_check_makes_the_exit_status_the_answer(folder, capsys):
    arguments = ("--batch", "batch.npy", "--check", "--seeds", "1")
    assert run(capsys, "nets_of_mine:make_net", *arguments)[0] == 0
    assert run(capsys, "nets_of_mine:fixed", *arguments)[0] == 0
    assert run(capsys, "nets_of_mine:hot", *arguments)[0] == 1
    assert run(
        capsys, "nets_of_mine:sized", "--batch", "batch.npy", "--targets", "targets.npy"
    )[0] == 0  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nets_of_mine:make_net"], "a network needs a batch"),
        (["--batch", "batch.npy"], "a network needs a batch"),
        (
            ["nets_of_mine:make_net", "--batch", "missing.npy"],
            "--batch: there is no file 'missing.npy'",
        ),
        (["nets_of_mine:make_net", "--batch", "objects.npy"], "Python objects"),
        (["nets_of_mine:make_net", "--batch", "text.npy"], "text.npy' is no NumPy file"),
        (["nets_of_mine:make_net", "--batch", "counts.npy"], "give them as floats"),
        (
            ["nets_of_mine:make_net", "--batch", "batch.npy", "--figures", "batch.npy"],
            "'batch.npy' is a file",
        ),
        (
            ["nets_of_mine:make_net", "--batch", "batch.npy", "--figures", "batch.npy/below"],
            "cannot write to 'batch.npy/below'",
        ),
        (["nets_of_mine:make_net", "--batch", "words.npy"], "one array of numbers"),
        (
            ["nets_of_mine:nothing", "--batch", "batch.npy"],
            "module 'nets_of_mine' has no 'nothing'",
        ),
        (["no_such_module:x", "--batch", "batch.npy"], "no module named"),
        (["nets_of_mine", "--batch", "batch.npy"], "package.module:attribute"),
        (["nets_of_mine:number", "--batch", "batch.npy"], "must be a network or build one"),
        (["nets_of_mine:needy", "--batch", "batch.npy"], "needs depth"),
        (["nets_of_mine:wrong", "--batch", "batch.npy"], "must be a torch.nn.Module"),
        (["nets_of_mine:make_net", "--batch", "batch.npy", "--seeds", "0"], "--seeds must be 1 to"),
        (["nets_of_mine:make_net", "--batch", "batch.npy", "--seeds", "1" * 30], "must be 1 to"),
        (["nets_of_mine:make_net", "--batch", "batch.npy", "--schemes", "hee"], "he_normal"),
    ],
)
def test_mistakes_get_one_clear_message(folder, capsys, arguments, message):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("initsweep: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", [0, 2, 4])
def test_what_is_no_number_is_not_healthy(value, layer):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        model[layer].weight.fill_(value)
    batch, targets = torch.randn(32, 6), torch.randint(3, (32,))
    with pytest.raises(UnhealthyError):
        assert_healthy(model, batch, targets)


def test_a_network_of_unseen_layers_is_not_judged():
    model = nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.Linear(8 * 4, 3))
    found = diagnose(model, torch.randint(9, (32, 4)))
    assert found.schemes[0].verdict == "not judged"
    assert found.healthy


def test_the_optimizer_must_be_known():
    with pytest.raises(UnknownNameError, match="Did you mean 'sgd'"):
        diagnose(nn.Linear(6, 3), torch.randn(8, 6), optimizer="sdg")


@pytest.mark.parametrize(
    "targets",
    [torch.full((16,), -100), torch.tensor(1), torch.full((16,), 10**11)],
    ids=["negative", "single", "huge"],
)
def test_targets_that_are_no_classes_are_a_mistake(targets):
    with pytest.raises(InitsweepError):
        diagnose(
            nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(16, 6), targets
        )


def test_frozen_modes_stay_as_they_are():
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).train()
    model[1].eval()
    diagnose(model, torch.randn(16, 6))
    assert not model[1].training
    assert model.training


def test_a_builder_that_fails_is_named():
    def build():
        raise ValueError("my own bug")

    with pytest.raises(InitsweepError, match="my own bug"):
        diagnose(build, torch.randn(8, 6))


def test_schemes_that_measure_get_the_batch():
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    found = diagnose(model, torch.randn(32, 6), schemes=["lsuv"])
    assert found.schemes[0].scheme == "lsuv"


class Checkpointed(nn.Module):
    """Runs a part of itself again on the way back."""

    def __init__(self):
        super().__init__()
        self.stem, self.body, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        return self.head(checkpoint(lambda z: self.body(z).relu(), x, use_reentrant=False))


def plainly(network):
    """The same network without checkpoints."""
    return nn.Sequential(network.stem, nn.ReLU(), network.body, nn.ReLU(), network.head)


def test_networks_with_checkpoints_and_compiled_ones_are_looked_at_as_others_are():
    torch.manual_seed(0)
    network, batch = Checkpointed(), torch.randn(40, 6)
    expected = diagnose(plainly(network), batch)
    numbers = [(row.forward_std, row.backward_std) for row in expected.layers]
    for one in (network, torch.compile(plainly(network), backend="eager")):
        found = diagnose(one, batch)
        assert [(row.forward_std, row.backward_std) for row in found.layers] == numbers
        inside = "looked at the network inside the OptimizedModule" in found.notes
        assert inside == (one is not network)
        assert found.schemes[0].sharpness == pytest.approx(expected.schemes[0].sharpness)
