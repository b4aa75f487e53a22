"""Makes the folder of a new study: data, parameters, pipeline, git and DVC."""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from initsweep.core import artifacts, part_hashes
from initsweep.core.counted import is_made
from initsweep.core.errors import ArtifactError
from initsweep.core.part_hashes import TEMPLATE
from initsweep.starting.data_source import Source
from initsweep.starting.pipeline import study_pipeline

RAW = Path("data/raw")
OWN = Path("own")
"""What `own_code` is in a new study."""

IN_TURN = """
import gc, json, sys
gc.disable()
from dvc.cli import main
sys.exit(next(filter(None, (main([*one, "--quiet"]) for one in json.loads(sys.argv[1]))), 0))
"""
"""Runs commands of DVC until one fails; too short a time to look for garbage in what it imports."""


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder and work in it; if that fails, leave things as they were.

    Yields:
        The folder, absolute.

    Raises:
        ArtifactError: If there is something there already.
    """
    folder = folder.absolute()
    existed = folder.exists()
    if existed and (not folder.is_dir() or any(folder.iterdir())):
        raise ArtifactError(f"'{folder}' is there already and not empty; name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"'{folder}' cannot be made: {error.strerror}.") from None
    try:
        with contextlib.chdir(folder):
            yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir()
        raise


def lay_out(source: Source, code: Sequence[Path], *, copy: bool) -> str:
    """Put data, code and pipeline into the working directory.

    Args:
        source: The data.
        code: The user's own modules, which are copied into `own/`.
        copy: Whether the data are copied.

    Returns:
        What `data.watch` should be.
    """
    RAW.mkdir(parents=True)
    (RAW / ".gitkeep").touch()
    for name, target in (
        ("gitignore", ".gitignore"),
        ("dvcignore", ".dvcignore"),
        ("decisions.md", "decisions/README.md"),
        ("own.md", f"{OWN}/README.md"),
        ("transfer.md", f"{artifacts.TRANSFER}/README.md"),
    ):
        Path(target).parent.mkdir(exist_ok=True)
        shutil.copyfile(TEMPLATE / name, target)
    for path in code:
        _copy(path, OWN / path.name)
    Path("dvc.yaml").write_text(study_pipeline(), encoding="utf-8")
    part_hashes.write()
    if source.all_files and not copy:
        return os.path.relpath(os.path.commonpath(source.all_files))
    for file in source.all_files:
        _copy(file, RAW / file.name)
    return RAW.as_posix()


def start_versioning(data: list[Path]) -> list[str]:
    """Make the working directory a project of git and DVC, and track the data.

    It becomes a repository of its own unless it lies in one that would take its files. What is
    staged there stays as it was.

    Returns:
        What was initialized.

    Raises:
        ArtifactError: If git or DVC fail.
    """
    done, tracked = [], [["add", *map(str, data)]] if data else []
    if _succeeds("git", "rev-parse", "--is-inside-work-tree") and not _succeeds(
        "git", "check-ignore", "--quiet", "."
    ):
        _dvc(["init", "--subdir"], *tracked)
        _run("git", "reset", "--quiet", "--", ".")
    else:
        _run("git", "init", "--quiet")
        _dvc(["init"], *tracked)
        done.append("git")
    done.append("DVC")
    (Path(".dvc") / "config").write_text("[core]\n    analytics = false\n", encoding="utf-8")
    shutil.copytree(TEMPLATE / "plots", ".dvc/plots", dirs_exist_ok=True)
    return done


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, ignore=lambda _, names: {*filter(is_made, names)})
    else:
        shutil.copyfile(path, target)


def _succeeds(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        raise ArtifactError(f"There is no program '{command[0]}'; install it.") from None


def _dvc(*commands: Sequence[str]) -> None:
    """Run commands of DVC in one process: importing it takes longer than they do."""
    called = " && ".join(shlex.join(["dvc", *command]) for command in commands)
    _run(sys.executable, "-P", "-c", IN_TURN, json.dumps(commands), called=called)


def _run(*command: str, called: str = "") -> None:
    # Nor does DVC tell its makers of a new study, before its configuration says so.
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except FileNotFoundError:
        raise ArtifactError(f"There is no program '{command[0]}'; install it.") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise ArtifactError(f"`{called or shlex.join(command)}` failed: {said[:400]}")
