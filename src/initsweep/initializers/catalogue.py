"""The registry of initializers, and how a name with options becomes one."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeGuard, cast

from initsweep.core.errors import ParamsError
from initsweep.core.options import check_arguments, parse_options
from initsweep.core.records import SchemeOption
from initsweep.core.registry import Registry
from initsweep.initializers.base import FunctionInitializer, Initializer

INITIALIZERS: Registry[type[Initializer]] = Registry(
    "initializer", "initsweep.initializers.schemes", elsewhere="initsweep.naming.lookup:called_here"
)
"""All initializers by name; `@INITIALIZERS.register("my_name")` adds a subclass of `Initializer`.

Examples:
    >>> from initsweep import INITIALIZERS
    >>> INITIALIZERS.get("he_normal").summary
    'Normal weights of variance 2 / fan_in.'
"""


def make_initializer(
    name: str,
    options: Mapping[str, SchemeOption],
    *,
    scheme: str | None = None,
    key: str | None = None,
    later: Collection[str] = (),
) -> Initializer:
    """Return the initializer called `name` with these options.

    Args:
        name: A registered name, or `package.module:attribute` naming a subclass of `Initializer`
            or a plain function `(layer, generator, **options) -> Tensor`.
        options: The options, as written in `params.yaml`.
        scheme: The key under `initializers:` of `params.yaml` that error messages name; without
            it they name the option, and show a call.
        key: The whole key that they name, for options that stand elsewhere.
        later: As for `parse_options`.

    Returns:
        The frozen initializer.

    Raises:
        ParamsError: If an option is unknown, missing, of the wrong type or out of range, or if
            the user's attribute is neither a subclass of `Initializer` nor callable.

    Examples:
        >>> from torch import nn
        >>> from initsweep import initialize_, make_initializer
        >>> tiny = make_initializer("random_normal", {"std": 0.001})
        >>> initialize_(nn.Linear(400, 500), tiny, seed=0).weight.std() < 0.0011
        tensor(True)
    """
    entry = cast(object, INITIALIZERS.get(name))
    shows = scheme is None and key is None
    key = key or (name if scheme is None else f"initializers.{scheme}")
    if is_kind(entry):
        try:
            return parse_options(entry, options, key, later=later)
        except ParamsError as error:
            if not (shows and entry.example):
                raise
            call = f"make_initializer({name!r}, {entry.example!r})"
            raise ParamsError(f"{error} For example: {call}") from None
    if isinstance(entry, type) or not callable(entry):
        raise ParamsError(
            f"{key}: '{name}' must be a subclass of initsweep's Initializer or a function "
            f"(layer, generator, **options) -> Tensor, received {entry!r}."
        )
    return from_function(entry, options, key)


def from_function(
    function: Callable[..., object], options: Mapping[str, SchemeOption], key: str
) -> FunctionInitializer:
    """Return an initializer around a function of the user's own.

    Args:
        function: It is called as `(layer, generator, **options)`.
        options: The options.
        key: What error messages call it.

    Raises:
        ParamsError: If it cannot be called like that.
    """
    inner = function.func if isinstance(function, partial) else function
    if getattr(inner, "__module__", "") == "torch.nn.init":
        name = getattr(inner, "__name__", "")
        raise ParamsError(
            f"{key}: torch.nn.init.{name} fills a tensor; an initializer is a name, or a function "
            f"(layer, generator, **options) -> weight.{INITIALIZERS.hint(name)}"
        )
    check_arguments(function, "layer, generator", options, key)
    return FunctionInitializer(function=function, options=dict(options))


def is_kind(entry: object) -> TypeGuard[type[Initializer]]:
    """Return whether an entry is a kind of initializer: not a function, and not an instance."""
    return isinstance(entry, type) and issubclass(entry, Initializer)
