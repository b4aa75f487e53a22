"""Text that is meant as something else: prices, percentages, dates, quantities with a unit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from initsweep.datasets._values import is_number
from initsweep.datasets._wording import quoted

SAMPLE_VALUES = 1000
NEARLY_ALL = 0.9
MOST_UNITS = 3
WORDS_OF_A_SENTENCE = 4

APART = "'_\u2019 \u00a0\u2009\u202f"
"""What may stand between groups of digits, beside comma and point: also other kinds of spaces."""

CURRENCY = r"[$€£¥₹₽₩₺]|(?:EUR|USD|GBP|CHF|JPY|CNY|INR)\b"
SIGN = r"[+\-\u2212\u2013]?"  # a minus of typesetters too
GROUPED = (
    rf"\d{{1,3}}(?:\.\d{{3}})+(?:,\d+)?"
    rf"|\d{{1,3}}(?:[,{APART}]\d{{2,3}})*[,{APART}]\d{{3}}(?:[.,]\d+)?"
)
DIGITS = rf"(?:{GROUPED}|\d+(?:[.,]\d+)?|[.,]\d+)"
NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>{SIGN})\s*(?P<before>{CURRENCY})?\s*(?P<inner>{SIGN})"
    rf"(?P<digits>{DIGITS})\s*(?P<after>{CURRENCY}|[%‰])?(?P<close>\))?"
)
UNIT = re.compile(rf"{SIGN}\d+(?:[.,]\d+)?\s*(?P<unit>[A-Za-z\u00b5\u03bc°²³/]{{1,8}})")
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
        what: "numbers with a currency sign".
        example: A value.
        remedy: How to write it, as a sentence without its final point.
        is_number: Whether it is numbers, written as NumPy does not read them.
        has_unit: Whether a unit stands behind each.
        sets: A key of `data.table` with which it is read.
    """

    what: str
    example: str
    remedy: str
    is_number: bool = True
    has_unit: bool = False
    sets: Mapping[str, object] = field(default_factory=dict)

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
            return Likeness(what=what, example=values[0], remedy=remedy, is_number=False)
    return _numbers(values) or _quantities(values)


def is_sentence(distinct: Sequence[str]) -> bool:
    """Return whether these values are text that people wrote, rather than labels."""
    values = distinct[:SAMPLE_VALUES]
    return sum(len(value.split()) for value in values) > WORDS_OF_A_SENTENCE * len(values)


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(value) is not None for value in values) / max(1, len(values))


def _numbers(values: Sequence[str]) -> Likeness | None:
    found = [NUMBER.fullmatch(value) for value in values]
    odd = [one for one in found if one is not None and not is_number(one.group())]
    if not odd or sum(one is not None for one in found) < NEARLY_ALL * len(values):
        return None
    traits = dict.fromkeys(trait for one in odd for trait in _traits(one))
    digits = [one["digits"] for one in odd]
    commas = all(re.fullmatch(r"\d{1,3}(,\d{3})+", one) for one in digits if "," in one)
    if traits.keys() == {"a comma"} and commas and any("," in one for one in digits):
        plain = odd[0].group().replace(",", "")
        remedy = (
            f'If the comma separates thousands ({plain}), set data.table.decimal: "."; if it is a '
            "decimal comma, as follows"
        )
        return Likeness(
            what="numbers with a comma",
            example=odd[0].group(),
            remedy=remedy,
            sets={"decimal": ","},
        )
    return Likeness(
        what=f"numbers with {' and '.join(list(traits)[:3])}",
        example=odd[0].group(),
        remedy=f"Write plain numbers with a decimal point, here {_plain(odd[0])}",
    )


def _traits(found: re.Match[str]) -> list[str]:
    """Return why a number is not one that NumPy reads."""
    traits = []
    if (found["before"] or found["after"] or "%") not in "%‰":
        traits.append("a currency sign")
    if (found["after"] or "-") in "%‰":
        traits.append("a percent sign")
    digits = found["digits"]
    if digits.count(".") > 1 or re.search(rf"[{APART}]|\.\d+,|,\d+[.,]", digits):
        traits.append("separators of thousands")
    elif "," in digits:
        traits.append("a comma")
    if found["open"]:
        traits.append("brackets")
    if (found["sign"] + found["inner"]).strip("+-"):
        traits.append("a minus that is no '-'")
    return traits


def _plain(found: re.Match[str]) -> str:
    """Return a number as it should be written."""
    digits = re.sub(rf"[{APART}]", "", found["digits"])
    last = max(digits.rfind("."), digits.rfind(","))
    repeated = digits.count(".") > 1 or digits.count(",") > 1
    mixed = "." in digits and "," in digits
    if last >= 0 and (mixed or not repeated):
        fraction = digits[last + 1 :]
        digits = re.sub("[.,]", "", digits[:last]) + "." + fraction
    else:
        digits = re.sub("[.,]", "", digits)
    negative = found["open"] or (found["sign"] + found["inner"]).strip("+")
    return ("-" if negative else "") + digits


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
        has_unit=True,
    )
