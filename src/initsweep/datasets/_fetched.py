"""Where fetched data lies, and how it is known to be what was fetched."""

import hashlib
import re
from pathlib import Path

from initsweep.errors import DataError

RAW = Path("data/raw")


def stem_of(kind: str, location: str) -> Path:
    """Return the path of fetched data without suffix, e.g. data/raw/openml-credit-g."""
    return RAW / f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', location).strip('-')}"


def found_file(kind: str, location: str) -> Path:
    """Return the fetched file, after its checksum was compared.

    Raises:
        DataError: If it was not fetched, or has changed since.
    """
    stem = stem_of(kind, location)
    files = [stem.with_name(stem.name + suffix) for suffix in (".parquet", ".npz")]
    for path in files:
        if path.exists():
            check_sum(path)
            return path
    raise DataError(
        f"data.source {kind}:{location} is not on this machine. Run `initsweep fetch "
        f"{kind}:{location}` once (it needs the network). Without one, run it elsewhere and copy "
        f"{files[0]} and its .sha256 here, or place any file by hand and set data.source: "
        "csv:data/raw/FILE."
    )


def check_sum(path: Path) -> None:
    """Compare a file with its checksum.

    Raises:
        DataError: If there is none, or it differs.
    """
    record = sum_file(path)
    if not record.exists():
        raise DataError(f"'{path}' has no '{record.name}' beside it; fetch it again.")
    expected = record.read_text(encoding="utf-8").partition(" ")[0]
    if digest(path) != expected:
        raise DataError(
            f"'{path}' is not what was fetched: its SHA-256 differs from '{record.name}'. Delete "
            "both and fetch again; for data of your own, set data.source: parquet:FILE."
        )


def sum_file(path: Path) -> Path:
    """Return the file that holds the checksum, as `sha256sum --check` reads it."""
    return path.with_name(path.name + ".sha256")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
