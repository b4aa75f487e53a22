"""What a file is when it is not what its name or `data.source` says, told by its first bytes."""

import codecs
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from initsweep.datasets._wording import quoted

HEAD_BYTES = 4096
ZIP = b"PK\x03\x04"
NUMPY = b"\x93NUMPY"
PICKLE = re.compile(rb"\x80[\x02-\x05]|\([ld]p\d+\n|c[a-zA-Z_.]+\n\w+\n")
"""A pickle of any protocol; the old ones are text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file.

    Attributes:
        what: A noun phrase: "an Excel workbook".
        remedy: A sentence without its final point that says how to get to data from there.
    """

    what: str
    remedy: str


_UNPACK = "Unpack it and name the file in it"
_EXPORT = "Export the table in it as CSV"
_IMAGE = "A set of images is read as arrays (docs/data.md)"
_SHEET = "Save the sheet as 'CSV UTF-8'"
_ARRAYS = "Load it where it was made, and save: np.savez('my.npz', features=..., targets=...)"

# Where text might begin in the same way, a byte that text does not have must follow.
SIGNATURES: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, remedy)
    for pattern, what, remedy in (
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)", _SHEET),
        (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _ARRAYS),
        (rb"MATLAB 5\.0 MAT-file", "a MATLAB file", _ARRAYS),
        (rb"\x1f\x8b", "a gzip file", "Unpack it: gunzip -k FILE"),
        (rb"BZh[1-9]1AY&SY", "a bzip2 file", "Unpack it: bunzip2 -k FILE"),
        (rb"\xfd7zXZ\0", "an xz file", "Unpack it: unxz -k FILE"),
        (rb"\x28\xb5\x2f\xfd", "a Zstandard file", "Unpack it: unzstd FILE"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
        (rb".{257}ustar", "a tar archive", _UNPACK),
        (rb"PAR1[\0-\x08\x0e-\x1f]", "a Parquet file", "Set data.source: parquet:FILE"),
        (rb"ARROW1\0\0", "an Arrow (Feather) file", "Save it as Parquet"),
        (rb"SQLite format 3\0", "an SQLite database", _EXPORT),
        (rb"\x89PNG\r\n", "a PNG image", _IMAGE),
        (rb"\xff\xd8\xff", "a JPEG image", _IMAGE),
        (rb"%PDF-\d", "a PDF document", _EXPORT),
        (
            rb"\s*(<!doctype html|<html)",
            "a web page",
            "A download often gives one that asks to sign in; download the file itself",
        ),
        (rb"\s*<\?xml", "an XML file", _EXPORT),
        (rb"\s*(\[\s*)?\{\s*\"", "JSON", "Set data.source: json:FILE"),
        (rb"\s*(%[^\n]*\s+)*@relation\s", "Weka's ARFF", "Set data.source: arff:FILE"),
        (
            rb"version https://git-lfs",
            "a pointer of Git LFS, not the file itself",
            "Run `git lfs pull`",
        ),
    )
)


def kind_of(path: Path, head: bytes) -> Kind | None:
    """Return what a file is that begins with `head`; None if no signature is known.

    Args:
        path: The file, to look into if it is a ZIP archive.
        head: Its first bytes.
    """
    head = head.removeprefix(codecs.BOM_UTF8)
    if head.startswith(NUMPY):
        return Kind(what="a NumPy array", remedy="Set data.source: npy:FEATURES.npy,TARGETS.npy")
    if head.startswith((ZIP, b"PK\x05\x06")):
        return _kind_of_zip(path)
    for pattern, what, remedy in SIGNATURES:
        if pattern.match(head):
            return Kind(what=what, remedy=remedy.replace("FILE", str(path)))
    return None


def described(path: Path, head: bytes) -> Kind:
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
        return Kind(
            what=f"text, {quoted(line)}", remedy=f"If it is a table, set data.source: csv:{path}"
        )
    return Kind(
        what=f"nothing known: it begins with the bytes {head[:8].hex(' ')}",
        remedy="Download or write it again",
    )


def names_in_zip(path: Path) -> list[str]:
    """Return the names of the files in an archive; none if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # noqa: BLE001 - of a damaged one, zipfile raises many kinds
        return []


def _kind_of_zip(path: Path) -> Kind:
    names = names_in_zip(path)
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        return Kind(what="an Excel workbook or another Office document", remedy=_SHEET)
    if names and all(name.endswith(".npy") for name in names):
        return Kind(what="NumPy arrays (.npz)", remedy=f"Set data.source: npz:{path}")
    if any(name.endswith("data.pkl") for name in names):
        return Kind(what="a file of PyTorch's", remedy=_ARRAYS)
    listed = f" with {quoted(names[0])}" if names else ", empty or damaged"
    return Kind(what=f"a ZIP archive{listed}", remedy=_UNPACK)
