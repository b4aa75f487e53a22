"""One forward and one backward pass of a network's twin, as precisely as the network can."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError
from initsweep.graph.copies import type_in
from initsweep.graph.forms import Inputs, called, cast, tensors_in
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import twin_with
from initsweep.graph.vocabulary import is_matrix
from initsweep.probes.recording import Noted, recorded
from initsweep.probes.sleeping import asleep
from initsweep.probes.trunk import Node, entering, trunk_of

Loss = Callable[[Any, Any], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pass:
    """What a network's twin has done.

    Attributes:
        twin: The twin.
        trained: Its parameters that are trained, by name, with their gradients.
        noted: What was noted meanwhile.
        trunk: The nodes that every path from the data to the loss goes through, with their places.
        asleep: Parameters whose gradient is zero, and stays so.
        loss: The batch's mean loss.
        dtype: Type of its numbers; None for the network's own.
        lowered: Why it is not float64; "" if it is.
    """

    twin: nn.Module
    trained: Mapping[str, Tensor]
    noted: Noted
    trunk: Mapping[Node, int]
    asleep: tuple[str, ...]
    loss: float
    dtype: torch.dtype | None
    lowered: str

    @property
    def numbers(self) -> str:
        """The type of its numbers in words."""
        return "its own precision" if self.dtype is None else _spelt(self.dtype)


def passed(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
) -> Pass:
    """Run a twin of the network forward and backward.

    In float64; where the network fails in that or computes in something else, in float32; at last
    in its own types.

    Returns:
        What it has done.

    Raises:
        Exception: Whatever the network or the loss raises in the network's own types.
    """
    *tries, last = precisions(parameters.values())
    lowered = ""
    for dtype in tries:
        try:
            done = _passed(model, parameters, features, targets, loss, dtype, lowered)
            other = next((use for use in done.noted.uses if use.signal.dtype is not dtype), None)
        except Exception as error:  # noqa: BLE001 - the user's own code; the last rung raises
            lowered = lowered or error_in_words(error)
            continue
        if other is None:
            return done
        lowered = lowered or f"'{other.name}' gives {_spelt(other.signal.dtype)}"
    return _passed(model, parameters, features, targets, loss, last, lowered)


def error_in_words(error: Exception) -> str:
    """Return what an error says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def precisions(parameters: Iterable[Tensor]) -> tuple[torch.dtype | None, ...]:
    """Return the types to compute in, in the order to try them; the network's own is the last."""
    own = {one.dtype for one in parameters if one.is_floating_point()}
    if own == {torch.float64}:
        return (torch.float64,)
    usual = (torch.float64, torch.float32)
    return usual if own <= {torch.float32} else (*usual, None)


def typed(parameters: Mapping[str, Tensor], inputs: Inputs, dtype: torch.dtype | None) -> Inputs:
    """Return copies of inputs in a type; None stands for that of the network's parameters."""
    own = (one.dtype for one in parameters.values() if one.is_floating_point())
    return cast(inputs, dtype or next(own, torch.float32))


def _passed(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    features: Inputs,
    targets: Inputs,
    loss: Loss,
    dtype: torch.dtype | None,
    lowered: str,
) -> Pass:
    leaves = {name: _leaf(value, dtype) for name, value in parameters.items()}

    def loss_of(network: nn.Module, batch: Inputs) -> Tensor:
        # Dropout would otherwise draw from a stream that depends on what ran before.
        with private_draws(0):
            return checked_loss(loss(called(network, batch), typed(leaves, targets, dtype)))

    def loss_with(values: Mapping[str, Tensor]) -> Tensor:
        again = twin_with(model, {**leaves, **values}, dtype).train()
        return loss_of(again, typed(leaves, features, dtype))

    def noting(inputs: Inputs, sources: set[Node]) -> tuple[nn.Module, Noted, Tensor]:
        noted = Noted(max((len(one) for one in tensors_in(features)), default=0), sources=sources)
        twin = twin_with(model, leaves, dtype).train()
        with recorded(twin, noted):
            return twin, noted, loss_of(twin, inputs)

    try:
        twin, noted, value = noting(*entering(typed(leaves, features, dtype)))
    except Exception:  # noqa: BLE001 - a network may want inputs that no gradient goes to
        twin, noted, value = noting(typed(leaves, features, dtype), set())
    trunk = trunk_of(value, noted.sources, noted.uses[0].node if noted.uses else None)
    value.backward()  # type: ignore[no-untyped-call]
    trained = {name: leaves[name] for name in trained_names(model, leaves)}
    reached = {name: one for name, one in trained.items() if one.grad is not None}
    return Pass(
        twin=twin,
        trained=trained,
        noted=noted,
        trunk=trunk,
        asleep=grave(asleep(reached, loss_with), trained),
        loss=float(value.detach()),
        dtype=dtype,
        lowered=lowered,
    )


def trained_names(model: nn.Module, names: Iterable[str]) -> list[str]:
    """Return those of some parameters' names whose parameters are not frozen."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return [name for name in names if name not in frozen]


def grave(names: Sequence[str], parameters: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return the names if there is a matrix among them.

    A lone bias may cancel, and a token be used in another task only, and rightly so.
    """
    return tuple(names) if any(is_matrix(parameters[name].shape) for name in names) else ()


def _leaf(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    copied = value.detach().to(type_in(value, dtype), copy=True)
    # `backward()` writes .grad to it; whole numbers have none.
    return copied.requires_grad_(copied.is_floating_point() or copied.is_complex())


def checked_loss(value: object) -> Tensor:
    """Return a loss.

    Raises:
        InitsweepError: If it is not one number, or has no gradient.
    """
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.is_floating_point():
        what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise InitsweepError(f"The loss must be a tensor of one real number, received {what}.")
    if not value.requires_grad:
        raise InitsweepError(
            "The loss does not depend on any parameter in a way that can be differentiated: look "
            "for outputs that are detached, rounded, or computed under torch.no_grad()."
        )
    return value.squeeze()


def _spelt(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
