"""How two states of a parameter file differ."""

from collections.abc import Mapping


class _Missing:
    """What stands for a value that is not there; it equals nothing else."""

    def __repr__(self) -> str:
        return "nothing"


_MISSING = _Missing()


def value_at(content: object, key: str) -> object:
    """Return the value at a dotted key; a value that equals nothing else if it is missing."""
    for name in key.split("."):
        if not isinstance(content, Mapping) or name not in content:
            return _MISSING
        content = content[name]
    return content


def differing(key: str, then: object, now: object) -> dict[str, tuple[object, object]]:
    """Return the values below a key that differ, before and now, by dotted key, sorted."""
    if not (isinstance(then, Mapping) and isinstance(now, Mapping)):
        return {} if then == now else {key: (then, now)}
    return {
        inner: values
        for name in sorted({*then, *now}, key=str)
        for inner, values in differing(
            f"{key}.{name}", then.get(name, _MISSING), now.get(name, _MISSING)
        ).items()
    }


def change_in_words(key: str, then: object, now: object) -> str:
    """Return a difference for a person."""
    return f"{key} was {then!r} and is {now!r}"
