"""What a file is, told by its first bytes: UTF-8 text, or what else, and how to get to its data."""

import codecs
import re
import shlex
import zipfile
from pathlib import Path

from initsweep.core.errors import DataError
from initsweep.datasets.faults import command
from initsweep.datasets.in_messages import quoted
from initsweep.datasets.opening import opened, reading

HEAD_BYTES = 4096
SAMPLE_BYTES = 1 << 18
LONGEST_LINE = 1 << 25
WIDE = (  # the longer marks first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
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


def checked_text(path: Path) -> str:
    """Return the beginning of a file of delimited text, after all of it was found to be UTF-8.

    Args:
        path: The file, plain or gzip.

    Returns:
        Whole lines, 256 KiB at most unless the first is longer; without a byte order mark.

    Raises:
        DataError: If it is of another kind, with what it is; or with the line and byte at fault.
    """
    number = 1
    with reading(path), opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        _refuse_other_kinds(path, head)
        sample = head + stream.read(SAMPLE_BYTES - HEAD_BYTES)
        rest = stream.readline(LONGEST_LINE)  # up to the end of a line
        cut_off, block = bool(rest), sample + rest
        while block:
            _check_lines(path, number, block)
            number += block.count(b"\n")
            block = stream.read(SAMPLE_BYTES) + stream.readline(LONGEST_LINE)
    text = sample.decode(errors="ignore").removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"'{path}' holds nothing but empty lines; write it again.")
    lines = text.splitlines(keepends=True)
    return "".join(lines[:-1]) if cut_off and len(lines) > 1 else text


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    marked = [name for mark, name in WIDE if head.startswith(mark)]
    wide = marked[0] if marked else _wide_without_mark(head)
    if wide is not None:
        raise DataError(
            f"'{path}' is {wide} text; it must be UTF-8. Convert it: {_conversion(path, wide)}, or "
            "in Excel save it as 'CSV UTF-8'."
        )
    kind = kind_of(path, head)
    if kind is not None:
        raise DataError(f"'{path}' is no CSV or TSV text; it looks like {kind}")


def _wide_without_mark(head: bytes) -> str | None:
    """Return the encoding of text in which every other byte of Latin letters is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even + odd or max(even, odd) < len(head) / 10 or min(even, odd) > 0:
        return None
    return "UTF-16LE" if odd else "UTF-16BE"


def _check_lines(path: Path, number: int, block: bytes) -> None:
    # They are UTF-8, hold no zero byte, and end; `number` is that of the first.
    if (zero := block.find(b"\0")) >= 0:
        raise DataError(
            f"'{path}', line {_line(number, block, zero)}: a zero byte, which text does not have. "
            "Correct the line, or take such bytes out: "
            f"`tr -d '\\000' < {shlex.quote(str(path))} > clean.csv`."
        )
    if len(block) > LONGEST_LINE and not block.endswith(b"\n"):
        remedy = "A row of a table stands in a line of its own; write it again"
        if b"\r" in block:
            file = shlex.quote(str(path))
            remedy = f"Convert the ends of its lines: `tr '\\r' '\\n' < {file} > my.csv`"
        raise DataError(
            f"'{path}', line {number} or soon after: more than {LONGEST_LINE} bytes. {remedy}."
        )
    try:
        block.decode()
    except UnicodeDecodeError as error:
        at = error.start
        before = max(block.rfind(b"\n", 0, at), block.rfind(b"\r", 0, at)) + 1
        excerpt = block[max(before, at - 20) : at + 20].splitlines()[0].decode("cp1252", "replace")
        said = f"'{path}', line {_line(number, block, at)}: byte 0x{block[at]:02x} is not UTF-8"
        try:
            block.decode("cp1252")
        except UnicodeDecodeError:
            raise DataError(
                f"{said}, nor is the text Windows-1252 (Latin-1). Save it as UTF-8 in the program "
                "that wrote it, or convert it with iconv from the encoding that it has."
            ) from None
        raise DataError(
            f"{said}. If {quoted(excerpt.strip())} reads right, it is Windows-1252 (Latin-1). "
            f"Convert it: {_conversion(path, 'CP1252')}."
        ) from None


def _line(number: int, block: bytes, at: int) -> int:
    """Return the number of the line in which a byte of a block stands."""
    start = block.rfind(b"\n", 0, at) + 1
    return number + block.count(b"\n", 0, start) + block.count(b"\r", start, at)


def _conversion(path: Path, name: str) -> str:
    """Return a shell command that writes the file as UTF-8."""
    return command(path, [f"iconv -f {name} -t UTF-8"], "utf8")
