"""What stands in `dvc.lock`, here and in the last commit, read without DVC."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from initsweep.core.errors import ArtifactError, ParamsError
from initsweep.core.yaml_files import MOST_OF_DVC, content_of, parse_yaml
from initsweep.running import git
from initsweep.running.quick_yaml import read_plain

LOCK = Path("dvc.lock")
_FAR = 50  # commits to look for a lock in
_MARKS = (b"<<<<<<<", b"=======", b">>>>>>>")
_UNREADABLE = (ParamsError, TypeError, KeyError)


def check_locks() -> None:
    """Refuse locks with conflict marks: DVC reads those of claims, too, whatever it is to run."""
    for file in filter(Path.is_file, (LOCK, *Path("claims").glob(f"**/{LOCK}"))):
        if _marked(file.read_bytes()):  # to read all of it would take a second
            read_lock(file)


def read_lock(file: Path = LOCK) -> dict[str, Any]:
    """Return what stands in a lock by stage, not to be changed; nothing if there is none.

    Raises:
        ArtifactError: If it cannot be read.
    """
    if not file.is_file():
        return {}
    content = content_of(file, MOST_OF_DVC)
    try:
        return _stages(content, file)
    except _UNREADABLE as error:
        marks = _marked(content)
        said = str(error).rstrip(".") if isinstance(error, ParamsError) else "it is not DVC's"
        reason = f"git's conflict marks in line {marks[0]}" if marks else said
        command = "repro" if file == LOCK else "claims"
        raise ArtifactError(
            f"'{file}' cannot be read: {reason}. {_remedy(file)}, then `initsweep {command}` runs "
            "what does not fit it."
        ) from None


def _marked(content: bytes) -> list[int]:
    """Return the lines with git's conflict marks, from 1."""
    return [n for n, line in enumerate(content.split(b"\n"), 1) if line[:7] in _MARKS]


def _remedy(file: Path) -> str:
    """Return how to get a lock that can be read, be the conflict committed or not."""
    for commit in git.output_of("log", "--format=%h", f"-{_FAR}", "--", str(file)).decode().split():
        with suppress(*_UNREADABLE):
            _stages(git.output_of("show", f"{commit}:./{file}"), file)
            return f"Take the last one that can, `git checkout {commit} -- {file}`"
    return f"Remove it, `rm {file}`"


def committed_lock() -> dict[str, Any]:
    """Return what stands by stage in the `dvc.lock` of the last commit, not to be changed.

    Nothing is there to tell where it is the one that lies here, is missing or cannot be read.
    """
    committed = git.output_of("show", f"HEAD:./{LOCK}")
    if not LOCK.is_file() or committed != LOCK.read_bytes():
        with suppress(*_UNREADABLE):
            return _stages(committed, LOCK)
    return {}


def other_results(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Return the stages whose results differ although nothing that they come from does.

    Of one without dependencies, such as `versions`, the lock does not say what it comes from.
    """
    return [
        name
        for name, stage in now.items()
        if name in then
        and stage.get("deps")
        and stage.get("outs") != then[name].get("outs")
        and all(stage.get(key) == then[name].get(key) for key in ("cmd", "deps", "params"))
    ]


def _stages(content: bytes, file: Path) -> dict[str, Any]:
    if (lock := read_plain(content)) is None:
        lock = parse_yaml(content, str(file), MOST_OF_DVC)
    return {name: {**stage} for name, stage in {**lock["stages"]}.items()}
