"""Reads and writes every file that one stage hands to the next, columns checked.

Tables are CSV files whose columns are the fields of a row type in `records`; single records are
JSON files. Bytes depend on content only: floats are rounded (`records.rounded`), so that they are
the same on other processors, and written with the shortest text that reads back to the same
number; keys and columns keep a fixed order, lines end as on Unix.
"""

import csv
import dataclasses
import functools
import hashlib
import io
import json
import shutil
import types
import typing
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from initsweep.core.errors import ArtifactError
from initsweep.core.records import rounded
from initsweep.core.writing import write_bytes as write_bytes
from initsweep.core.writing import write_text as write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)
else:
    Row = TypeVar("Row")

PREPARED = Path("data/prepared")
SCHEMA = PREPARED / "schema.json"
PREPROCESSING = PREPARED / "preprocessing.json"
DIAGNOSE = Path("results/diagnose")
SETTLE = Path("results/settle")
LOOKS = SETTLE / "looks.csv"
TRANSFER = Path("transfer")
COMPARE = Path("results/compare")
METRICS = Path("metrics.json")
REPORTS = Path("reports")
SCRATCH = Path("scratch")  # never a DVC out: unfinished work, safe to delete
RUN_NOW, RUN_OUTCOME = "now.json", "outcome.json"
"""In the folder of a run of an own loop: what it is at, for whoever watches; what came of it."""


def features_file(split: str) -> Path:
    """Return the file with the standardized features of one split."""
    return PREPARED / f"{split}_features.npy"


def targets_file(split: str) -> Path:
    """Return the file with the targets of one split."""
    return PREPARED / f"{split}_targets.npy"


def tune_folder(scheme: str) -> Path:
    """Return the folder of the tune stage's results for one scheme."""
    return Path("results/tune") / scheme


def size_folder(size: int, scheme: str) -> Path:
    """Return the folder with the tuning of one scheme at one size of the network."""
    return TRANSFER / "sizes" / str(size) / scheme


def target_folder(size: int, root: Path = Path()) -> Path:
    """Return the folder with what is predicted for a size."""
    return root / TRANSFER / "targets" / str(size)


def train_folder(scheme: str) -> Path:
    """Return the folder of the train stage's results for one scheme."""
    return Path("results/train") / scheme


def settle_folder(scheme: str) -> Path:
    """Return the folder of the settle stage's results for one scheme."""
    return SETTLE / scheme


def fresh_folder(scheme: str, root: Path = Path()) -> Path:
    """Return the folder with all fresh runs of a scheme: of `settle` where it has trained more."""
    settled = root / settle_folder(scheme)
    return settled if (settled / "record.json").exists() else root / train_folder(scheme)


def retune_folders(folder: Path, count: int | None = None) -> list[Path]:
    """Return the folders of a scheme's re-tunings inside its tune or train folder, first to last.

    Those that exist, or the first `count` ones.
    """
    if count is None:
        count = len(list(folder.glob("retune_*")))
    return [folder / f"retune_{number}" for number in range(1, count + 1)]


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Returns:
        Its content.

    Raises:
        ArtifactError: If the file is missing or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactError(_missing(path)) from None
    except UnicodeDecodeError as error:
        raise ArtifactError(f"'{path}' is damaged: {error}. Run `dvc repro` again.") from None


def write_rows(path: Path, rows: "Sequence[Row]", row_type: "type[Row]") -> None:
    """Write a table, one line per row, columns in the order of the row type's fields."""
    names = [field.name for field in dataclasses.fields(row_type)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_to_text(getattr(row, name)) for name in names] for row in rows)
    write_text(path, buffer.getvalue())


def read_rows(path: Path, row_type: "type[Row]") -> "list[Row]":
    """Read a table written by `write_rows`.

    Returns:
        The rows, in the order of the file.

    Raises:
        ArtifactError: If the file is missing, has other columns or a cell of the wrong type.
    """
    hints = typing.get_type_hints(row_type)
    names = [field.name for field in dataclasses.fields(row_type)]
    text = read_text(path)
    try:
        lines = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ArtifactError(f"'{path}' is damaged: {error}. Run `dvc repro` again.") from None
    if not lines or lines[0] != names:
        found = ", ".join(lines[0]) if lines else "nothing"
        raise ArtifactError(
            f"'{path}' should have the columns {', '.join(names)}; found {found}. "
            "It was written by another version: run `dvc repro`."
        )
    if not text.endswith("\n"):
        raise ArtifactError(f"'{path}' is cut short in line {len(lines)}. Run `dvc repro` again.")
    try:
        columns = [_typed(name, cells, hints[name]) for name, *cells in zip(*lines, strict=True)]
    except ValueError as error:
        raise ArtifactError(f"'{path}' is damaged: {error}. Run `dvc repro` again.") from None
    return [row_type(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def write_json(path: Path, value: object, *, exact: bool = False) -> None:
    """Write a dataclass or plain value as JSON. NaN and infinity are refused.

    Args:
        path: The file.
        value: What to write.
        exact: Whether to keep all digits of floats.
    """
    plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]
    content = plain if exact else _rounded(plain)
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> typing.Any:  # noqa: ANN401 - JSON is untyped by nature
    """Read a JSON file.

    Returns:
        Its content as plain Python values.

    Raises:
        ArtifactError: If the file is missing or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"'{path}' is damaged: {error}. Run `dvc repro` again.") from None


def read_record(path: Path, record_type: "type[Row]") -> "Row":
    """Read one record written by `write_json`, nested records and tuples included.

    Returns:
        The record.

    Raises:
        ArtifactError: If the file is missing or does not hold that record.
    """
    try:
        # JSON mode lets lists become tuples; everything else is strict.
        return TypeAdapter(record_type).validate_json(read_text(path), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ArtifactError(
            f"'{path}' does not hold a {record_type.__name__}: {where}: {first['msg'].lower()}. "
            "Run `dvc repro` again."
        ) from None


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a NumPy array as `.npy`."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_array(path: Path) -> np.ndarray:
    """Read a `.npy` file; pickled content is refused.

    Returns:
        The array.

    Raises:
        ArtifactError: If the file is missing or is not an array.
    """
    try:
        return typing.cast(np.ndarray, np.load(path, allow_pickle=False))
    except FileNotFoundError:
        raise ArtifactError(_missing(path)) from None
    except (ValueError, OverflowError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"'{path}' is damaged: {error}. Run `dvc repro` again.") from None


def remove_folder(folder: Path) -> None:
    """Remove scratch work that a finished stage no longer needs."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_file(file: Path) -> None:
    """Remove a file that results of another kind have, if it is there."""
    file.unlink(missing_ok=True)


def file_hash(paths: Sequence[Path]) -> str:
    """Return a short SHA-256 over names and contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}:{len(content)}:".encode() + content)
    return digest.hexdigest()[:16]


def _missing(path: Path) -> str:
    return (
        f"'{path}' is missing: run `dvc repro` to compute it, in the folder of the study; the "
        f"current folder is {Path.cwd()}."
    )


def _rounded(value: object) -> object:
    """Return a plain value with all floats in it rounded."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return rounded(value) if isinstance(value, float) else value


def _to_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(rounded(value)) if isinstance(value, float) else str(value)


@functools.cache
def _column_of(hint: typing.Any) -> TypeAdapter[list[typing.Any]]:  # noqa: ANN401 - any type
    return TypeAdapter(list[hint], config=ConfigDict(allow_inf_nan=False))


def _typed(name: str, cells: Sequence[str], hint: object) -> list[typing.Any]:
    """Return the cells of a column as its type; empty ones are None where that is allowed.

    Raises:
        ValueError: If one is of another type.
    """
    optional = types.NoneType in typing.get_args(hint)
    try:
        return _column_of(hint).validate_python([None if optional and not c else c for c in cells])
    except ValidationError as error:
        first = error.errors()[0]
        line, what = int(first["loc"][0]) + 2, first["msg"].lower()
        raise ValueError(f"line {line}, {name}: {what}, received '{first['input']}'") from None
