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
import pyarrow as pa
from pyarrow import parquet

from initsweep.datasets._fetched import check_sum, stem_of, sum_file
from initsweep.errors import DataError, unheard
from initsweep.writing import write_bytes, write_text

KINDS = ("openml", "sklearn")


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
    if kind not in KINDS or not location:
        raise DataError(
            f"fetch: '{source}' must be openml:NAME, openml:NUMBER or sklearn:fetch_NAME; other "
            "sources are local files."
        )
    stem = stem_of(kind, location)
    for path in (stem.with_name(stem.name + suffix) for suffix in (".parquet", ".npz")):
        if path.exists():
            check_sum(path)
            return path, False
    load = _openml if kind == "openml" else _sklearn
    try:
        with unheard():  # of every try again
            bunch = load(location)
    except (URLError, ConnectionError, TimeoutError, OSError) as error:
        raise DataError(_by_hand(source, stem, error)) from None
    return _write(source, bunch, stem), True


def _openml(location: str) -> Any:  # noqa: ANN401 - scikit-learn is untyped
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


def _sklearn(location: str) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn import datasets

    function: Callable[..., Any] | None = getattr(datasets, location, None)
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


def _write(source: str, bunch: Any, stem: Path) -> Path:  # noqa: ANN401
    """Write what was loaded, images as `.npz` and anything else as a table, target last.

    Returns:
        The file.

    Raises:
        DataError: If it is no table and no images.
    """
    images = getattr(bunch, "images", None)
    is_images = isinstance(images, np.ndarray) and images.ndim >= 3
    path = stem.with_name(stem.name + (".npz" if is_images else ".parquet"))
    content = io.BytesIO()
    try:
        if is_images:
            np.savez(content, features=np.asarray(images), targets=_named(bunch))
        else:
            parquet.write_table(_table(bunch), content)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"fetch: {source} is neither a table nor images: {error}.") from None
    write_text(sum_file(path), f"{hashlib.sha256(content.getvalue()).hexdigest()}  {path.name}\n")
    write_bytes(path, content.getvalue())
    return path


def _table(bunch: Any) -> pa.Table:  # noqa: ANN401
    import pandas as pd

    data, target = bunch.data, bunch.target
    if not isinstance(data, pd.DataFrame):
        names = getattr(bunch, "feature_names", None)
        names = [f"column {i}" for i in range(data.shape[1])] if names is None else names
        data = pd.DataFrame(data, columns=[str(name) for name in names])
    if target is None:
        return pa.Table.from_pandas(data, preserve_index=False)
    if not isinstance(target, pd.DataFrame | pd.Series):
        target = pd.Series(_named(bunch), name="target")
    frame = pd.concat([data.drop(columns=_names(target), errors="ignore"), target], axis=1)
    return pa.Table.from_pandas(frame, preserve_index=False)


def _names(target: Any) -> list[str]:  # noqa: ANN401
    return [target.name] if target.ndim == 1 else list(target.columns)


def _named(bunch: Any) -> np.ndarray:  # noqa: ANN401
    """Return the target, class numbers replaced by their names where there is one for each."""
    target: np.ndarray = np.asarray(bunch.target)
    names = getattr(bunch, "target_names", None)
    if target.dtype.kind not in "iu" or names is None or len(names) <= target.max():
        return target
    named: np.ndarray = np.asarray([str(name) for name in names])[target]
    return named
