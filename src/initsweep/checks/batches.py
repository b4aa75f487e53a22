"""What a network promises of a batch of its own: tokens, several arguments, anything nested."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.checks.network_under_test import Built
from initsweep.checks.networks import builds_the_same, named_without_gradient, parameters_are_known
from initsweep.checks.outcome import BrokenPromiseError, Promise
from initsweep.diagnosis.any_batch import taken
from initsweep.graph.forms import Inputs, arguments, as_inputs, called, cast, outputs_in, own_loss
from initsweep.probes.passing import checked_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBatch(Built):
    """A network to check on a batch.

    Attributes:
        batch: What it takes, and what the loss takes beside it.
        loss: The mean loss from outputs and batch; None for the one that the network computes, or
            the mean square of all its outputs.
    """

    batch: Inputs
    loss: Callable[[Any, Any], Tensor] | None = None

    def run(self, model: nn.Module) -> Any:  # noqa: ANN401 - whatever it returns
        """Return what a network makes of the batch."""
        part = taken if self.loss else arguments
        return called(model, cast(part(model, self.batch), None))


def batch_promises(
    build: Callable[[], nn.Module], batch: object, loss: Callable[[Any, Any], Tensor] | None
) -> list[Promise]:
    """Return the checks of a network on a batch of its own, in the order in which to read them."""
    given = cast(as_inputs(batch, "batch"), torch.float32)
    subject = OnBatch(build=build, batch=given, loss=loss)
    checks: dict[str, Callable[[OnBatch], str]] = {
        "builds the same network every time": builds_the_same,
        "every parameter is one that initializers know": parameters_are_known,
        "maps the batch to outputs in training and in evaluation": maps_the_batch,
        "every parameter gets a gradient": gradients_arrive,
    }
    return [(title, partial(check, subject)) for title, check in checks.items()]


def maps_the_batch(subject: OnBatch) -> str:
    """Check that outputs are finite, and the same when a batch is evaluated again.

    Returns:
        Names and shapes of the outputs.

    Raises:
        BrokenPromiseError: If they are not, or there are none of real numbers.
    """
    model = subject.filled()
    seen: list[dict[str, Tensor]] = []
    for training in (True, False, False):
        with torch.no_grad():
            outputs = outputs_in(subject.run(model.train(training)))
        seen.append({name: one for name, one in outputs.items() if one.is_floating_point()})
        mode = "training" if training else "evaluation"
        if not seen[-1]:
            raise BrokenPromiseError(f"in {mode} it returns no tensor of real numbers")
        for name, one in seen[-1].items():
            if not bool(one.isfinite().all()):
                what = f"'{name}' of its outputs is" if name else "outputs are"
                raise BrokenPromiseError(f"in {mode} {what} not finite under he_normal")
    _, first, again = seen
    if first.keys() != again.keys() or not all(torch.equal(first[n], again[n]) for n in first):
        raise BrokenPromiseError(
            "two evaluations of the batch differ; randomness such as dropout must stop in `eval()`"
        )
    return ", ".join(f"{name} {tuple(one.shape)}".strip() for name, one in again.items())


def gradients_arrive(subject: OnBatch) -> str:
    """Check that the loss depends on every parameter.

    Returns:
        Which loss was taken.
    """
    model = subject.filled()
    returned = subject.run(model)
    value, words = own_loss(returned), "of the loss that it computes itself"
    if subject.loss is not None:
        value, words = subject.loss(returned, subject.batch), "of the loss given"
    elif value is None or not value.requires_grad:
        real = [one for one in outputs_in(returned).values() if one.is_floating_point()]
        value = sum((one.square().mean() for one in real), torch.zeros(()))
        words = "of the mean square of its outputs"
    checked_loss(value).backward()  # type: ignore[no-untyped-call]
    named_without_gradient(model)
    return words
