"""Checks what `initialize_` and `initial_state` are called with."""

import operator
from collections.abc import Callable

from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.initializers.base import Initializer
from initsweep.initializers.catalogue import from_function, make_initializer

AnyInitializer = Initializer | Callable[..., object] | str
"""An initializer, the name of one that needs no options, or a function of the user's own."""


def as_initializer(given: AnyInitializer) -> Initializer:
    """Return what fills layers: an initializer as it is, a name's, or one around a function.

    Raises:
        InitsweepError: If it is none of these, or a name that is unknown or needs options.
    """
    if isinstance(given, Initializer):
        return given
    if isinstance(given, str):
        return make_initializer(given, {})
    if isinstance(given, type | nn.Module) or not callable(given):
        raise InitsweepError(
            "An initializer is a name such as 'he_normal', what `make_initializer(name, options)` "
            f"returns, or a function (layer, generator) -> weight; received {given!r}."
        )
    return from_function(given, {}, "initializer")


def check_network(model: object) -> None:
    """Check that what is to be filled is a network.

    Raises:
        InitsweepError: If it is none.
    """
    if not isinstance(model, nn.Module):
        raise InitsweepError(f"The network must be a torch.nn.Module, received {model!r}.")


def checked_seed(seed: object) -> int:
    """Return the seed as Python's own integer: the same number is the same stream.

    Raises:
        InitsweepError: If it is no whole number from 0.
    """
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise InitsweepError(f"seed: received {seed!r}. Give a whole number from 0, such as 0.")
    return number
