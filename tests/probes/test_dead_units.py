import torch

from initsweep.probes.measures.dead_units import dead


def test_units_that_never_change_are_dead(layer):
    activations = torch.tensor(
        [[0.0, 1.0, 0.0, 5.0], [0.0, 1.0, 0.0, 6.0], [0.0, 1.0, 1e-30, 7.0]], dtype=torch.float64
    )
    assert dead(layer(activations=activations)) == 2 / 4


def test_a_relu_unit_that_no_example_reaches_is_dead(chain, snapshot):
    net = chain([2, 3, 1], torch.relu)
    state = {name: torch.ones_like(p) for name, p in net.named_parameters()}
    state["layers.0.bias"] = torch.tensor([-1e3, 0.0, 1e3])
    hidden = snapshot(net, state).layers[0]
    assert dead(hidden) == 1 / 3


def test_one_example_cannot_tell_a_constant_from_a_varying_unit(layer):
    assert dead(layer(activations=torch.tensor([[0.0, 1.0, 2.0, 0.0]]))) == 2 / 4
