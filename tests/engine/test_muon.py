"""Muon, stacked and plain, against `torch.optim.Muon` with `torch.optim.AdamW` for the rest."""

import pytest
import torch
from torch import nn

from initsweep.core.errors import ParamsError
from initsweep.engine.muon import hidden_weights, orthogonalized, size_of_update
from initsweep.engine.optimizer_groups import OptimizerGroups
from initsweep.engine.reference import torch_optimizer
from initsweep.engine.stacked import VmapStack

RATES = [0.1, 0.02]
SHAPES = {
    "0.weight": (4, 6),
    "0.bias": (4,),
    "2.weight": (7, 4),
    "2.bias": (7,),
    "3.weight": (3, 7),
}
HIDDEN = frozenset({"0.weight", "2.weight"})


def layers():
    return nn.Sequential(
        nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 7), nn.Linear(7, 3, bias=False)
    ).double()


def draw(seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(len(RATES), *shape, generator=generator, dtype=torch.float64)
        for name, shape in SHAPES.items()
    }


@pytest.fixture
def exact(monkeypatch):
    """Let torch's own compute in the precision that it is given."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())


def by_torch(start, lane, settings, steps):
    """Parameters after some steps by torch's two optimizers."""
    parameters = {name: nn.Parameter(value[lane].clone()) for name, value in start.items()}
    updaters = optimizer_of_torch(parameters, RATES[lane], settings)
    for step in range(steps):
        step_along(parameters, draw(step + 1), lane, updaters)
    return {name: value.detach() for name, value in parameters.items()}


def step_along(parameters, gradients, lane, updaters):
    for name, value in parameters.items():
        value.grad = gradients[name][lane].clone()
    for one in updaters:
        one.step()


@pytest.fixture(params=[False, True])
def settings(request, optimizer):
    return optimizer(name="muon", momentum=0.9, nesterov=request.param, weight_decay=0.1)


def test_stacked_is_that_of_torch_in_double_precision(settings, exact):
    start = draw(0)
    stack = VmapStack(layers(), start, {}, lambda outputs, _: outputs)
    ours = OptimizerGroups(stack, settings, carried=False, hidden=HIDDEN)
    for step in range(10):
        ours.step([*draw(step + 1).values()], torch.tensor(RATES, dtype=torch.float64))
    for lane in range(2):
        for name, expected in by_torch(start, lane, settings, 10).items():
            found = stack.parameters[name][lane].detach()
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_plain_is_that_of_torch_in_double_precision(settings, exact):
    start, model = draw(0), layers()
    parameters = dict(model.named_parameters())
    for name, value in parameters.items():
        value.data = start[name][1].clone()
    updater = torch_optimizer(model, RATES[1], settings)
    for step in range(10):
        step_along(parameters, draw(step + 1), 1, [updater])
    for name, expected in by_torch(start, 1, settings, 10).items():
        torch.testing.assert_close(parameters[name].detach(), expected, rtol=1e-10, atol=1e-12)


def optimizer_of_torch(parameters, rate, settings):
    hidden = [parameters[name] for name in HIDDEN]
    rest = [value for name, value in parameters.items() if name not in HIDDEN]
    return (
        torch.optim.Muon(
            hidden, lr=rate, weight_decay=0.1, momentum=0.9, nesterov=settings.nesterov,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(rest, lr=rate, weight_decay=0.1),
    )  # fmt: skip


def test_torch_s_rounding_changes_an_update_by_a_hundredth():
    weight = nn.Parameter(torch.zeros(64, 48))
    gradient = torch.randn(64, 48, generator=torch.Generator().manual_seed(0))
    weight.grad = gradient.clone()
    torch.optim.Muon([weight], lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0).step()
    theirs = -weight.detach() / (64 / 48) ** 0.5
    ours = orthogonalized(gradient.unsqueeze(0))[0]
    assert 0 < (ours - theirs).norm() / ours.norm() < 0.03
    values = torch.linalg.svdvals(ours)
    assert values.min() > 0.5
    assert values.max() < 1.5
    assert ours.norm() * size_of_update((64, 48)) / 48**0.5 / 8 == pytest.approx(0.2, rel=0.2)


def test_kernels_are_matrices_of_one_row_for_each_output(optimizer, exact):
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.Flatten(), nn.LazyLinear(2))
    model(torch.zeros(1, 2, 4, 4))
    kernel = model[0].weight
    flat = nn.Parameter(kernel.detach().flatten(1).clone())
    kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(0))
    flat.grad = kernel.grad.flatten(1).clone()
    torch_optimizer(model, 0.1, optimizer(name="muon")).step()
    torch.optim.Muon(
        [flat], lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0,
        adjust_lr_fn="match_rms_adamw",
    ).step()  # fmt: skip
    torch.testing.assert_close(kernel.detach().flatten(1), flat.detach(), rtol=1e-5, atol=1e-6)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(9, 4), nn.Parameter(torch.zeros(1, 5, 4))
        self.body = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4))
        self.head = nn.Linear(4, 9, bias=False)
        self.head.weight = self.words.weight


def test_lookups_head_vectors_and_what_is_in_no_layer_are_left_to_adamw():
    assert hidden_weights(Tied()) == {"body.0.weight", "body.2.weight"}
    frozen = Tied()
    frozen.body[0].requires_grad_(requires_grad=False)
    assert hidden_weights(frozen) == {"body.2.weight"}
    assert hidden_weights(nn.Sequential(nn.GRU(3, 4), nn.Linear(4, 2))) == {
        "0.weight_ih_l0", "0.weight_hh_l0"
    }  # fmt: skip


def test_a_network_without_hidden_weights_is_refused():
    with pytest.raises(ParamsError, match=r"optimizer\.name: muon is for .* Linear has none"):
        hidden_weights(nn.Linear(4, 2))
