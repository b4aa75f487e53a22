"""Options of an initializer or a network as the command line gives them: name=value."""

from collections.abc import Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from initsweep.errors import ParamsError
from initsweep.records import ModelOption, OptionValue


def single_values(given: Mapping[str, ModelOption]) -> dict[str, OptionValue]:
    """Return options of an initializer.

    Raises:
        ParamsError: If one is a list, which only networks take.
    """
    options = dict[str, OptionValue]()
    for name, value in given.items():
        if isinstance(value, list | tuple):
            raise ParamsError(
                f"--option takes name=value, as in std=0.05; received {name}={value}."
            )
        options[name] = value
    return options


def network_values(given: Sequence[str]) -> dict[str, ModelOption]:
    """Return options from the command line; values are read as in `params.yaml`.

    Raises:
        ParamsError: If one is not of the form name=value.
    """
    options = dict[str, ModelOption]()
    for one in given:
        name, equals, value = one.partition("=")
        try:
            parsed = YAML(typ="safe").load(value)
        except YAMLError:
            parsed = {}
        if not (name.strip() and equals) or isinstance(parsed, dict):
            raise ParamsError(f"--option takes name=value, as in std=0.05; received {one!r}.")
        options[name.strip()] = parsed
    return options
