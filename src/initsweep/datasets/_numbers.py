"""Numbers as people write them: decimal commas, thousands, currency and percent signs, brackets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from initsweep.datasets._values import is_number
from initsweep.preprocessing import DECORATION, bare_number, plain_number

FEW_CATEGORIES = 20
"""So many different prices or percentages in a column can be categories; more are numbers."""

AMBIGUOUS = "with a comma"
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


def is_written(text: str) -> bool:
    """Return whether the text is one number, as people write it."""
    return is_number(text) or WRITTEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
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
        return Written(plain=tuple(values))
    decorated = [one for one in values if DECORATION.search(one)]
    if not all(map(is_written, values)) or (decorated and len(values) <= FEW_CATEGORIES):
        return None
    example = next(one for one in decorated or values if not is_number(one))
    signs = {sign for one in values for sign in re.findall(rf"{CURRENCY}|[%‰]", one)}
    if len(signs) > 1:
        return Written(
            plain=(), example=example, why=f"with several signs, {' '.join(sorted(signs))}"
        )
    bare = [bare_number(one) for one in values]
    marks = [mark for mark in STRICT if all(STRICT[mark].fullmatch(one) for one in bare)]
    found: dict[tuple[str, ...], str] = {}
    for mark in marks if decimal == "auto" else {decimal}.intersection(marks):
        found.setdefault(tuple(plain_number(one, mark) for one in values), mark)
    if len(found) == 1:
        return Written(plain=next(iter(found)), mark=next(iter(found.values())), example=example)
    why = AMBIGUOUS if found else "some of which have a decimal comma, others a point"
    return Written(plain=(), example=example, why=why)
