"""What every network promises, ours and other people's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from initsweep.checks.network_under_test import Built, Subject
from initsweep.checks.outcome import BrokenPromiseError, Note, Promise
from initsweep.checks.outputs import examples_are_independent, gives_scores, maps_in_both_modes
from initsweep.core.errors import CaptureError, PathError
from initsweep.engine.choice import choose_path
from initsweep.engine.reasons import remedy
from initsweep.exporting.forward_source import capture
from initsweep.initializers import activations_after
from initsweep.initializers.apply import layers_of
from initsweep.initializers.kept import describe_free, frozen_names, kept_values
from initsweep.initializers.parts import Slot
from initsweep.initializers.slots import slots_of


def network_promises(subject: Subject) -> list[Promise]:
    """Return the checks of a network, in the order in which to read them."""
    checks = {
        "builds the same network every time": builds_the_same,
        "every parameter is one that initializers know": parameters_are_known,
        "maps a batch to outputs in training and in evaluation": maps_in_both_modes,
        "examples do not see each other in evaluation": examples_are_independent,
        "every parameter gets a gradient": gradients_arrive,
        "copies can be trained as a stack": can_be_stacked,
        "there is a way to train it": has_a_path,
        "the trained network can be served": can_be_served,
    }
    if subject.n_outputs > 1:
        checks["its outputs are scores, no probabilities"] = gives_scores
    return [(title, partial(check, subject)) for title, check in checks.items()]


def builds_the_same(subject: Built) -> str:
    """Check that two builds agree in parameters and buffers.

    Returns:
        How many parameters there are.

    Raises:
        BrokenPromiseError: If they differ.
    """
    first, second = subject.build(), subject.build()
    shapes, others = ({n: p.shape for n, p in one.named_parameters()} for one in (first, second))
    if shapes != others:
        raise BrokenPromiseError("two builds have other parameters; build it from its options only")
    same = dict(second.named_buffers()) | {slot.name: v for slot, v in _kept(second)}
    kept = {f"parameter '{slot.name}', which initializers leave alone": (slot.name, value)
            for slot, value in _kept(first)}  # fmt: skip
    buffers = {f"buffer '{name}'": (name, value) for name, value in first.named_buffers()}
    for what, (name, value) in (buffers | kept).items():
        if not torch.equal(value, same[name]):
            raise BrokenPromiseError(
                f"two builds have other values in {what}; draw it from a generator with a fixed "
                "seed"
            )
    return f"{sum(shape.numel() for shape in shapes.values()):,} parameters"


def parameters_are_known(subject: Built) -> str:
    """Check that every parameter belongs to a layer that initializers fill, or to none.

    Returns:
        Parameters that keep the values they are built with, and layers whose activation cannot be
        told, for which `gain: auto` is 1.
    """
    model = subject.build()
    layers = layers_of(model)  # raises, naming the parameters
    remarks = [f"{len(layers)} layers"]
    kept = _kept(model)
    values = {slot.name: value for slot, value in kept}
    if free := describe_free(model, (slot for slot, _ in kept), values):
        remarks.append(
            f"{free} in no layer that initializers know, so every scheme leaves it as built"
        )
    if frozen := ", ".join(f"'{slot.name}'" for slot, _ in kept if slot.kept == "frozen"):
        remarks.append(f"frozen, so every scheme leaves it as built: {frozen}")
    unclear = activations_after(model).unclear
    names = [layer.name for layer in layers if layer.name in unclear]
    if names:
        listed = ", ".join(f"'{name}'" for name in names)
        remarks.append(
            f"which activation follows {listed} cannot be told ({unclear[names[0]]}): give the "
            "network an attribute `activation_after` if a scheme is to use it"
        )
    return "; ".join(remarks)


def _kept(model: nn.Module) -> list[tuple[Slot, Tensor]]:
    """Return the parameters that initializers leave alone, with their values."""
    slots = slots_of(model, {}, frozen=frozen_names(model))
    values = kept_values(model, slots)
    return [(slot, values[slot.name]) for slot in slots if slot.kept]


def gradients_arrive(subject: Subject) -> str:
    """Check that the loss depends on every parameter.

    Returns:
        Nothing to remark.
    """
    model = subject.filled()
    model(subject.batch()).square().mean().backward()
    named_without_gradient(model)
    return ""


def named_without_gradient(model: nn.Module) -> None:
    """Check that gradients have arrived.

    Raises:
        BrokenPromiseError: Naming parameters that the outputs do not depend on.
    """
    without = [
        name for name, one in model.named_parameters() if one.requires_grad and one.grad is None
    ]
    if without:
        raise BrokenPromiseError(
            f"the outputs do not depend on {', '.join(without)}; use it in `forward` or leave it "
            "out"
        )


def can_be_served(subject: Subject) -> str:
    """Try to write the network down as MLflow will serve it.

    Returns:
        A note if that is not possible.
    """
    model = subject.filled()
    try:
        capture(model, model.state_dict(), subject.n_features)
    except CaptureError as error:
        return Note(f"{error} A study of it works, without a model to serve")
    return ""


def can_be_stacked(subject: Subject) -> str:
    """Check that `torch.func` can run many copies at once.

    Returns:
        The name of the path, or a note with the reason.
    """
    try:
        with _quiet():
            path = choose_path(subject.job("torch"))
        reason = path.name.partition(": ")[2]
        if not reason:
            return path.kind
    except PathError as error:
        reason = str(error).partition(" Set `runtime.engine")[0].rstrip(".")
    advice = f". {change} for speed" if (change := remedy(reason)) else ""
    return Note(f"{reason}. It trains all the same, one network at a time{advice}")


def has_a_path(subject: Subject) -> str:
    """Check that the engine finds a way.

    Returns:
        The way, and why none of the faster ones covers the network.
    """
    with _quiet():
        path = choose_path(subject.job("auto"))
    reasons = path.name.partition(": ")[2]
    return f"`{path.kind}`" + (f", because {reasons}" if reasons else ", the fastest")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine from logging what the outcome of the check says.

    Yields:
        Nothing.
    """
    log = logging.getLogger("initsweep.engine.choice")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
