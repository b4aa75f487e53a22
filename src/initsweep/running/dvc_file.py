"""The stages of a `dvc.yaml` with what they depend on, as DVC will hash it."""

import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from initsweep.core.yaml_files import read_yaml

PARAMS = "params.yaml"
_REFERENCE = re.compile(r"\$\{([\w.-]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage; paths are relative to the working directory.

    Attributes:
        name: As DVC has it, `tune@he_normal` or `claims/dvc.yaml:page`.
        deps: Files and folders that it reads.
        params: Dotted keys that it reads, by parameter file.
        outs: Files and folders that it writes.
        command: What runs it.
        always: Whether it runs every time.
    """

    name: str
    command: str
    always: bool
    deps: tuple[str, ...]
    params: Mapping[str, tuple[str, ...]]
    outs: tuple[str, ...]


def read_stages(file: Path) -> dict[str, Stage]:
    """Return all stages of a `dvc.yaml` by name, those of a matrix one by one, in its order.

    Nothing is returned where there is no such file, or other things than DVC takes: it says why.

    Raises:
        ParamsError: If it or the parameters are no YAML.
    """
    try:
        content = read_yaml(file)
        shared = {
            key: value
            for name in [PARAMS, *content.get("vars", [])]
            if (place := file.parent / name).exists()
            for key, value in read_yaml(place).items()
        }
        stages = [
            _stage(file, name, written, shared | {"item": item})
            for name, written in content["stages"].items()
            for item in _items(written, shared)
        ]
    except (OSError, LookupError, TypeError, AttributeError):
        return {}
    return {stage.name: stage for stage in stages}


def kind_of(name: str) -> str:
    """Return what the stages of a matrix have in common in their names, `tune` of `tune@he`."""
    return name.partition("@")[0]


def upstream(stages: Mapping[str, Stage], targets: Sequence[str]) -> list[str]:
    """Return the names of the stages that targets need, themselves included.

    Args:
        stages: All of them, each after those that it depends on.
        targets: Names as given to `dvc repro`, `tune` for all of a matrix; all stages for none.
    """
    if not targets:
        return list(stages)
    needed: dict[str, Stage] = {}
    for stage in reversed(list(stages.values())):
        asked = {stage.name, kind_of(stage.name)} & {*targets}
        if asked or any(_feeds(stage, later) for later in needed.values()):
            needed[stage.name] = stage
    return list(reversed(needed))


def _items(written: Mapping[str, Any], shared: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the values of a matrix, one mapping per stage; one without values for no matrix."""
    matrix = {name: _value(values, shared) for name, values in written.get("matrix", {}).items()}
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def _stage(file: Path, name: str, written: Mapping[str, Any], known: Mapping[str, Any]) -> Stage:
    folder = file.parent / written.get("wdir", ".")

    def paths(entries: Iterable[object]) -> tuple[str, ...]:
        names = (next(iter(one)) if isinstance(one, Mapping) else one for one in entries)
        return tuple(os.path.normpath(folder / str(_value(one, known))) for one in names)

    ending = "".join(f"-{value}" for value in known["item"].values())
    prefix = "" if file.parent == Path() else f"{file.as_posix()}:"
    return Stage(
        name=f"{prefix}{name}{ending.replace('-', '@', 1)}",
        command=str(_value(written.get("cmd", ""), known)),
        always=bool(written.get("always_changed")),
        deps=paths(written.get("deps", [])),
        params=_params(written.get("params", []), folder, known),
        outs=paths([*written.get("outs", []), *written.get("metrics", [])]),
    )


def _params(
    written: Sequence[object], folder: Path, known: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for entry in written:
        keys = entry.items() if isinstance(entry, Mapping) else [(PARAMS, [entry])]
        for file, names in keys:
            place = os.path.normpath(folder / file)
            found.setdefault(place, []).extend(str(_value(one, known)) for one in names)
    return {file: tuple(names) for file, names in found.items()}


def _value(written: object, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - YAML is untyped
    """Return a value of the file with its references to parameters replaced."""
    if not isinstance(written, str):
        return written
    if whole := _REFERENCE.fullmatch(written):
        return _at(whole[1], known)
    return _REFERENCE.sub(lambda match: str(_at(match[1], known)), written)


def _at(key: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
    value: Any = known
    for part in key.split("."):
        value = value[part]
    return value


def _feeds(stage: Stage, later: Stage) -> bool:
    """Return whether a stage writes what a later one reads, or a part of it."""
    pairs = itertools.product(map(Path, stage.outs), map(Path, later.deps))
    return any(out.is_relative_to(dep) or dep.is_relative_to(out) for out, dep in pairs)
