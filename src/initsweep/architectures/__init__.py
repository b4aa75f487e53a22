"""Network architectures by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from initsweep.architectures.base import Architecture
from initsweep.architectures.returned import in_words
from initsweep.core.errors import OUT_OF_MEMORY, InitsweepError, ParamsError, shown
from initsweep.core.options import check_arguments, parse_options
from initsweep.core.randomness import stream_seed
from initsweep.core.records import ModelOption
from initsweep.core.registry import Registry
from initsweep.core.registry import in_words as raised
from initsweep.graph.strays import check_registered
from initsweep.graph.torch_generator import private_draws

ARCHITECTURES: Registry[type[Architecture]] = Registry("architecture", "initsweep.architectures")
"""All networks by name; `@ARCHITECTURES.register("my_net")` adds a subclass of `Architecture`.

Examples:
    >>> from initsweep import ARCHITECTURES
    >>> ARCHITECTURES.names()
    ['cnn', 'mlp', 'rescnn', 'vit']
"""


def build_model(
    name: str, options: Mapping[str, ModelOption], *, n_features: int, n_outputs: int
) -> nn.Module:
    """Return the network called `name`, its weights not yet initialized.

    Torch's global generator is left as it was, whatever the network draws while it is built.

    Args:
        name: A registered name, or `package.module:attribute` naming a subclass of `Architecture`
            or a callable `(n_features, n_outputs, **options) -> nn.Module`.
        options: Its options, the keys beside `name` under `model:` in `params.yaml`.
        n_features: Inputs per example.
        n_outputs: Outputs per example.

    Returns:
        A network that maps (batch, n_features) to (batch, n_outputs), in training mode.

    Raises:
        ParamsError: If what is the user's fails with the options that it is given.
        InitsweepError: If it builds something else.
    """
    entry = _entry(name)
    # A user's network may draw buffers at random; they must be the same in every process.
    with private_draws(stream_seed("architecture", name)), _failing_in_words(name, options):
        if isinstance(entry, type) and issubclass(entry, Architecture):
            return parse_options(entry, options, "model").build(n_features, n_outputs)
        function = cast(Callable[..., object], entry)
        check_arguments(function, "n_features, n_outputs", options, "model")
        return _checked(function(n_features, n_outputs, **options), name, n_features, n_outputs)


def describe(name: str, options: Mapping[str, ModelOption]) -> str:
    """Return a short name for a network with these options, such as "mlp-3x128-relu".

    A user's own function is called by its dotted path.
    """
    entry = _entry(name)
    if isinstance(entry, type) and issubclass(entry, Architecture):
        return parse_options(entry, options, "model").short_name()
    return name.replace(":", ".")


def _entry(name: str) -> object:
    """Return what `name` stands for.

    Raises:
        ParamsError: If it is something of the user's that cannot build a network.
    """
    entry = cast(object, ARCHITECTURES.get(name))
    if not callable(entry):
        raise ParamsError(
            f"model.name: '{name}' must be a function (n_features, n_outputs, **options) that "
            f"returns a network, received {entry!r}."
        )
    return entry


@contextmanager
def _failing_in_words(name: str, options: Mapping[str, ModelOption]) -> Iterator[None]:
    """Say in one line what a user's own code raises inside; what ours raises is a defect.

    Yields:
        Nothing.

    Raises:
        ParamsError: If it raises.
    """
    try:
        yield
    except Exception as error:
        told = isinstance(error, InitsweepError | MemoryError)
        if told or OUT_OF_MEMORY.search(str(error)) or ":" not in name:
            raise
        given = ", ".join(f"{key}={shown(value)}" for key, value in options.items())
        raise ParamsError(
            f"model: {name} fails with {given or 'no options'}: {raised(error)}. Mend it, or give "
            "other options."
        ) from error


def _checked(network: object, name: str, n_features: int, n_outputs: int) -> nn.Module:
    """Return the user's network after one trial batch.

    Raises:
        InitsweepError: If it is not a network, or does not map features to outputs.
    """
    if not isinstance(network, nn.Module):
        raise InitsweepError(f"'{name}' must return a torch.nn.Module, received {network!r}.")
    check_registered(network, f"The network of '{name}'")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InitsweepError(f"'{name}' built a network without parameters to train.")
    batch = torch.zeros(2, n_features)
    network.eval()  # so that the trial batch leaves running statistics alone
    try:
        with torch.no_grad():
            outputs = network(batch)
    except Exception as error:  # the user's own code may raise anything; it is chained
        raise InitsweepError(
            f"'{name}' built a network that fails on a batch of shape {tuple(batch.shape)}: "
            f"{raised(error)}"
        ) from error
    if not isinstance(outputs, Tensor) or tuple(outputs.shape) != (2, n_outputs):
        raise InitsweepError(
            f"'{name}' built a network that, for a batch of shape {tuple(batch.shape)}, returned "
            f"{in_words(outputs)}; it must return one tensor of shape {(2, n_outputs)}."
        )
    return network.train()


__all__ = ["ARCHITECTURES", "Architecture", "build_model", "describe"]
