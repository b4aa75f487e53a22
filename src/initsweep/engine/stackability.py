"""Finds out, before training, whether a network can be trained as stacked lanes."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from initsweep.core.errors import StackingError
from initsweep.engine.lanes import Problem
from initsweep.engine.reasons import in_words
from initsweep.engine.stack import Stack
from initsweep.graph.rounding import rounding
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of, twin_with

TOLERANCE = 1e-3
"""Relative difference of losses, stacked against alone: far above rounding, far below a defect."""

EXAMPLES = 8
SCALES = (0.1, 0.01)
"""Of the random values: smaller ones where a network makes so much of rounding that it hides all
else, as SIREN does, whose factor from layer to layer grows with its weights."""

NewStack = Callable[[Sequence[Mapping[str, Tensor]]], Stack]


def check_stackable(problem: Problem, new_stack: NewStack) -> None:
    """Try the network on two lanes and a few examples, forward, backward and in evaluation.

    A network that does not work on its own raises its own error here, unchanged.

    Args:
        problem: With its data on the device.
        new_stack: Builds a stack from parameters by name, one mapping per lane.

    Raises:
        StackingError: If it works on its own but not stacked, or gives other numbers there.
    """
    difference = ""
    model = copy_of(problem.model, problem.train.features.device)
    for scale in SCALES:
        states = _states(model, scale)
        difference = _difference(problem, model, states, new_stack)
        if not difference or not _rounds(problem, model, states):
            break
    if difference:
        raise StackingError(f"{type(model).__name__} cannot be stacked: {difference}")


def _states(model: nn.Module, scale: float) -> list[dict[str, Tensor]]:
    """Return random values: of two equal networks, or of constant ones, a mix-up would not show."""
    generator = torch.Generator().manual_seed(0)
    return [
        {
            name: scale * torch.randn(value.shape, generator=generator).to(value)
            for name, value in model.named_parameters()
        }
        for _ in range(2)
    ]


def _rounds(problem: Problem, model: nn.Module, states: Sequence[Mapping[str, Tensor]]) -> bool:
    """Return whether rounding alone may explain a difference between networks of these values."""
    features = problem.train.features[:EXAMPLES]
    return any(
        bool((rounding(twin_with(model, state).eval(), features) > TOLERANCE).any())
        for state in states
    )


def _difference(
    problem: Problem,
    model: nn.Module,
    states: Sequence[Mapping[str, Tensor]],
    new_stack: NewStack,
) -> str:
    """Return in what two networks differ in a stack from each alone, "" if in nothing.

    Raises:
        StackingError: If they fail in a stack.
    """
    # Copies, as a module of the user may work in place on what it is given.
    features = problem.train.features[:EXAMPLES].clone()
    targets = problem.train.targets[:EXAMPLES]
    with torch.no_grad(), private_draws(0):
        outputs = torch.stack([twin_with(model, s).eval()(features.clone()) for s in states])
        alone = [
            problem.loss(twin_with(model, s).train()(features.clone()), targets) for s in states
        ]
    # Everything is caught, as a module of the user may fail under vmap in any way.
    try:
        stack = new_stack(states)
        rows = torch.arange(len(features), device=features.device).expand(stack.lanes, -1)
        predicted = stack.predict(features.clone(), rows)
        stacked, _ = stack.losses_and_gradients(features.clone(), targets, rows)
    except Exception as error:
        raise StackingError(
            f"{type(model).__name__} cannot be stacked: {in_words(error)}"
        ) from error
    if not torch.allclose(predicted, outputs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        return "it gives other outputs in evaluation in a stack than alone"
    if not torch.allclose(stacked, torch.stack(alone), rtol=TOLERANCE, equal_nan=True):
        return (
            f"it gives other losses in a stack {stacked.tolist()} than alone "
            f"{torch.stack(alone).tolist()}"
        )
    return ""
