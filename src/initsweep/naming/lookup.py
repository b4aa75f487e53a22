"""Finds laws by name, and says what they are called elsewhere."""

import textwrap

from initsweep.errors import UnknownNameError
from initsweep.initializers import INITIALIZERS
from initsweep.naming.table import LAWS, NAMED, TRAPS, Framework, Named
from initsweep.registry import did_you_mean

_WIDTH = 100


def meanings(name: str) -> dict[str, list[Framework]]:
    """Return the laws that a name stands for, each with the frameworks where it does.

    Args:
        name: As written in any framework: "HeNormal", "kaiming_normal_", "he_normal".

    Raises:
        UnknownNameError: If no framework has it.
    """
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
    name = name.rpartition(".")[2].partition("(")[0].strip("_")
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
