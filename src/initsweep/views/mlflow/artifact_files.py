"""What lies among the artifacts of runs and models, so that what people delete is put back."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

_RUN, _MODEL = 3, 4  # folders between an artifact folder and the one that holds all experiments


def sizes(folder: Callable[[str | None], Iterable[Any]], path: str | None = None) -> dict[str, int]:
    """Return the files in a folder of artifacts and below, with their sizes in bytes.

    Args:
        folder: Lists the entries at a path, as `MlflowClient` does for a run or a model.
        path: Where to start; the whole if there is none.
    """
    found: dict[str, int] = {}
    for entry in folder(path):
        found |= sizes(folder, entry.path) if entry.is_dir else {entry.path: entry.file_size}
    return found


def local_folder(uri: str) -> Path | None:
    """Return where artifacts lie on this machine; None if they lie elsewhere."""
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    if not is_local_uri(uri):  # type: ignore[no-untyped-call]
        return None
    return Path(local_file_uri_to_path(uri))  # type: ignore[no-untyped-call]


def within_reach(uri: str, artifact_root: str | None) -> bool:
    """Return whether artifacts that are missing here may be put back.

    Those of a study that was moved, or of a server that keeps them on a disk of its own, are at an
    address that means nothing on this machine.

    Args:
        uri: The artifacts of a run or a model.
        artifact_root: Where this study keeps its own.
    """
    folder = local_folder(uri)
    if folder is None or (artifact_root is not None and uri.startswith(f"{artifact_root}/")):
        return True
    above = _MODEL if folder.parent.parent.name == "models" else _RUN
    return any(parent.is_dir() for parent in list(folder.parents)[:above])


def walk(folders: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change of every file below folders of this machine."""
    for folder in folders:
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                stat = file.stat()
                yield str(file), stat.st_size, stat.st_mtime_ns
