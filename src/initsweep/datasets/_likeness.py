"""Text that is meant as something else: prices, percentages, dates, quantities with a unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from initsweep.datasets._numbers import is_written
from initsweep.datasets._values import is_number
from initsweep.datasets._wording import quoted

SAMPLE_VALUES = 1000
NEARLY_ALL = 0.9
MOST_UNITS = 3

UNIT = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*(?P<unit>[A-Za-z\u00b5\u03bc°²³/]{1,8})")
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}"
    rf"|\d{{1,2}}[-. ]+{MONTH}[-., ]+\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}})(?:[T ].*)?",
    re.IGNORECASE,
)
TIME = re.compile(r"\d{1,3}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What text is meant to be.

    Attributes:
        what: "dates".
        example: A value.
        remedy: How to write it, as a sentence without its final point.
    """

    what: str
    example: str
    remedy: str

    def __str__(self) -> str:
        """Return it as the end of a sentence, and the remedy as another, without a final point."""
        return f"{self.what}, such as {quoted(self.example)}. {self.remedy}"


def likeness(distinct: Sequence[str]) -> Likeness | None:
    """Return what nearly all of these values are meant to be; None if they are plain text."""
    values = distinct[:: max(1, len(distinct) // SAMPLE_VALUES)]
    for pattern, what, amount in (
        (DATE, "dates", "days since a first one"),
        (TIME, "times", "minutes"),
    ):
        if _share(values, pattern) >= NEARLY_ALL:
            remedy = f"Write numbers, {amount} for instance"
            return Likeness(what=what, example=values[0], remedy=remedy)
    return _numbers(values) or _quantities(values)


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(value) is not None for value in values) / max(1, len(values))


def _numbers(values: Sequence[str]) -> Likeness | None:
    found = [one for one in values if is_written(one)]
    odd = [one for one in found if not is_number(one)]
    if not odd or len(found) < NEARLY_ALL * len(values):
        return None
    return Likeness(
        what="numbers with signs or separators", example=odd[0], remedy="Write plain numbers"
    )


def _quantities(values: Sequence[str]) -> Likeness | None:
    found = [UNIT.fullmatch(value) for value in values]
    units = {one["unit"] for one in found if one is not None}
    fitting = sum(one is not None for one in found)
    if not 0 < len(units) <= MOST_UNITS or fitting < NEARLY_ALL * len(values):
        return None
    example = next(one for one in found if one is not None)
    plain = example.group().removesuffix(example["unit"]).strip()
    return Likeness(
        what="numbers with a unit",
        example=example.group(),
        remedy=f"Write plain numbers, all in one unit, here {plain}",
    )
