"""Holds a stage to the inputs that it began with.

DVC hashes parameters and dependencies when a stage has ended, and the stage reads them when it
begins. What is edited in between would be recorded as if the results came from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from initsweep.core.counted import counted, dvc_hash
from initsweep.core.errors import ArtifactError, ParamsError, few
from initsweep.core.params import fingerprint
from initsweep.core.yaml_files import read_yaml
from initsweep.running.dvc_file import Stage, read_stages
from initsweep.running.edited import change_in_words, differing, value_at

_held: "_Inputs | None" = None


@contextmanager
def held(file: Path, name: str) -> Iterator[Stage | None]:
    """Fail if what a stage depends on changes while the block runs.

    Args:
        file: The `dvc.yaml` that has the stage; without one nothing is recorded, nor held.
        name: The stage as DVC calls it.

    Yields:
        The stage, once its inputs have been looked at; None where there is none of that name.

    Raises:
        ArtifactError: Naming what has changed.
    """
    global _held
    stage = read_stages(file).get(name)
    _held = None if stage is None else _Inputs(stage)
    try:
        yield stage
        check()
    finally:
        _held = None


def check() -> None:
    """Fail if what the stage depends on has changed since it began; call it before writing.

    Raises:
        ArtifactError: Naming what has changed.
    """
    if _held is not None and (changed := _held.changed()):
        raise ArtifactError(
            f"While {_held.name} ran, its inputs were edited: {few(changed, between='; ')}. Its "
            "results would be kept as if they came from these, so they are not kept. Run again: "
            "what was computed from the same inputs goes on from there."
        )


def fingerprint_of(stage: Stage) -> str:
    """Return a hash of all that the results of a stage come from, as DVC sees it."""
    hashes = {dep: dvc_hash(Path(dep)) for dep in stage.deps}
    return fingerprint([stage.command, _params(stage), hashes])


class _Inputs:
    def __init__(self, stage: Stage) -> None:
        self.name, self._stage = stage.name, stage
        self._files, self._params = _files(stage), _params(stage)

    def changed(self) -> list[str]:
        """Return what is not as it was, for a person."""
        files, params = _files(self._stage), _params(self._stage)
        places = sorted({place for place, _ in files.items() ^ self._files.items()})
        return [f"'{place}'" for place in places] + [
            change_in_words(inner, *values)
            for key, before in self._params.items()
            for inner, values in differing(key, before, params[key]).items()
        ]


def _params(stage: Stage) -> dict[str, object]:
    """Return the values that the stage reads, by file and key; none of a file being written."""
    found: dict[str, object] = {}
    for file, keys in stage.params.items():
        content = None
        with suppress(OSError, ParamsError):
            content = read_yaml(Path(file))
        found |= {f"{file}: {key}": value_at(content, key) for key in keys}
    return found


def _files(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file that the stage depends on."""
    stats = {file: file.stat() for dep in stage.deps for file in counted(Path(dep))}
    return {file.as_posix(): (stat.st_size, stat.st_mtime_ns) for file, stat in stats.items()}
