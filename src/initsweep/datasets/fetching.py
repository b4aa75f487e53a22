"""Downloads public data once into `data/raw`, for `initsweep fetch`. Nothing else downloads."""

import hashlib
import inspect
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from initsweep.core.errors import DataError, unheard
from initsweep.core.writing import write_bytes, write_text

RAW = Path("data/raw")

Bunch = Any
"""What scikit-learn, which is untyped, returns."""


def stem_of(kind: str, location: str) -> Path:
    """Return the path of fetched data without suffix, e.g. data/raw/openml-credit-g."""
    return RAW / f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', location).strip('-')}"


def fetched_files(kind: str, location: str) -> list[Path]:
    """Return the files of which one is fetched: a table, or images."""
    stem = stem_of(kind, location)
    return [stem.with_name(stem.name + suffix) for suffix in (".parquet", ".npz")]


def check_sum(path: Path) -> None:
    """Compare a file with its checksum.

    Raises:
        DataError: If there is none, or it differs.
    """
    record = sum_file(path)
    if not record.exists():
        raise DataError(f"'{path}' has no '{record.name}' beside it; fetch it again.")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != record.read_text(encoding="utf-8").partition(" ")[0]:
        raise DataError(
            f"'{path}' is not what was fetched: its SHA-256 differs from '{record.name}'. Delete "
            "both and fetch again; for data of your own, set data.source: parquet:FILE."
        )


def sum_file(path: Path) -> Path:
    """Return the file that holds the checksum, as `sha256sum --check` reads it."""
    return path.with_name(path.name + ".sha256")


def fetch(source: str) -> tuple[Path, bool]:
    """Download what `source` names, unless it is there already, and write its checksum.

    Args:
        source: `openml:NAME`, `openml:NAME@VERSION`, `openml:NUMBER` or `sklearn:FETCHER`.

    Returns:
        The file, and whether it was downloaded now.

    Raises:
        DataError: If the source is unknown or cannot be reached, with the way by hand.
    """
    kind, _, location = source.partition(":")
    load = {"openml": _openml, "sklearn": _sklearn}.get(kind)
    if load is None or not location:
        raise DataError(
            f"fetch: '{source}' must be openml:NAME, openml:NUMBER or sklearn:fetch_NAME; other "
            "sources are local files."
        )
    for path in fetched_files(kind, location):
        if path.exists():
            check_sum(path)
            return path, False
    stem = stem_of(kind, location)
    try:
        with unheard():  # of every try again
            bunch = load(location)
    except (URLError, ConnectionError, TimeoutError, OSError) as error:
        raise DataError(_by_hand(source, stem, error)) from None
    return _write(source, bunch, stem), True


def _openml(location: str) -> Bunch:
    from sklearn.datasets import fetch_openml

    name, _, version = location.partition("@")
    if version and not version.isdigit():
        raise DataError(f"fetch: openml:{location}: the version must be a number.")
    wanted: dict[str, object] = {"data_id": int(name)} if name.isdigit() else {"name": name}
    if version:
        wanted["version"] = int(version)
    try:
        # Its faster parser fails on classes that are called 0 and 1 (1.9.1 with pandas 3.1).
        return fetch_openml(**wanted, as_frame=True, parser="liac-arff", cache=False)
    except ValueError as error:  # OpenMLError: no such data set
        raise DataError(
            f"fetch: openml.org has no usable data set '{location}': {error}. Search for its name "
            "or number on https://www.openml.org."
        ) from None


def _sklearn(location: str) -> Bunch:
    from sklearn import datasets

    function: Callable[..., Bunch] | None = getattr(datasets, location, None)
    if function is None or not re.fullmatch(r"(fetch|load)_\w+", location):
        known = [name for name in dir(datasets) if name.startswith(("fetch_", "load_"))]
        raise DataError(f"fetch: scikit-learn has no '{location}'. It has: {', '.join(known)}.")
    takes = inspect.signature(function).parameters
    required = [
        p.name for p in takes.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    if required:
        raise DataError(f"fetch: sklearn:{location} needs {', '.join(required)}; load it yourself.")
    with tempfile.TemporaryDirectory() as folder:
        return function(**({"data_home": folder} if "data_home" in takes else {}))


def _by_hand(source: str, stem: Path, error: Exception) -> str:
    reason = getattr(error, "reason", error)
    kind, _, location = source.partition(":")
    page = f"https://www.openml.org/search?type=data&q={location}"
    where = f" (OpenML's page offers a download: {page})" if kind == "openml" else ""
    return (
        f"fetch: {source} cannot be downloaded: {reason}. Without network there are two ways. "
        f"Run `initsweep fetch {source}` on a machine that has one, and copy {stem}.* from its "
        f"data/raw to yours. Or place a file with the data{where} in data/raw by hand, and set "
        "data.source: csv:data/raw/FILE."
    )


def _write(source: str, bunch: Bunch, stem: Path) -> Path:
    # Images as `.npz`, anything else as a table, target last.
    import pyarrow as pa
    from pyarrow import parquet

    images = getattr(bunch, "images", None)
    is_images = isinstance(images, np.ndarray) and images.ndim >= 3
    path = stem.with_name(stem.name + (".npz" if is_images else ".parquet"))
    content = io.BytesIO()
    try:
        if is_images:
            np.savez(content, features=np.asarray(images), targets=_named(bunch))
        else:
            table = pa.Table.from_pandas(_frame(bunch), preserve_index=False)
            parquet.write_table(table, content)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"fetch: {source} is neither a table nor images: {error}.") from None
    write_text(sum_file(path), f"{hashlib.sha256(content.getvalue()).hexdigest()}  {path.name}\n")
    write_bytes(path, content.getvalue())
    return path


def _frame(bunch: Bunch) -> Any:  # noqa: ANN401 - pandas is untyped
    import pandas as pd

    data, target = bunch.data, bunch.target
    if not isinstance(data, pd.DataFrame):
        names = getattr(bunch, "feature_names", None)
        names = [f"column {i}" for i in range(data.shape[1])] if names is None else names
        data = pd.DataFrame(data, columns=[str(name) for name in names])
    if target is None:
        return data
    if not isinstance(target, pd.DataFrame | pd.Series):
        target = pd.Series(_named(bunch), name="target")
    names = [target.name] if target.ndim == 1 else list(target.columns)
    return pd.concat([data.drop(columns=names, errors="ignore"), target], axis=1)


def _named(bunch: Bunch) -> np.ndarray:
    """Return the target, class numbers replaced by their names where there is one for each."""
    target: np.ndarray = np.asarray(bunch.target)
    names = getattr(bunch, "target_names", None)
    if target.dtype.kind not in "iu" or names is None or len(names) <= target.max():
        return target
    named: np.ndarray = np.asarray([str(name) for name in names])[target]
    return named
