"""Finds laws by name, and says what they are called elsewhere."""

import textwrap

from initsweep.core.errors import UnknownNameError
from initsweep.core.registry import did_you_mean
from initsweep.initializers import INITIALIZERS
from initsweep.naming.framework_names import LAWS, NAMED, TRAPS, Framework, Named

_WIDTH = 100
_IN_PLACE: tuple[Framework, ...] = ("torch", "timm")
_PREFIXES: dict[str, Framework] = {
    "torch": "torch", "init": "torch", "keras": "keras", "tf": "keras", "tensorflow": "keras",
    "jax": "jax", "flax": "jax", "linen": "jax", "nnx": "jax", "haiku": "haiku", "hk": "haiku",
    "timm": "timm", "initsweep": "initsweep",
}  # fmt: skip
"""Parts of a dotted path that tell the framework: `nn.init`, `keras.initializers`."""


def meanings(name: str) -> dict[str, list[Framework]]:
    """Return the laws that a name stands for, each with the frameworks where it does.

    Args:
        name: As written in any framework: "HeNormal", "kaiming_normal_", "he_normal". A dotted
            one, "keras.initializers.HeNormal", is asked of that framework alone.

    Raises:
        UnknownNameError: If no framework has it, or the one it is asked of has not.
    """
    found = _everywhere(name)
    framework = framework_of(name)
    if framework is None:
        return found
    there = {law: [framework] for law, where in found.items() if framework in where}
    if not there:
        others = ", ".join(dict.fromkeys(one for where in found.values() for one in where))
        raise UnknownNameError(
            f"Nothing is known of '{plain(name)}' in {framework}, but in {others}: leave out "
            f"'{name.partition('(')[0].rpartition('.')[0]}'."
        )
    return there


def framework_of(name: str) -> Framework | None:
    """Return the framework that a dotted name belongs to, None if it does not say."""
    path = name.partition("(")[0].split(".")[:-1]
    return next((_PREFIXES[part] for part in path if part in _PREFIXES), None)


def called_here(name: str) -> str:
    """Return a sentence on what a name of other frameworks is called here, "" if none has it."""
    try:
        found = meanings(name)
    except UnknownNameError:
        return ""
    # Functions of torch and timm that fill in place end in "_".
    in_place = name.partition("(")[0].endswith("_") and framework_of(name) is None
    narrow = {law: [one for one in where if one in _IN_PLACE] for law, where in found.items()}
    if in_place and any(narrow.values()):
        found = {law: where for law, where in narrow.items() if where}
    laws = {law: where for law, where in found.items() if law in INITIALIZERS.names()}
    more = f" `initsweep names {plain(name)}` says more."
    if not laws:
        return (
            f"'{name}' is {' or '.join(LAWS[law] for law in found)}, which has no name here.{more}"
        )
    if len(found) == 1:
        return f"'{name}' is called '{next(iter(laws))}' here."
    each = (f"'{law}' (so in {', '.join(dict.fromkeys(where))})" for law, where in laws.items())
    return f"'{name}' is called {' or '.join(each)} here.{more}"


def _everywhere(name: str) -> dict[str, list[Framework]]:
    wanted = plain(name)
    found: dict[str, list[Framework]] = {}
    if wanted in INITIALIZERS.names() and wanted in LAWS:
        found[wanted] = ["initsweep"]
    for one in NAMED:
        if wanted in map(plain, one.names):
            found.setdefault(one.law, []).append(one.framework)
    if not found:
        known = sorted({plain(n) for one in NAMED for n in one.names} | set(LAWS))
        raise UnknownNameError(
            f"No framework has an initializer '{name}' that is known here."
            f"{did_you_mean(wanted, known)} Known: {', '.join(known)}."
        )
    return found


def plain(name: str) -> str:
    """Return a name without what frameworks put around it: "HeNormal" and "he_normal_" agree."""
    name = name.partition("(")[0].rpartition(".")[2].strip("_")
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return words.lower().strip("_").replace("__", "_")


def spellings(law: str) -> list[Named]:
    """Return how each framework writes a law, ours first."""
    ours = [Named("initsweep", law, law, (law,))] if law in INITIALIZERS.names() else []
    return [*ours, *(one for one in NAMED if one.law == law)]


def page(name: str) -> str:
    """Return what is known about a name, for a terminal.

    Raises:
        UnknownNameError: If no framework has it.
    """
    found = meanings(name)
    several = f"'{name}' means {len(found)} laws." if len(found) > 1 else f"'{name}' is one law."
    blocks = [several, *(_block(law, where) for law, where in found.items())]
    traps = [trap for laws, trap in TRAPS if set(laws) & set(found)]
    if traps:
        blocks.append("\n".join(["Beware:", *map(_item, traps)]))
    return "\n\n".join(blocks)


def overview() -> str:
    """Return all laws, one per line, and all traps."""
    laws = [f"{law:26} {formula}" for law, formula in LAWS.items()]
    traps = [_item(trap) for _, trap in TRAPS]
    head = "n: fan_in, m: fan_out. `initsweep names NAME` says what each framework calls a law."
    return "\n".join([head, "", *laws, "", "Beware:", *traps])


def _block(law: str, where: list[Framework]) -> str:
    lines = [f"{law}: {LAWS[law]}", f"  so called in {', '.join(dict.fromkeys(where))}"]
    for one in spellings(law):
        lines += textwrap.wrap(
            one.call, _WIDTH, initial_indent=f"  {one.framework:10}", subsequent_indent=" " * 12
        )
    return "\n".join(lines)


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")
