import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.probes.capture import capture


def test_signals_and_gradients_equal_those_computed_by_hand(chain, snapshot):
    torch.manual_seed(0)
    net = chain([3, 5, 4, 1], torch.tanh).double()
    features, targets = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    shot = snapshot(net, features=features, targets=targets)

    weights = [layer.weight.detach() for layer in net.layers]
    biases = [layer.bias.detach() for layer in net.layers]
    z0 = features @ weights[0].T + biases[0]
    z1 = torch.tanh(z0) @ weights[1].T + biases[1]
    z2 = torch.tanh(z1) @ weights[2].T + biases[2]
    g2 = 2 * (z2 - targets[:, None]) / 7
    g1 = (g2 @ weights[2]) * (1 - torch.tanh(z1) ** 2)
    g0 = (g1 @ weights[1]) * (1 - torch.tanh(z0) ** 2)

    assert [layer.name for layer in shot.layers] == ["layers.0", "layers.1", "layers.2"]
    for layer, z, g in zip(shot.layers, (z0, z1, z2), (g0, g1, g2), strict=True):
        torch.testing.assert_close(layer.pre_activations, z)
        torch.testing.assert_close(layer.gradients, g)
        torch.testing.assert_close(layer.bias_gradient, g.sum(dim=0))
        torch.testing.assert_close(layer.weight_gradient, g.T @ layer.inputs)
    torch.testing.assert_close(shot.layers[1].activations, torch.tanh(z1))
    torch.testing.assert_close(shot.layers[2].activations, z2)
    torch.testing.assert_close(shot.layers[1].inputs, torch.tanh(z0))
    assert shot.loss == pytest.approx(float(((z2 - targets[:, None]) ** 2).mean()))


def test_the_model_is_left_as_it_was(snapshot):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    net.eval()
    net[2].train()
    before = copy.deepcopy(net.state_dict())
    other = {name: torch.randn(p.shape) for name, p in net.named_parameters()}
    snapshot(net, other)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
        assert value.dtype == before[name].dtype
    assert [module.training for module in net] == [False, False, True, False]
    assert not any(module._forward_hooks for module in net.modules())
    assert all(p.grad is None for p in net.parameters())


def test_hooks_are_removed_after_an_error():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 1))
    parameters = dict(net.named_parameters())
    with pytest.raises(RuntimeError, match="shape"):
        capture(net, parameters, torch.randn(2, 3), torch.zeros(2), functional.mse_loss, {})
    assert not any(module._forward_hooks for module in net.modules())


def test_the_given_parameters_count_and_not_the_models(chain, snapshot):
    net = chain([3, 4, 1], torch.tanh)
    shot = snapshot(net, {name: torch.zeros_like(p) for name, p in net.named_parameters()})
    assert all(not layer.pre_activations.any() for layer in shot.layers)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(6), nn.LayerNorm(6)])
def test_the_pre_activation_of_a_normalized_layer_is_what_the_activation_sees(snapshot, norm):
    net = nn.Sequential(nn.Linear(3, 6), norm, nn.Tanh(), nn.Linear(6, 1))
    first, last = snapshot(net).layers
    axis = 0 if isinstance(norm, nn.BatchNorm1d) else 1
    z = first.pre_activations
    torch.testing.assert_close(z.mean(dim=axis), torch.zeros_like(z.mean(dim=axis)))
    torch.testing.assert_close(
        z.var(dim=axis, correction=0), torch.ones(z.shape[1 - axis]).double(), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(last.inputs, torch.tanh(z))
    expected = (last.gradients @ last.weight) * (1 - torch.tanh(z) ** 2)
    torch.testing.assert_close(first.gradients, expected)
    assert first.normalized
    assert not last.normalized


def test_activation_modules_are_found_without_being_declared(snapshot):
    net = nn.Sequential(
        nn.Linear(3, 4), nn.Identity(), nn.Tanh(), nn.Dropout(0.0), nn.Linear(4, 2), nn.Softmax(1)
    )
    first, last = snapshot(net).layers
    assert torch.equal(first.activation(first.inputs), first.inputs.tanh())
    assert last.activation is None


def test_an_in_place_activation_changes_nothing(snapshot):
    torch.manual_seed(1)
    plain = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    in_place = nn.Sequential(plain[0], nn.ReLU(inplace=True), plain[2])
    for one, other in zip(snapshot(plain).layers, snapshot(in_place).layers, strict=True):
        assert torch.equal(one.pre_activations, other.pre_activations)
        assert torch.equal(one.activations, other.activations)
        assert torch.equal(one.gradients, other.gradients)
    assert bool((one.inputs >= 0).all())


def test_positions_of_a_convolution_count_as_examples(snapshot):
    net = nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4 * 4, 1))
    images = torch.randn(7, 2, 6, 6)
    conv, head = snapshot(net, features=images, targets=torch.zeros(7)).layers
    assert conv.pre_activations.shape == (7 * 4 * 4, 5)
    outputs = functional.conv2d(images.double(), net[0].weight.double(), net[0].bias.double())
    torch.testing.assert_close(conv.pre_activations[4 * 4], outputs[1, :, 0, 0])
    assert head.pre_activations.shape == (7, 1)


def test_thirty_layers_of_standard_normal_weights_stay_finite(chain, snapshot):
    net = chain([16, *[256] * 30, 4], torch.relu)
    state = {n: torch.randn(p.shape) * (p.dim() > 1) for n, p in net.named_parameters()}
    layers = snapshot(net, state, batch=8).layers
    assert float(layers[-1].pre_activations.abs().max()) > 1e19  # whose square float32 cannot hold
    assert all(bool(torch.isfinite(layer.gradients).all()) for layer in layers)


def test_dropout_neither_depends_on_nor_moves_the_global_generator(snapshot):
    net = nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5), nn.Linear(50, 1))
    torch.manual_seed(1)
    one = snapshot(net)
    after_one = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after_one)
    assert snapshot(net).loss == one.loss


def test_a_layer_without_bias_that_is_not_used_by_the_loss_has_no_gradient(snapshot):
    class Detached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 4, bias=False), nn.Linear(4, 1)

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)).detach())

    first, _ = snapshot(Detached()).layers
    assert first.bias is None
    assert not first.gradients.any()
    assert not first.weight_gradient.any()
