"""What is wrong with a file, gathered, so that one message names all of it with what helps."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from initsweep.core.errors import DataError, few
from initsweep.core.params import Table as Settings
from initsweep.datasets.opening import is_packed

FEW_ROWS = 20
MOST_SAID = 8
"""Of faults, in full; what helps against the others is said with them."""


class FaultError(DataError):
    """One fault of a file.

    Attributes:
        sets: Keys of `data.table` with which the file is read all the same.
        run: A command for the shell that writes a file which is read.
        rows: The rows that it is about, if they are few.
    """

    def __init__(
        self,
        said: str,
        *,
        sets: Mapping[str, object] | None = None,
        run: str = "",
        rows: Sequence[int] = (),
    ) -> None:
        super().__init__(said)
        self.sets, self.run = sets or {}, run
        self.rows = tuple(rows) if len(rows) <= FEW_ROWS else ()


def refuse_all(
    faults: Sequence[DataError], path: str, names: Sequence[str], options: Settings
) -> None:
    """Say everything that is wrong with a table of these columns, and what reads it.

    Raises:
        DataError: If there are faults.
    """
    if not faults:
        return
    said = str(faults[0])
    if len(faults) > 1:
        numbered = [f"({number}) {one}" for number, one in enumerate(faults, 1)]
        said = f"{len(faults)} faults. {few(numbered, MOST_SAID, ' ')}"
        said += "." * (len(faults) > MOST_SAID)
    known = [one for one in faults if isinstance(one, FaultError)]
    remedies = [f"run {one.run} and name the new file instead" for one in known if one.run]
    if wanted := _settings(known, names, options):
        told = (f"`data.table.{k}: {json.dumps(v, ensure_ascii=False)}`" for k, v in wanted.items())
        remedies.append(f"set {', '.join(told)}")
    features = len(names) - (1 if options.split_column is None else 2)
    if len(wanted.get("drop", ())) >= features:
        said += " Without these columns, no feature is left."
    elif remedies:
        said += f" To read it all the same, {', then '.join(remedies)}."
    raise DataError(said if path in said else f"'{path}': {said}")


def _settings(
    faults: Sequence[FaultError], names: Sequence[str], options: Settings
) -> dict[str, Any]:
    """Return what is to be set, lists last and joined with what is set already."""
    wanted: dict[str, Any] = {}
    for key, value in (pair for one in faults for pair in one.sets.items()):
        if not isinstance(value, list):
            wanted[key] = value
            continue
        if key == "drop":  # a name that is a number could be a position
            value = [names.index(n) - len(names) if n.isdecimal() else n for n in value]
        before = wanted.get(key, getattr(options, key))
        before = () if isinstance(before, str) else before
        wanted[key] = list(dict.fromkeys([*before, *value]))
    return dict(sorted(wanted.items(), key=lambda pair: isinstance(pair[1], list)))


def command(path: Path, filters: Sequence[str], stem: str = "clean", suffix: str = "") -> str:
    """Return a command for the shell, in backticks, that writes a file as some filters make it."""
    file, name = shlex.quote(str(path)), Path(path.name.removesuffix(".gz"))
    stem += "er" * (name.stem == stem)  # never onto the file itself
    first = [f"gzip -dc {file}", filters[0]] if is_packed(path) else [f"{filters[0]} {file}"]
    return f"`{' | '.join([*first, *filters[1:]])} > {stem}{suffix or name.suffix or '.csv'}`"
