"""What a text of a table is: missing, a number as people write them, a date, or just text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from initsweep.datasets.in_messages import quoted
from initsweep.preprocessing.transform import DECORATION, bare_number, plain_number

MISSING = ("", "?", "na", "n/a", "#n/a", "nan", "-nan", "null")
"""What stands for a missing value, in any case. "None" is left alone: it may be a category."""

FEW_CATEGORIES = 20
"""So many different prices or percentages in a column can be categories; more are numbers."""

AMBIGUOUS = "with a comma"
SAMPLE_VALUES = 1000
NEARLY_ALL = 0.9
MOST_UNITS = 3

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
CURRENCY = r"[$€£¥₹₽₩₺]|EUR|USD|GBP|CHF|JPY|CNY|INR"
SIGN = r"[+\-\u2212\u2013]?"  # a minus of typesetters too
APART = r"'_\u2019\s"
"""What may stand between groups of digits, beside comma and point."""

WRITTEN = re.compile(
    rf"(?P<open>\()?{SIGN}\s*(?:{CURRENCY})?\s*{SIGN}(?:\d{{1,3}}(?:[.,{APART}]\d{{2,3}})*"
    rf"[.,{APART}]\d{{3}}(?:[.,]\d*)?|\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?\s*"
    rf"(?:{CURRENCY}|[%‰])?(?(open)\))"
)
STRICT = {
    mark: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?:\{other}\d{{2,3}})*\{other}\d{{3}}|\d*)"
        rf"(?:\{mark}\d*)?(?:[eE][+-]?\d+)?"
    )
    for mark, other in ((".", ","), (",", "."))
}
"""All of a number, undecorated, by its decimal mark; the other mark stands between groups only."""

UNIT = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*(?P<unit>[A-Za-z\u00b5\u03bc°²³/]{1,8})")
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}"
    rf"|\d{{1,2}}[-. ]+{MONTH}[-., ]+\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}})(?:[T ].*)?",
    re.IGNORECASE,
)
TIME = re.compile(r"\d{1,3}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?", re.IGNORECASE)


def markers_of(missing: Literal["auto", "empty"] | Sequence[str]) -> tuple[str, ...]:
    """Return what stands for a missing value, in lower case, as `data.table.missing` wants it."""
    if missing == "empty":
        return ("",)
    return MISSING if missing == "auto" else (*MISSING, *(one.strip().lower() for one in missing))


def is_number(text: str) -> bool:
    """Return whether the text is one number; "1_000" and "1,5" are none."""
    return NUMBER.fullmatch(text.strip()) is not None


def is_written(text: str) -> bool:
    """Return whether the text is one number, as people write it."""
    return is_number(text) or WRITTEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Written:
    """How the numbers of a column are written.

    Attributes:
        plain: The different values as Python reads them; empty if they can be several numbers.
        mark: Their decimal mark, "" if Python reads them as they are.
        example: One that it does not read.
        why: Why they can be several numbers, as the end of a sentence.
    """

    plain: tuple[str, ...]
    mark: str = ""
    example: str = ""
    why: str = ""


def written(values: Sequence[str], decimal: Literal["auto", ".", ","]) -> Written | None:
    """Return how these different values are written, None if they are no numbers.

    The decimal mark is the one with which all of them are numbers. If either would do, with other
    results ("1,234"), it is for the user to say.
    """
    if all(map(is_number, values)):
        return Written(tuple(values))
    decorated = [one for one in values if DECORATION.search(one)]
    if not all(map(is_written, values)) or (decorated and len(values) <= FEW_CATEGORIES):
        return None
    example = next(one for one in decorated or values if not is_number(one))
    signs = {sign for one in values for sign in re.findall(rf"{CURRENCY}|[%‰]", one)}
    if len(signs) > 1:
        return Written((), "", example, f"with several signs, {' '.join(sorted(signs))}")
    bare = [bare_number(one) for one in values]
    marks = [mark for mark in STRICT if all(STRICT[mark].fullmatch(one) for one in bare)]
    found: dict[tuple[str, ...], str] = {}
    for mark in marks if decimal == "auto" else {decimal}.intersection(marks):
        found.setdefault(tuple(plain_number(one, mark) for one in values), mark)
    if len(found) == 1:
        return Written(*found.popitem(), example)
    why = AMBIGUOUS if found else "some of which have a decimal comma, others a point"
    return Written((), "", example, why)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What text is meant to be ("dates"), a value, and how to write it, without a final point."""

    what: str
    example: str
    remedy: str

    def __str__(self) -> str:
        """Return it as the end of a sentence, and the remedy as another, without a final point."""
        return f"{self.what}, such as {quoted(self.example)}. {self.remedy}"


def likeness(distinct: Sequence[str]) -> Likeness | None:
    """Return what nearly all of these values are meant to be; None if they are plain text."""
    values = distinct[:: max(1, len(distinct) // SAMPLE_VALUES)]
    most = NEARLY_ALL * max(1, len(values))
    for pattern, what, amount in (
        (DATE, "dates", "days since a first one"),
        (TIME, "times", "minutes"),
    ):
        if sum(pattern.fullmatch(value) is not None for value in values) >= most:
            return Likeness(what, values[0], f"Write numbers, {amount} for instance")
    found = [one for one in values if is_written(one)]
    odd = [one for one in found if not is_number(one)]
    if odd and len(found) >= most:
        return Likeness("numbers with signs or separators", odd[0], "Write plain numbers")
    quantities = [one for value in values if (one := UNIT.fullmatch(value)) is not None]
    units = {one["unit"] for one in quantities}
    if not 0 < len(units) <= MOST_UNITS or len(quantities) < most:
        return None
    example = quantities[0].group()
    plain = example.removesuffix(quantities[0]["unit"]).strip()
    return Likeness(
        "numbers with a unit", example, f"Write plain numbers, all in one unit, here {plain}"
    )
