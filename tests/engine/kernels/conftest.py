import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import KernelsError
from initsweep.engine.kernels.coverage import check_coverage
from initsweep.engine.kernels.kernel_trainer import Trainer
from initsweep.engine.kernels.library import load_library
from initsweep.engine.plan_reading import read_plan
from initsweep.engine.reference import torch_optimizer


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Skip where no compiler was found; the rest of the suite then covers the torch path."""
    try:
        load_library()
    except KernelsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def build():
    """Return a network with random weights, the same for the same seed, and a trainer for it."""

    def make(model, shape, optimizer, *, batch=16, loss="cross_entropy", clip=None, seed=0):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                fan_in = parameter[0].numel() if parameter.dim() > 1 else 4
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
        plan = read_plan(model, shape)
        check_coverage(plan, loss, [])
        trainer = Trainer(plan, batch=batch, loss=loss, optimizer=optimizer, clip=clip)
        trainer.start(state_of(model))
        return trainer

    return make


def state_of(model):
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


@pytest.fixture(scope="session")
def errors():
    """Relative errors of the kernels and of torch itself, against torch in float64."""
    return _errors


def _errors(trainer, model, optimizer, *, batch, steps, rate, shape, clip=None, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = 3 * batch
    features = torch.randn(n, *shape, generator=generator)
    targets = (
        torch.randint(0, classes, (n,), generator=generator)
        if classes
        else torch.randn(n, generator=generator)
    )
    order = torch.cat([torch.randperm(n, generator=generator)[:batch] for _ in range(steps)])
    losses = trainer.train(features, targets, order, np.full(steps, rate), np.inf)
    state = trainer.state(state_of(model), batches=steps)
    outputs = torch.empty(n, trainer.n_outputs)
    trainer.predict(features, outputs)
    batches = (features, targets, order.view(steps, batch))
    exact = _train(model, torch.float64, optimizer, rate, clip, batches)
    plain = _train(model, torch.float32, optimizer, rate, clip, batches)
    ours = (losses, state, outputs)
    return _distance(ours, exact), _distance(plain, exact)


def _train(model, dtype, settings, rate, clip, batches):
    features, targets, order = batches
    network = copy.deepcopy(model).to(dtype).train()
    updater, losses = torch_optimizer(network, rate, settings), []
    for rows in order:
        outputs = network(features[rows].to(dtype))
        if targets.dtype == torch.int64:
            loss = functional.cross_entropy(outputs, targets[rows])
        else:
            loss = (outputs.squeeze(-1) - targets[rows].to(dtype)).square().mean()
        updater.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        updater.step()
        losses.append(loss.item())
    network.eval()
    with torch.no_grad():
        return np.array(losses), state_of(network), network(features.to(dtype))


@torch.no_grad()
def _distance(found, exact):
    """Largest relative difference of a tensor of the state, of the outputs and of the losses."""
    pairs = [(found[1][name], value) for name, value in exact[1].items()]
    pairs += [(found[2], exact[2]), (torch.tensor(found[0]), torch.tensor(exact[0]))]
    return max(
        float((a.double() - b.double()).norm() / b.double().norm().clamp(min=1e-12))
        for a, b in pairs
    )
