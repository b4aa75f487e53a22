"""Fills a built network: one random stream per parameter name, so nothing else moves a weight."""

from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from initsweep.errors import InitsweepError
from initsweep.initializers.base import Initializer
from initsweep.initializers.catalogue import make_initializer
from initsweep.initializers.fans import compute_fans
from initsweep.initializers.layers import (
    NORMS,
    NORMS_WITH_STATISTICS,
    Activation,
    Layer,
    activations_after,
)
from initsweep.randomness import torch_stream

Network = TypeVar("Network", bound=nn.Module)


def layers_of(model: nn.Module) -> list[Layer]:
    """Return the layers to initialize, in the order of registration; tied weights once.

    Normalization layers are not among them.

    Raises:
        InitsweepError: If a module has parameters that no initializer knows how to fill.
    """
    activations = activations_after(model)
    return [
        _layer(path, module, activations)
        for path, module, name, _ in _parameters(model)
        if name == "weight" and not isinstance(module, NORMS)
    ]


def initial_state(model: nn.Module, initializer: Initializer, seed: int) -> dict[str, Tensor]:
    """Return initial values of all parameters, by name, without touching the network.

    Each parameter is drawn from a stream addressed by the seed and its own name, not by the
    scheme: for one seed, schemes of one family give scaled copies of the same draw, and no value
    depends on the order of modules, on the device or on torch's global generator. Normalization
    layers start at weight 1 and bias 0 under every scheme.

    Args:
        model: The network; its own values are ignored.
        initializer: Fills weights and biases.
        seed: The run's seed.

    Returns:
        Parameter name to float32 CPU tensor, in the order of `model.named_parameters()`.

    Raises:
        InitsweepError: If the network has a parameter that no initializer knows how to fill, or
            the initializer returns something else than a finite float32 tensor of the right shape.
    """
    activations = activations_after(model)
    state: dict[str, Tensor] = {}
    for path, module, name, parameter in _parameters(model):
        address = f"{path}.{name}" if path else name
        if isinstance(module, NORMS):
            state[address] = torch.full(tuple(parameter.shape), float(name == "weight"))
            continue
        layer = _layer(path, module, activations)
        fill = initializer.weight if name == "weight" else initializer.bias
        generator = torch_stream("weights", seed, address)
        # A user's function may draw from torch's global generator; here that is harmless.
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(generator.initial_seed())
            drawn = fill(layer, generator)
        state[address] = _checked(drawn, tuple(parameter.shape), address, initializer)
    return state


def initialize_(model: Network, initializer: Initializer | str, seed: int) -> Network:
    """Fill the network in place and return it; running statistics of norm layers start afresh.

    Args:
        model: The network, on any device.
        initializer: An initializer, or the name of one that needs no options.
        seed: The run's seed.

    Returns:
        The same network.
    """
    if isinstance(initializer, str):
        initializer = make_initializer(initializer, {})
    state = initial_state(model, initializer, seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(state[name])
    for module in model.modules():
        if isinstance(module, NORMS_WITH_STATISTICS):
            module.reset_running_stats()
    return model


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Parameter]]:
    """Yield (module path, module, parameter name, parameter), each parameter at its first owner.

    Yields:
        In the order of `model.named_parameters()`.

    Raises:
        InitsweepError: If the parameter is neither a weight nor a bias.
    """
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name not in {"weight", "bias"}:
                raise InitsweepError(
                    f"'{path or type(model).__name__}' ({type(module).__name__}) has a parameter "
                    f"'{name}' that no initializer knows how to fill: only weights and biases of "
                    "linear, convolutional and normalization layers are."
                )
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, module, name, parameter


def _layer(path: str, module: nn.Module, activations: Mapping[str, Activation]) -> Layer:
    fans = compute_fans(module, path)
    # A parametrized module computes its weight; it has the attribute but not the parameter.
    weight, bias = cast(Tensor, module.weight), cast(Tensor | None, module.bias)
    return Layer(
        name=path,
        weight_shape=tuple(weight.shape),
        bias_shape=None if bias is None else tuple(bias.shape),
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=activations.get(path),
    )


def _checked(
    drawn: object, shape: tuple[int, ...], address: str, initializer: Initializer
) -> Tensor:
    """Return `drawn` if it is a finite float32 CPU tensor of this shape.

    Raises:
        InitsweepError: If it is anything else.
    """
    who = f"Initializer {initializer!r} for '{address}'"
    if not isinstance(drawn, Tensor):
        raise InitsweepError(f"{who} must return a tensor, received {drawn!r}.")
    found = (tuple(drawn.shape), drawn.dtype, drawn.device.type)
    if found != (shape, torch.float32, "cpu"):
        raise InitsweepError(
            f"{who} must return shape {shape}, torch.float32, on the cpu; received shape "
            f"{found[0]}, {found[1]}, on {found[2]}."
        )
    if not bool(drawn.isfinite().all()):
        raise InitsweepError(f"{who} returned values that are not finite.")
    return drawn.detach()
