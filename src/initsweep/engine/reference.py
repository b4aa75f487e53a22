"""The plain loop: one network, `torch.optim`, nothing clever. Read this first.

It takes and returns what the stacked path does, and is what that path is tested against. It also
trains the networks that no other path serves.
"""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from initsweep.core.multipliers import Multipliers, in_groups
from initsweep.core.params import Optimizer, Training
from initsweep.core.randomness import batch_order, stream_seed
from initsweep.engine.lanes import (
    Lane,
    LaneResults,
    Problem,
    Split,
    divergence_limit,
    empty_results,
)
from initsweep.engine.muon import MuonAndAdamW, hidden_weights
from initsweep.engine.reference_state import captured, restore
from initsweep.engine.schedules import rate_factor
from initsweep.engine.torch_optimizers import calls_of, made
from initsweep.engine.unfinished import State
from initsweep.graph.twins import copy_of


class _DivergedError(Exception):
    """A loss has blown up after `step` updates."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def train_one(
    problem: Problem,
    lane: Lane,
    *,
    training: Training,
    optimizer: Optimizer,
    keep_state: bool,
    state: State | None = None,
) -> LaneResults:
    """Train one network and return its results, with a lane axis of length 1.

    Where the model itself draws random numbers (dropout), it draws them from the lane's seed.

    Args:
        problem: What the lanes share.
        lane: Learning rate and seed.
        training: Length, batches, schedule and clipping.
        optimizer: The optimizer and its settings.
        keep_state: Whether to return the final parameters and buffers.
        state: Where the training is kept while it runs, if that takes long.

    Returns:
        Arrays of shape (1, ...).
    """
    results = empty_results(1, training.epochs, "reference", keep_states=keep_state)
    device = problem.train.features.device
    model = _initial_model(problem, lane.seed, device)
    with _random_numbers_from(stream_seed("model", lane.seed), device):
        try:
            _train(model, problem, lane, training, optimizer, results, state or State())
        except _DivergedError as diverged:
            results.diverged_at_step[0] = diverged.step
    if results.final_states is not None and results.diverged_at_step[0] < 0:
        results.final_states[0] = {
            name: value.detach().clone().cpu()
            for name, value in [*model.named_parameters(), *model.named_buffers()]
        }
    return results


def _train(
    model: nn.Module,
    problem: Problem,
    lane: Lane,
    training: Training,
    optimizer: Optimizer,
    results: LaneResults,
    state: State,
) -> None:
    train, size = problem.train.of(lane.seed), training.batch_size
    n, validation = train.n, problem.validation.of(lane.seed)
    steps_per_epoch = n // size
    updater = torch_optimizer(model, lane.learning_rate, optimizer, problem.multipliers)
    rates = [group["lr"] for group in updater.param_groups]
    if state.found:
        done = restore(state.found, model, updater, results)
        limit = divergence_limit(results.initial_loss[0], problem.constant_loss)
    else:
        done, (loss, score) = 0, _evaluate(model, problem, validation)
        limit = divergence_limit(loss, problem.constant_loss)
        _check(loss, limit, 0)
        results.initial_loss[0] = results.validation_loss[0, 0] = loss
        results.validation_score[0, 0] = score
    step = done * steps_per_epoch
    for epoch in range(done, training.epochs):
        order = batch_order(lane.seed, epoch, n).to(train.features.device)
        _give_weights("train", updater)
        total = 0.0
        for start in range(0, steps_per_epoch * size, size):
            factor = rate_factor(training, step, training.epochs * steps_per_epoch)
            for group, rate in zip(updater.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            batch = order[start : start + size]
            model.train()
            batch_loss = problem.loss(model(train.features[batch]), train.targets[batch])
            _check(batch_loss.item(), limit, step)
            _update(model, updater, batch_loss, training.gradient_clip)
            total += batch_loss.item()
            step += 1
        _give_weights("eval", updater)
        loss, score = _evaluate(model, problem, validation)
        _check(loss, limit, step)
        results.train_loss[0, epoch] = total / steps_per_epoch
        results.validation_loss[0, epoch + 1] = loss
        results.validation_score[0, epoch + 1] = score
        if state.due:
            state.keep(captured(epoch + 1, model, updater, results))


def _update(
    model: nn.Module, updater: torch.optim.Optimizer, loss: Tensor, gradient_clip: float | None
) -> None:
    updater.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if gradient_clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), gradient_clip)
    updater.step()


def _give_weights(purpose: Literal["train", "eval"], updater: torch.optim.Optimizer) -> None:
    """Have an optimizer give the network the weights to train or to evaluate, if it keeps both."""
    if hasattr(updater, purpose):
        getattr(updater, purpose)()


def _check(loss: float, limit: float, step: int) -> None:
    """Stop if the loss seen after `step` updates is above the limit or not a number.

    Raises:
        _DivergedError: If so.
    """
    if not loss <= limit:
        raise _DivergedError(step)


@torch.no_grad()
def _evaluate(model: nn.Module, problem: Problem, validation: Split) -> tuple[float, float]:
    model.eval()
    # A copy, as a module of the user may work in place on what it is given.
    loss, score = problem.worth(model(validation.features.clone()), validation.targets)
    return loss.item(), score.item()


def torch_optimizer(
    model: nn.Module,
    learning_rate: float,
    settings: Optimizer,
    multipliers: Mapping[str, Multipliers] | None = None,
) -> torch.optim.Optimizer:
    """Return the optimizer that `settings` describe, in the form of `torch.optim`.

    Args:
        model: The network.
        learning_rate: The rate of a parameter whose factor is 1.
        settings: The optimizer and its settings.
        multipliers: Factors on rate and decay by parameter; 1 for those left out.
    """

    def groups(names: Container[str]) -> list[dict[str, Any]]:
        return in_groups(
            ((name, one) for name, one in model.named_parameters() if name in names),
            multipliers or {},
            learning_rate=learning_rate,
            weight_decay=settings.weight_decay,
        )

    every = [name for name, _ in model.named_parameters()]
    calls = calls_of(settings)
    if len(calls) == 1:
        return made(calls[0], groups(every), learning_rate)
    hidden = hidden_weights(model)
    parts = (True, groups(hidden)), (False, groups(set(every) - hidden))
    return MuonAndAdamW(
        [{**group, "hidden": inside} for inside, part in parts for group in part],
        lr=learning_rate, momentum=settings.momentum, nesterov=settings.nesterov,
        betas=(settings.beta1, settings.beta2), eps=settings.epsilon,
        weight_decay=settings.weight_decay,
    )  # fmt: skip


def _initial_model(problem: Problem, seed: int, device: torch.device) -> nn.Module:
    model = copy_of(problem.model)
    state = problem.initial_state(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(state[name])
    return model.to(device)


@contextmanager
def _random_numbers_from(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators inside the block and restore them after it.

    Threads that draw meanwhile are in its way, and there are none in our commands. Draws of its
    own, as in `graph/torch_generator.py`, would make each operation pass through Python, and a
    training of a small network take up to twice as long.

    Yields:
        Nothing.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
