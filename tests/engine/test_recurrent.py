"""Recurrent layers in a stack compute what the module computes alone, whatever its options."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from initsweep.engine.recurrent import let_vmap_stack_recurrent_layers
from initsweep.graph.torch_generator import draws_by_lane, private_draws

LANES = 3
OPTIONS = {
    "plain": {},
    "steps first": {"batch_first": False},
    "no biases": {"bias": False},
    "both ways, twice": {"num_layers": 2, "bidirectional": True},
    "three layers, dropout": {"num_layers": 3, "dropout": 0.4},
}
KINDS = {
    "gru": nn.GRU,
    "tanh": nn.RNN,
    "relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
}


def answer(module, state, x, start):
    """All that a module returns, in one tensor."""
    return torch.cat([one.flatten() for one in functional_call(module, state, (x, start))])


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_ends_and_gradients_are_those_of_each_module(kind, options):
    let_vmap_stack_recurrent_layers()
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(LANES, *shape, generator=generator, dtype=torch.float64)

    module = KINDS[kind](3, 4, **{"batch_first": True, **options}).double()
    states = {name: draw(*p.shape).requires_grad_() for name, p in module.named_parameters()}
    x = draw(5, 6, 3).requires_grad_()
    start = draw(*module(x[0])[1].shape)
    seeds = [torch.Generator().manual_seed(lane) for lane in range(LANES)]
    with draws_by_lane(seeds):
        mapped = vmap(lambda *given: answer(module, *given), randomness="different")
        stacked = mapped(states, x, start)
    leaves = [*states.values(), x]
    weights = draw(*stacked.shape[1:])
    gradients = torch.autograd.grad((stacked * weights).sum(), leaves)
    for lane in range(LANES):
        own = {name: value[lane] for name, value in states.items()}
        with private_draws(lane):
            alone = answer(module, own, x[lane], start[lane])
        torch.testing.assert_close(stacked[lane], alone)
        expected = torch.autograd.grad((alone * weights[lane]).sum(), leaves)
        for found, one in zip(gradients, expected, strict=True):
            torch.testing.assert_close(found[lane], one[lane])
