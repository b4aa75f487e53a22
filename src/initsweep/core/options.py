"""Checks the options of a named entry (an initializer, an architecture) against what it takes.

An entry of ours declares its options as the fields of an `Options` model. A user's own function
declares them as its keyword arguments. Both give the same kind of message: the dotted key, the
value received and what to do about it.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from initsweep.core.errors import ParamsError
from initsweep.core.params import explain
from initsweep.core.registry import did_you_mean


class Options(BaseModel):
    """Base of all entries with options: strict types, finite numbers, no unknown keys, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=Options)


def parse_options(
    model: type[Model], options: Mapping[str, object], key: str, *, later: Collection[str] = ()
) -> Model:
    """Return the entry with these options.

    Args:
        model: The entry whose fields are the options.
        options: What the user wrote.
        key: The dotted key in `params.yaml` that holds the options ("initializers.he_normal").
        later: Options whose values only stand for others, and are not checked.

    Returns:
        The frozen entry.

    Raises:
        ParamsError: Naming every offending option, the value received and the remedy.
    """
    try:
        return model.model_validate(dict(options), context=key)
    except ValidationError as error:
        found = [one for one in error.errors() if not later or one["loc"][:1] not in _ends(later)]
        if not found:
            return cast(Model, model.model_construct(None, **options))
        lines = [_explain(details, model, key) for details in found]
        raise ParamsError("\n  ".join(lines)) from None


def _ends(names: Collection[str]) -> set[tuple[str, ...]]:
    """Return where errors about options lie; those about several lie nowhere."""
    return {(), *((name,) for name in names)}


def check_arguments(
    function: Callable[..., object], form: str, options: Mapping[str, object], key: str
) -> None:
    """Check that a user's own function can be called with these options.

    Args:
        function: What the user gave as `package.module:attribute`.
        form: The positional arguments we call it with ("layer, generator").
        options: Its keyword arguments.
        key: The dotted key in `params.yaml` that holds the options.

    Raises:
        ParamsError: If an option is unknown or missing, or the function takes other arguments.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise ParamsError(
            f"{key}: {function!r} cannot be called with options; wrap it in a function of your own."
        ) from None
    positional = form.split(", ") if form else []
    parameters = list(signature.parameters.values())
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = [parameter.name for parameter in parameters[len(positional) :]]
    for name, value in options.items():
        if name not in known and not open_ended:
            listed = f"Known: {', '.join(known)}." if known else "It takes no options."
            close = did_you_mean(name, known)
            raise ParamsError(f"{key}.{name}: unknown key, received {value!r}.{close} {listed}")
    try:
        signature.bind(*positional, **options)
    except TypeError as error:
        first = f" Let it take ({form}) first." if "too many positional" in str(error) else ""
        raise ParamsError(
            f"{key}: it is called as ({form}, **options) with options {dict(options)!r}: {error}."
            f"{first}"
        ) from None


def _explain(details: ErrorDetails, model: type[Options], key: str) -> str:
    if isinstance(found := details.get("ctx", {}).get("error"), ParamsError):
        return str(found)  # of options inside an option: it names its own key
    location = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden" and not model.model_fields:
        return f"{key}.{location}: unknown key; '{key}' takes no options, remove it."
    text = explain(details, model)
    return f"{key}.{text}" if location else f"{key}: {text}"
