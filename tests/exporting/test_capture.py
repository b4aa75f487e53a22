"""A network written down as text gives the outputs of the network, for any number of examples."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.architectures import build_model
from initsweep.core.errors import CaptureError, InitsweepError
from initsweep.exporting.forward_source import capture, run_captured
from initsweep.initializers import initialize_

FEATURES = 16
MLP = {"depth": 2, "width": 8, "activation": "gelu", "norm": "batch", "residual": True}
CNN = {"channels": [3], "kernel": 3, "activation": "relu", "dense": 5, "image": [1, 4, 4]}


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.LSTM(4, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, inputs):
        signal, _ = self.cells(inputs.view(inputs.shape[0], 4, 4))
        return self.head(signal[:, -1])


class Attention(nn.Module):
    """Its `len(inputs)` becomes a fixed number when it is captured, and it holds constants."""

    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 3)
        self.register_buffer("scale", torch.full((4,), 1.5), persistent=False)

    def forward(self, inputs):
        tokens = inputs.view(len(inputs), 4, 4) * self.scale
        signal, _ = self.attend(tokens, tokens, tokens)
        return self.head(signal.mean(1)) * torch.tensor(2.0)


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(FEATURES, 3)

    def forward(self, inputs):
        return self.head(inputs) if inputs.sum() > 0 else -self.head(inputs)


class Noise(Branch):
    def forward(self, inputs):
        return self.head(inputs) + torch.randn(3)


def built(name, options):
    return build_model(name, options, n_features=FEATURES, n_outputs=3)


def filled(model):
    generator = torch.Generator().manual_seed(0)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(values.abs() + 0.5 if "running_var" in name else values)
    return model


@pytest.mark.parametrize(
    "make",
    [lambda: built("mlp", MLP), lambda: built("cnn", CNN), Recurrent, Attention],
    ids=["mlp", "cnn", "recurrent", "attention"],
)
def test_it_answers_like_the_network(make):
    model = filled(make())
    captured = capture(make(), model.state_dict(), FEATURES)
    model.eval()
    for rows in (1, 2, 5):
        features = torch.randn(rows, FEATURES, generator=torch.Generator().manual_seed(rows))
        with torch.no_grad():
            expected = model(features)
        assert torch.allclose(run_captured(captured, features), expected, atol=1e-5)


def test_the_text_needs_torch_only():
    captured = capture(built("mlp", MLP), filled(built("mlp", MLP)).state_dict(), FEATURES)
    imports = [line for line in captured.source.splitlines() if "import" in line]
    assert imports == ["import torch", "from torch import device, inf, nan"]
    assert set(captured.order) == set(captured.tensors)
    assert "hidden.0.norm.running_var" in captured.order


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Branch, r"depends on the values .*, at test_capture\.py:\d+ \(`return self"),
        (Noise, "draw at random"),
    ],
)
def test_a_network_that_is_no_fixed_list_of_operations_is_refused(make, reason, capfd):
    with pytest.raises(CaptureError, match=reason):
        capture(make(), make().state_dict(), FEATURES)
    assert capfd.readouterr() == ("", "")


def test_weights_of_another_network_are_refused():
    state = {**built("mlp", MLP).state_dict(), "tail.weight": torch.zeros(2)}
    del state["head.bias"]
    with pytest.raises(
        InitsweepError, match=r"it lacks head\.bias; it holds, .*, tail\.weight\. G"
    ):
        capture(built("mlp", MLP), state, FEATURES)
    state = {**built("mlp", MLP).state_dict(), "head.bias": torch.zeros(4)}
    with pytest.raises(InitsweepError, match=r"it has head\.bias \(4,\) instead of \(3,\)\. Give"):
        capture(built("mlp", MLP), state, FEATURES)


class Normed(Branch):
    """It takes statistics of the batch always, and one example has none."""

    def forward(self, inputs):
        return functional.batch_norm(self.head(inputs), None, None, training=True)


def test_a_network_that_takes_no_single_example_is_refused():
    with pytest.raises(CaptureError, match="fails on a batch of 1: Expected more than 1 value"):
        capture(Normed(), Normed().state_dict(), FEATURES)


class Siren(nn.Module):
    """It makes much of rounding, and its `len(inputs)` has it captured for one row at a time."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(FEATURES, 256), nn.Linear(256, 256)
        self.head = nn.Linear(256, 3)

    def forward(self, inputs):
        hidden = torch.sin(30 * self.first(inputs.view(len(inputs), FEATURES)))
        return self.head(torch.sin(30 * self.second(hidden)))


def test_what_a_network_makes_of_rounding_is_no_difference():
    model = initialize_(Siren(), "he_normal", 0).eval()
    captured = capture(Siren(), model.state_dict(), FEATURES)
    assert "features.split(1)" in captured.source
    rows = torch.linspace(-2, 3, 7 * FEATURES).reshape(7, FEATURES)
    with torch.no_grad():
        apart = (run_captured(captured, rows) - model(rows)).abs().max()
    assert apart > 1e-5  # though the operations are the same
