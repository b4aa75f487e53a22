"""What a file is when it is not what its name or `data.source` says, told by its first bytes."""

import codecs
import re
import zipfile
from pathlib import Path

from initsweep.datasets._wording import quoted

HEAD_BYTES = 4096
ZIP = b"PK\x03\x04"
NUMPY = b"\x93NUMPY"
PICKLE = re.compile(rb"\x80[\x02-\x05]|\([ld]p\d+\n|c[a-zA-Z_.]+\n\w+\n")
"""A pickle of any protocol; the old ones are text."""


_UNPACK = "Unpack it and name the file in it."
_EXPORT = "Export the table in it as CSV."
_IMAGE = "A set of images is read as arrays (docs/data.md)."
_SHEET = "Save the sheet as 'CSV UTF-8'."
_ARRAYS = "Load it where it was made, and save: np.savez('my.npz', features=..., targets=...)."
_PAGE = "A download often gives one that asks to sign in; download the file itself."
_POINTER = "a pointer of Git LFS, not the file itself. Run `git lfs pull`."

# Where text might begin in the same way, a byte that text does not have must follow.
SIGNATURES = {
    re.compile(pattern, re.DOTALL | re.IGNORECASE): kind
    for pattern, kind in (
        (rb"\x93(?-i:NUMPY)", "a NumPy array. Set data.source: npy:FEATURES.npy,TARGETS.npy."),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an old Excel workbook (.xls). {_SHEET}"),
        (rb"\x89HDF\r\n\x1a\n", f"an HDF5 file. {_ARRAYS}"),
        (rb"MATLAB 5\.0 MAT-file", f"a MATLAB file. {_ARRAYS}"),
        (rb"\x1f\x8b", "a gzip file. Unpack it: gunzip -k FILE."),
        (rb"BZh[1-9]1AY&SY", "a bzip2 file. Unpack it: bunzip2 -k FILE."),
        (rb"\xfd7zXZ\0", "an xz file. Unpack it: unxz -k FILE."),
        (rb"\x28\xb5\x2f\xfd", "a Zstandard file. Unpack it: unzstd FILE."),
        (rb"7z\xbc\xaf\x27\x1c", f"a 7z archive. {_UNPACK}"),
        (rb".{257}ustar", f"a tar archive. {_UNPACK}"),
        (rb"PAR1[\0-\x08\x0e-\x1f]", "a Parquet file. Set data.source: parquet:FILE."),
        (rb"ARROW1\0\0", "an Arrow (Feather) file. Save it as Parquet."),
        (rb"SQLite format 3\0", f"an SQLite database. {_EXPORT}"),
        (rb"\x89PNG\r\n", f"a PNG image. {_IMAGE}"),
        (rb"\xff\xd8\xff", f"a JPEG image. {_IMAGE}"),
        (rb"%PDF-\d", f"a PDF document. {_EXPORT}"),
        (rb"\s*(<!doctype html|<html)", f"a web page. {_PAGE}"),
        (rb"\s*<\?xml", f"an XML file. {_EXPORT}"),
        (rb"\s*(\[\s*)?\{\s*\"", "JSON. Set data.source: json:FILE."),
        (rb"\s*(%[^\n]*\s+)*@relation\s", "Weka's ARFF. Set data.source: arff:FILE."),
        (rb"version https://git-lfs", _POINTER),
    )
}


def kind_of(path: Path, head: bytes) -> str | None:
    """Return what a file is that begins with `head`, and in a sentence how to get to data from it.

    It goes on from "it looks like"; None if no signature is known.

    Args:
        path: The file, to look into if it is a ZIP archive.
        head: Its first bytes.
    """
    head = head.removeprefix(codecs.BOM_UTF8)
    if head.startswith((ZIP, b"PK\x05\x06")):
        return _kind_of_zip(path)
    for pattern, kind in SIGNATURES.items():
        if pattern.match(head):
            return kind.replace("FILE", str(path))
    return None


def described(path: Path, head: bytes) -> str:
    """Return what a file is, as far as can be told: a known kind, text, or something unknown."""
    known = kind_of(path, head)
    if known is not None:
        return known
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start > len(head) - 4 else ""
    if text.strip() and "\0" not in text:
        line = text.strip().splitlines()[0]
        return f"text, {quoted(line)}. If it is a table, set data.source: csv:{path}."
    return (
        f"nothing known: it begins with the bytes {head[:8].hex(' ')}. Download or write it again."
    )


def names_in_zip(path: Path) -> list[str]:
    """Return the names of the files in an archive; none if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # noqa: BLE001 - of a damaged one, zipfile raises many kinds
        return []


def _kind_of_zip(path: Path) -> str:
    names = names_in_zip(path)
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        return f"an Excel workbook or another Office document. {_SHEET}"
    if names and all(name.endswith(".npy") for name in names):
        return f"NumPy arrays (.npz). Set data.source: npz:{path}."
    if any(name.endswith("data.pkl") for name in names):
        return f"a file of PyTorch's. {_ARRAYS}"
    listed = f" with {quoted(names[0])}" if names else ", empty or damaged"
    return f"a ZIP archive{listed}. {_UNPACK}"
