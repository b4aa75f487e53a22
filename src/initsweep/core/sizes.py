"""The same study at another size of the network or of its training: `transfer.vary` grows."""

import json
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from initsweep.core.errors import ParamsError, few, shown
from initsweep.core.params import Params, RateTransfer, explain
from initsweep.core.registry import did_you_mean


def check(params: Params) -> None:
    """Refuse what cannot grow to the sizes that are asked for.

    Raises:
        ParamsError: Saying why not.
    """
    for size in (*params.transfer.sizes, *params.transfer.targets):
        at_size(params, size)


def at_size(params: Params, size: int) -> Params:
    """Return the parameters of the study in which the network, or its training, has another size.

    The first key of `transfer.vary` becomes `size`; of a list of numbers, its first one. All else
    that grows keeps its proportion to that.

    Args:
        params: Of the study.
        size: What the first key becomes.

    Raises:
        ParamsError: If a key is none that can grow, or would not stay a whole number.
    """
    content, keys = params.model_dump(mode="json"), params.transfer.keys
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ParamsError(f"transfer.vary: names {shown(twice)} twice; name each key once.")
    content["transfer"] = RateTransfer().model_dump(mode="json")
    content["tune"]["retunes"] = 0  # how far an answer depends on the seeds, intervals say here
    places = {key: _place(params, content, key) for key in keys}
    place, name = places[keys[0]]
    first = _numbers(keys[0], place[name])[0]
    for key, (place, name) in places.items():
        grown = [Fraction(size * one, first) for one in _numbers(key, place[name])]
        if any(one.denominator > 1 for one in grown):
            raise ParamsError(
                f"transfer.sizes: at {keys[0]} = {size}, {key} would be no whole number: it keeps "
                f"its proportion and is {shown(place[name])} at {first}. Choose other sizes, or "
                "another value there."
            )
        whole = list(map(int, grown))
        place[name] = whole if isinstance(place[name], list) else whole[0]
    try:
        return Params.model_validate_json(json.dumps(content))
    except ValidationError as error:
        found = few([explain(one, Params).rstrip(".") for one in error.errors()])
        raise ParamsError(f"transfer: at {keys[0]} = {size}, {found}.") from None


def _place(params: Params, content: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Return the mapping that holds a key of `params.yaml`, and its name there.

    Raises:
        ParamsError: If there is none, or none that can grow.
    """
    section, *path = key.split(".")
    own = params.loop is not None
    if own:
        known = section == "training" and path[:1] == ["options"] and len(path) > 1
    else:
        known = (section == "model" and bool(path)) or key == "training.epochs"
    if not known:
        can = "one of training.options" if own else "one of model, or training.epochs"
        raise ParamsError(
            f"transfer.vary: received {shown(key)}, which cannot grow. Name a key that can: {can}."
        )
    place: Any = content["loop" if own else section]
    for part in path[:-1]:
        place = _inside(place, part, key)
    _inside(place, path[-1], key)
    return place, path[-1]


def _inside(place: object, part: str, key: str) -> object:
    known = place if isinstance(place, dict) else {}
    if part not in known:
        raise ParamsError(
            f"transfer.vary: there is no {shown(key)} in the parameters."
            f"{did_you_mean(part, list(known))} What grows has to stand there, as the main study "
            "has it."
        )
    return known[part]


def _numbers(key: str, value: object) -> list[int]:
    """Return what a key holds, one number or several.

    Raises:
        ParamsError: If it is something else.
    """
    given: list[object] = value if isinstance(value, list) else [value]
    numbers = [one for one in given if isinstance(one, int) and one is not True and one > 0]
    if numbers and len(numbers) == len(given):
        return numbers
    raise ParamsError(
        f"transfer.vary: {key} is {shown(value)}, which cannot grow; name a key that holds a whole "
        "number, or a list of them."
    )
