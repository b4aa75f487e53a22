"""Stacked optimizers against `torch.optim`, on given gradients: no network in between."""

import pytest
import torch

from initsweep.engine.optimizer_groups import STACKED_OPTIMIZERS
from initsweep.engine.optimizers import clip_gradients
from initsweep.engine.reference import torch_optimizer

SETTINGS = [
    {"name": "sgd", "momentum": 0.0},
    {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "adam", "weight_decay": 0.1},
    {"name": "adam", "epsilon": 1e-3},
    {"name": "adamw", "weight_decay": 0.1},
    {"name": "rmsprop", "weight_decay": 0.1, "beta2": 0.9, "momentum": 0.9},
    {"name": "sgdw", "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    {"name": "lion", "beta2": 0.99, "weight_decay": 0.1},
]
SHAPES = [(4, 3), (5,), ()]
RATES = [0.1, 0.02, 0.003]


def draw(generator, dtype, scale=1.0):
    return [
        scale * torch.randn(len(RATES), *shape, generator=generator).to(dtype) for shape in SHAPES
    ]


def both(settings, dtype, steps):
    """Parameters after some steps, stacked and by torch.optim, each (lanes, ...)."""
    generator = torch.Generator().manual_seed(0)
    stacked = draw(generator, dtype)
    alone = [[value[lane].clone().requires_grad_() for value in stacked] for lane in range(3)]
    ours = STACKED_OPTIMIZERS[settings.name](stacked, settings)
    theirs = []
    for lane, rate in enumerate(RATES):
        holder = torch.nn.Module()
        for index, value in enumerate(alone[lane]):
            holder.register_parameter(f"p{index}", torch.nn.Parameter(value.detach()))
        alone[lane] = list(holder.parameters())
        theirs.append(torch_optimizer(holder, rate, settings))
    for step in range(steps):
        factor = 1.0 - step / (2 * steps)
        gradients = draw(generator, dtype, scale=0.1)
        kept = [gradient.clone() for gradient in gradients]
        ours.step(gradients, factor * torch.tensor(RATES, dtype=torch.float64))
        assert all(torch.equal(a, b) for a, b in zip(gradients, kept, strict=True))
        for lane, updater in enumerate(theirs):
            updater.param_groups[0]["lr"] = factor * RATES[lane]
            for value, gradient in zip(alone[lane], kept, strict=True):
                value.grad = gradient[lane].clone()
            updater.step()
    return stacked, [torch.stack([lane[i].detach() for lane in alone]) for i in range(3)]


@pytest.mark.parametrize("changes", SETTINGS)
def test_equals_torch_in_double_precision(optimizer, changes):
    for ours, theirs in zip(*both(optimizer(**changes), torch.float64, 25), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("changes", SETTINGS)
def test_single_precision_is_as_exact_as_torch(optimizer, changes):
    """A scalar such as 1 - beta2 rounded to float32 would be 1000 times worse."""
    settings = optimizer(**changes)
    truth = both(settings, torch.float64, 200)[1]
    stacked, alone = both(settings, torch.float32, 200)
    errors = [
        max(float((a.double() - b).abs().max()) for a, b in zip(values, truth, strict=True))
        for values in (stacked, alone)
    ]
    assert 0 < errors[0] <= 1.5 * errors[1]


@pytest.mark.parametrize("changes", SETTINGS)
def test_a_lane_at_rate_zero_keeps_its_parameters(optimizer, changes):
    settings, generator = optimizer(**changes), torch.Generator().manual_seed(0)
    parameters = draw(generator, torch.float32)
    before = [value.clone() for value in parameters]
    stacked = STACKED_OPTIMIZERS[settings.name](parameters, settings)
    for _ in range(3):
        stacked.step(
            draw(generator, torch.float32), torch.tensor([0.1, 0.0, 0.1], dtype=torch.float64)
        )
    for value, old in zip(parameters, before, strict=True):
        assert torch.equal(value[1], old[1])
        assert not torch.equal(value[0], old[0])


def test_decoupled_decay_shrinks_by_rate_and_decay_alone(optimizer):
    """Of SGD there is none in torch: without gradients nothing else happens, with momentum too."""
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    holder = torch.nn.Module()
    holder.weight = weight
    settings = optimizer(name="sgdw", momentum=0.9, weight_decay=0.5)
    updater = torch_optimizer(holder, 0.1, settings)
    values = []
    for gradient in (1.0, 0.0, 0.0):
        weight.grad = torch.full_like(weight, gradient)
        updater.step()
        values.append(weight.item())
    assert values[0] == pytest.approx(0.95 - 0.1)
    assert values[1] == pytest.approx(0.95 * values[0] - 0.09)
    assert values[2] == pytest.approx(0.95 * values[1] - 0.081)
    assert updater.param_groups[0]["weight_decay"] == 0.5


@pytest.mark.parametrize("largest", [1e-3, 0.5, 1e3])
def test_clipping_is_that_of_torch_lane_by_lane(largest):
    gradients = draw(torch.Generator().manual_seed(1), torch.float32)
    gradients[0][2] *= 100
    clipped = clip_gradients(gradients, largest)
    for lane in range(3):
        holders = [torch.nn.Parameter(torch.zeros_like(value[lane])) for value in gradients]
        for holder, value in zip(holders, gradients, strict=True):
            holder.grad = value[lane].clone()
        torch.nn.utils.clip_grad_norm_(holders, largest)
        for holder, value in zip(holders, clipped, strict=True):
            torch.testing.assert_close(value[lane], holder.grad, rtol=1e-6, atol=0)


def test_a_broken_lane_does_not_spoil_the_clipping_of_others():
    gradients = draw(torch.Generator().manual_seed(1), torch.float32)
    expected = clip_gradients(gradients, 0.1)
    gradients[0][1, 0, 0] = torch.nan
    clipped = clip_gradients(gradients, 0.1)
    for value, old in zip(clipped, expected, strict=True):
        assert torch.equal(value[0], old[0])
        assert torch.equal(value[2], old[2])
        assert value[1].isnan().all()
