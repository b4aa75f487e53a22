"""Holds a stage to the inputs that it began with.

DVC hashes parameters and dependencies when a stage has ended, and the stage reads them when it
begins. What is edited in between would be recorded as if the results came from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initsweep.errors import ArtifactError, ParamsError
from initsweep.running.counted import counted
from initsweep.running.dvc_file import PARAMS, Stage, read_stages
from initsweep.running.edited import differing, told, value_at
from initsweep.yaml_files import parse_yaml

_FEW = 3
_held: list["_Inputs"] = []


@contextmanager
def held(file: Path, name: str) -> Iterator[None]:
    """Fail if what a stage depends on changes while the block runs.

    Args:
        file: The `dvc.yaml` that has the stage; without one nothing is recorded, nor held.
        name: The stage as DVC calls it.

    Yields:
        Nothing, once the inputs have been looked at.

    Raises:
        ArtifactError: Naming what has changed.
    """
    stage = read_stages(file).get(name)
    if stage is None:
        yield
        return
    _held.append(_Inputs(stage))
    try:
        yield
        check()
    finally:
        _held.pop()


def check() -> None:
    """Fail if what the stage depends on has changed since it began; call it before writing.

    Raises:
        ArtifactError: Naming what has changed.
    """
    for inputs in _held:
        if changed := inputs.changed():
            more = f" and {len(changed) - _FEW} more" if len(changed) > _FEW else ""
            raise ArtifactError(
                f"While {inputs.name} ran, its inputs were edited: {'; '.join(changed[:_FEW])}"
                f"{more}. Its results would be kept as if they came from these, so they are not "
                "kept. Run again: what was computed from the same inputs goes on from there."
            )


class _Inputs:
    def __init__(self, stage: Stage) -> None:
        self.name, self._stage = stage.name, stage
        self._files, self._params = _files(stage), _texts(stage)

    def changed(self) -> list[str]:
        """Return what is not as it was, for a person."""
        now = _files(self._stage)
        places = sorted(
            place for place in {*now, *self._files} if now.get(place) != self._files.get(place)
        )
        return [f"'{place}'" for place in places] + self._changed_params()

    def _changed_params(self) -> list[str]:
        now = _texts(self._stage)
        edited = [file for file, text in self._params.items() if text != now.get(file)]
        return [
            told(f"{file}: {inner}", *values)
            for file in edited
            for before, after in [(_content(self._params[file]), _content(now.get(file, b"")))]
            for key in self._stage.params[file]
            for inner, values in differing(key, value_at(before, key), value_at(after, key)).items()
        ]


def _texts(stage: Stage) -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in stage.params if Path(name).is_file()}


def _content(text: bytes) -> object:
    """Return what stands in a parameter file; nothing for one that is being written."""
    try:
        return parse_yaml(text, PARAMS)
    except ParamsError:
        return None


def _files(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file that the stage depends on."""
    stats = {file: file.stat() for dep in stage.deps for file in counted(Path(dep))}
    return {file.as_posix(): (stat.st_size, stat.st_mtime_ns) for file, stat in stats.items()}
