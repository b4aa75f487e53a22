"""Compares the kernels with torch on the network at hand, before anything is trained."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from initsweep.core.errors import KernelsError
from initsweep.core.params import Optimizer
from initsweep.engine.kernels.kernel_trainer import Trainer
from initsweep.engine.lanes import Problem
from initsweep.engine.plan import Plan
from initsweep.graph.twins import twin_with

EXAMPLES = 8
TOLERANCE = 1e-3
"""Relative difference: far above rounding, far below a defect."""

STEPS, RATE = 3, 0.1

ONE_PLAIN_STEP = Optimizer(
    name="sgd", momentum=0.0, nesterov=False, beta1=0.0, beta2=0.0, epsilon=1.0, weight_decay=0.0
)


def check_against_torch(problem: Problem, plan: Plan) -> None:
    """Compare outputs, gradients and the losses of a few updates, at random weights.

    Raises:
        KernelsError: If they differ by more than rounding.
    """
    n = min(EXAMPLES, problem.train.n)
    # Copies, as a module of the user may work in place on what it is given.
    features, targets = problem.train.features[:n].clone(), problem.train.targets[:n].clone()
    state = _random_state(problem.model)
    trainer = Trainer(
        plan,
        batch=n,
        loss=problem.loss_name,
        optimizer=ONE_PLAIN_STEP,
        clip=None,
        class_weights=problem.class_weights,
    )
    trainer.start(state)
    outputs, order = torch.empty(n, trainer.n_outputs), torch.arange(n)
    trainer.predict(features, outputs)
    with torch.no_grad():
        _compare("outputs", outputs, twin_with(problem.model, state).eval()(features.clone()))
    for step in range(1, STEPS + 1):
        # Some mistakes show only where an update has been made of them.
        expected, gradients = _gradients(problem, state, features.clone(), targets)
        norms = [float(gradient.norm()) for gradient in gradients.values()]
        largest = max(norms, default=0.0)
        # No step is longer than RATE: a deep network would overflow, and nothing be compared.
        rate = RATE / max(1.0, math.hypot(*norms))
        loss = trainer.train(features, targets, order, np.full(1, rate), np.inf)
        after = trainer.state(state, batches=1)
        _compare(f"the loss of step {step}", torch.tensor(loss[0]), expected)
        for name, gradient in gradients.items():
            # A difference of weights carries their rounding; a gradient of 0 is others' rounding.
            slack = 1e-6 * float(state[name].norm()) / rate + 1e-5 * largest
            change = (state[name] - after[name]) / rate
            _compare(f"the gradient of '{name}'", change, gradient, slack)
        state = after


def _random_state(model: nn.Module) -> dict[str, Tensor]:
    """Return buffers as they are and random parameters: of constants no mix-up would show."""
    generator = torch.Generator().manual_seed(0)
    state = {name: buffer.clone() for name, buffer in model.named_buffers()}
    for name, parameter in model.named_parameters():
        fan_in = max(1, parameter[0].numel()) if parameter.dim() > 1 else 1
        noise = torch.randn(parameter.shape, generator=generator)
        state[name] = noise / fan_in**0.5 if parameter.dim() > 1 else 1 + 0.1 * noise
    return state


def _gradients(
    problem: Problem, state: dict[str, Tensor], features: Tensor, targets: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss in training mode, and its gradient by every parameter."""
    names = [name for name, _ in problem.model.named_parameters()]
    leaves = {name: state[name].clone().requires_grad_() for name in names}
    loss = problem.loss(twin_with(problem.model, state | leaves).train()(features), targets)
    gradients = torch.autograd.grad(
        loss, list(leaves.values()), allow_unused=True, materialize_grads=True
    )
    return loss.detach(), dict(zip(names, gradients, strict=True))


def _compare(what: str, found: Tensor, expected: Tensor, slack: float = 1e-6) -> None:
    difference = float((found.double() - expected.double()).norm())
    size = float(expected.double().norm())
    if not difference <= TOLERANCE * size + slack:
        raise KernelsError(
            f"the kernels and torch disagree on {what}: they differ by {difference:.3g}, and its "
            f"norm is {size:.3g}"
        )
