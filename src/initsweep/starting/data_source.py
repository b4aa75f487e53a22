"""From what stands behind `--data` to `data.source` and the files to copy."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from initsweep.core.errors import DataError
from initsweep.core.params import OWN_DATA
from initsweep.core.registry import did_you_mean
from initsweep.core.user_files import checked
from initsweep.datasets import DATASETS
from initsweep.datasets.fetching import RAW, stem_of
from initsweep.datasets.file_kinds import HEAD_BYTES, kind_of
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.opening import is_packed
from initsweep.datasets.readers import READERS

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet", ".npz": "npz"}
SUFFIXES |= {".arff": "arff", ".json": "json", ".jsonl": "json", ".ndjson": "json"}
FETCHED = ("openml", "sklearn")
TABLES = ("csv", "tsv", "parquet", "arff", "json")
IDX = re.compile(r"idx\d-ubyte|\.idx$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a study is about.

    Attributes:
        kind: A format ("csv"), or "" for a data set by name.
        location: What stands behind the colon, or the name.
        files: The files to copy, absolute.
        test: A second file, whose rows are the test rows, absolute.
    """

    kind: str
    location: str
    files: tuple[Path, ...]
    test: Path | None = None

    @property
    def is_table(self) -> bool:
        """Whether it has columns, so that a target can be named."""
        return self.kind in TABLES

    @property
    def all_files(self) -> tuple[Path, ...]:
        """The data's and the test rows'."""
        return self.files if self.test is None else (*self.files, self.test)

    def named(self, folder: Path | None) -> str:
        """Return `data.source`, the files lying in `folder`, or where they are for None."""
        if not self.kind:
            return self.location
        if self.kind in FETCHED:
            return f"{self.kind}:{self.location}"
        places = [file if folder is None else folder / file.name for file in self.files]
        return f"{self.kind}:{','.join(map(str, places))}"


NOTHING = Source(kind="", location=OWN_DATA, files=())
"""Where a training function brings the data."""


def find_source(text: str) -> Source:
    """Return what `--data` means: files, FORMAT:LOCATION, a data set's name or a function.

    Raises:
        DataError: If there is no such file, or its name does not say what it is.
    """
    kind, colon, location = text.partition(":")
    if colon and kind in READERS.names():
        return _of_kind(kind, location)
    paths = [Path(part.strip()) for part in text.split(",")]
    if text in DATASETS.names() and not paths[0].exists():
        return Source(kind="", location=text, files=())
    if colon and not paths[0].exists():
        return Source(kind="", location=text, files=())
    if not paths[0].exists() and not paths[0].suffix:
        names = [*DATASETS.names(), *(f"{name}:..." for name in READERS.names())]
        raise DataError(
            f"--data: '{text}' is neither a file nor a data set.{did_you_mean(text, names)} "
            f"Known: {', '.join(names)}."
        )
    return _of_kind(_kind_of(paths), text)


def _of_kind(kind: str, location: str) -> Source:
    if kind in FETCHED:
        stem = stem_of(kind, location)
        here = sorted(path.resolve() for path in RAW.glob(f"{stem.name}.*"))
        return Source(kind=kind, location=location, files=tuple(here))
    paths = READERS.get(kind).files(location)
    files = (existing(path, "--data", is_folder=kind == "images") for path in paths)
    return Source(kind=kind, location=location, files=tuple(files))


def existing(path: Path, option: str, *, is_folder: bool = False) -> Path:
    """Return the absolute path of a file that is there, or of a folder if it may be one.

    Raises:
        DataError: If it is not.
    """
    if not path.exists():
        raise DataError(f"{option}: there is no file '{path}' in {Path.cwd()}.")
    return (path if is_folder and path.is_dir() else checked(path, option)).resolve()


def with_test(source: Source, file: Path | None) -> Source:
    """Return the data with a file of test rows.

    Raises:
        DataError: If files of one name would be copied into one folder, or git could not be told
            to leave one alone.
    """
    source = replace(source, test=file)
    names = [one.name for one in source.all_files]
    if broken := [name for name in names if len(name.splitlines()) > 1]:
        raise DataError(
            f"--data: the name of {quoted(broken[0])} has a line end, which .gitignore cannot "
            "hold; rename it."
        )
    if repeated := {name for name in names if names.count(name) > 1}:
        raise DataError(
            f"--data: two files are called {repeated.pop()}, and both are copied into one folder; "
            "rename one."
        )
    return source


def _kind_of(paths: list[Path]) -> str:
    """Return the format of files by their names.

    Raises:
        DataError: If a name says none.
    """
    first = paths[0]
    if first.is_dir():
        return "images"
    suffix = Path(first.name.removesuffix(".gz")).suffix.lower()
    if IDX.search(first.name.removesuffix(".gz")):
        return "idx"
    if suffix == ".npy":
        return "npy"
    if suffix not in SUFFIXES:
        existing(first, "--data")
        with first.open("rb") as stream:
            content = kind_of(first, stream.read(HEAD_BYTES))
        if content is not None and not is_packed(first):  # packed text is read as it is
            told = content.replace("Set data.source: ", "Set --data ")
            raise DataError(f"--data: '{first}' looks like {told}")
        known = ", ".join(f"{name}:{reader.form}" for name, reader in READERS)
        raise DataError(f"--data: '{first}' could be anything; say what it is, as in {known}.")
    return SUFFIXES[suffix]
