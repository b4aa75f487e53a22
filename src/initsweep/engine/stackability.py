"""Finds out, before training, whether a network can be trained as stacked lanes."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from initsweep.core.errors import StackingError
from initsweep.core.randomness import torch_stream
from initsweep.engine.lanes import Problem
from initsweep.engine.reasons import in_words
from initsweep.engine.stack import Stack
from initsweep.graph.rounding import rounding
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of, twin_with

TOLERANCE = 1e-3
"""Relative difference of losses, stacked against alone: far above rounding, far below a defect."""

LANES, EXAMPLES = 2, 8
SCALES = (0.1, 0.01)
"""Of the random values: smaller ones where a network makes so much of rounding that it hides all
else, as SIREN does, whose factor from layer to layer grows with its weights."""

NewStack = Callable[[Sequence[Mapping[str, Tensor]], Sequence[int]], Stack]
"""From parameters by name, one mapping per lane, and the seeds from which the lanes draw."""


def check_stackable(problem: Problem, new_stack: NewStack, *, at_once: int = LANES) -> None:
    """Try the network on two lanes and a few examples, forward, backward and in evaluation.

    A network that does not work on its own raises its own error here, unchanged.

    Args:
        problem: With its data on the device.
        new_stack: Builds a stack of lanes.
        at_once: How many lanes it takes.

    Raises:
        StackingError: If it works on its own but not stacked, or gives other numbers there.
    """
    difference = ""
    model = copy_of(problem.model, problem.train.features.device)
    for scale in SCALES:
        states = random_states(model, scale, LANES)
        difference = _difference(problem, model, states, new_stack, at_once)
        if not difference or not _rounds(problem, model, states):
            break
    if difference:
        raise StackingError(f"{type(model).__name__} cannot be stacked: {difference}")


def random_states(model: nn.Module, scale: float, lanes: int) -> list[dict[str, Tensor]]:
    """Return random values: of equal networks, or of constant ones, a mix-up would not show."""
    generator = torch.Generator().manual_seed(0)
    return [
        {
            name: scale * torch.randn(value.shape, generator=generator).to(value)
            for name, value in model.named_parameters()
        }
        for _ in range(lanes)
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
    at_once: int,
) -> str:
    """Return in what two networks differ in a stack from each alone, "" if in nothing.

    Raises:
        StackingError: If they fail in a stack.
    """
    # Copies, as a module of the user may work in place on what it is given.
    features = problem.train.features[:EXAMPLES].clone()
    targets = problem.train.targets[:EXAMPLES]
    outputs, alone = [], []
    for lane, state in enumerate(states):
        with torch.no_grad(), private_draws(torch_stream("model", lane)):
            outputs.append(twin_with(model, state).eval()(features.clone()))
            trained = twin_with(model, state).train()(features.clone())
            alone.append(problem.loss(trained, targets))
    predicted, stacked = list[Tensor](), list[Tensor]()
    # Everything is caught, as a module of the user may fail under vmap in any way.
    try:
        for first in range(0, LANES, at_once):
            lanes = range(first, first + at_once)
            stack = new_stack([states[lane] for lane in lanes], lanes)
            rows = torch.arange(len(features), device=features.device).expand(stack.lanes, -1)
            predicted += stack.predict(features.clone(), rows)
            stacked += stack.losses_and_gradients(features.clone(), targets, rows)[0]
    except Exception as error:
        raise StackingError(
            f"{type(model).__name__} cannot be stacked: {in_words(error)}"
        ) from error
    return _unlike(predicted, outputs, stacked, alone)


def _unlike(
    predicted: Sequence[Tensor],
    outputs: Sequence[Tensor],
    stacked: Sequence[Tensor],
    alone: Sequence[Tensor],
) -> str:
    """Return in what outputs or losses of a stack are unlike those of its networks alone."""
    pairs = zip(predicted, outputs, strict=True)
    if not all(
        torch.allclose(*pair, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True) for pair in pairs
    ):
        return "it gives other outputs in evaluation in a stack than alone"
    pairs = zip(stacked, alone, strict=True)
    if not all(torch.allclose(*pair, rtol=TOLERANCE, equal_nan=True) for pair in pairs):
        return (
            f"it gives other losses in a stack {[one.item() for one in stacked]} than alone "
            f"{[one.item() for one in alone]}"
        )
    return ""
