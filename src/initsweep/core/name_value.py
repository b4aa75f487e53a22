"""Options of an initializer or a network as the command line gives them: name=value."""

import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import cast

from initsweep.core.errors import ParamsError, cut, shown
from initsweep.core.records import ModelOption, OptionValue
from initsweep.core.yaml_files import parse_yaml

_WHOLE = re.compile(r"[0-9]+")


def single_values(given: Mapping[str, ModelOption]) -> dict[str, OptionValue]:
    """Return options of an initializer.

    Raises:
        ParamsError: If one is a list, which only networks take.
    """
    options = dict[str, OptionValue]()
    for name, value in given.items():
        if isinstance(value, list | tuple):
            raise ParamsError(
                f"--option takes name=value, as in std=0.05; received {cut(f'{name}={value}')}."
            )
        options[name] = value
    return options


def network_values(given: Sequence[str]) -> dict[str, ModelOption]:
    """Return options from the command line; values are read as in `params.yaml`.

    Raises:
        ParamsError: If one is not of the form name=value, or its value is none that options have.
    """
    options = dict[str, ModelOption]()
    for one in given:
        name, equals, value = one.partition("=")
        if not (name.strip() and equals):
            raise ParamsError(f"--option takes name=value, as in std=0.05; received {shown(one)}.")
        options[name.strip()] = _value(value, one)
    return options


def whole_numbers(given: str) -> list[int]:
    """Return whole numbers that have commas between them, none if anything else is given."""
    parts = [one.strip() for one in given.split(",")]
    return [int(one) for one in parts] if all(map(_WHOLE.fullmatch, parts)) else []


def key_and_sizes(given: str) -> tuple[str, list[int]]:
    """Return a dotted key and its values from KEY=32,64,128; without values if it is no such."""
    key, _, values = given.partition("=")
    return key.strip(), whole_numbers(values)


def _value(text: str, given: str) -> ModelOption:
    """Return what a value means; dates and mappings are nothing that an option can be.

    Raises:
        ParamsError: If it means something else, or cannot be read.
    """
    try:
        value = parse_yaml(text, "--option")
    except ParamsError:
        value = ...
    plain = (bool, int, float, str, NoneType)
    if all(isinstance(one, plain) for one in (value if isinstance(value, list) else [value])):
        return cast(ModelOption, value)
    raise ParamsError(
        f"--option takes name=value, and the value is true or false, a number, text, null or a "
        f"list of these, as in std=0.05 or channels=[8,16]; received {shown(given)}. Put text that "
        "looks like something else into quotes, as in 'name=\"2020-01-01\"'."
    )
