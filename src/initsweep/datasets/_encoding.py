"""Is a file UTF-8 text? If not: what is it, and how is it made so."""

import codecs
import shlex
from pathlib import Path

from initsweep.datasets._faults import command
from initsweep.datasets._files import opened, reading
from initsweep.datasets._kinds import HEAD_BYTES, kind_of
from initsweep.datasets._wording import quoted
from initsweep.errors import DataError

SAMPLE_BYTES = 1 << 18
LONGEST_LINE = 1 << 25
WIDE = (  # the longer marks first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


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
        raise DataError(
            f"'{path}', line {_line(number, block, at)}: byte 0x{block[at]:02x} is not UTF-8. If "
            f"{quoted(excerpt.strip())} reads right, it is Windows-1252 (Latin-1). Convert it: "
            f"{_conversion(path, 'CP1252')}."
        ) from None


def _line(number: int, block: bytes, at: int) -> int:
    """Return the number of the line in which a byte of a block stands."""
    start = block.rfind(b"\n", 0, at) + 1
    return number + block.count(b"\n", 0, start) + block.count(b"\r", start, at)


def _conversion(path: Path, name: str) -> str:
    """Return a shell command that writes the file as UTF-8."""
    return command(path, [f"iconv -f {name} -t UTF-8"], "utf8")
