"""What single values of a table are: numbers, markers of what is missing, or text."""

import re
from collections.abc import Sequence
from typing import Literal

MISSING = ("", "?", "na", "n/a", "#n/a", "nan", "-nan", "null")
"""What stands for a missing value, in any case. "None" is left alone: it may be a category."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
WITH_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")


def is_number(text: str) -> bool:
    """Return whether the text is one number; "1_000" and "1,5" are none."""
    return NUMBER.fullmatch(text.strip()) is not None


def markers_of(missing: Literal["auto", "empty"] | Sequence[str]) -> tuple[str, ...]:
    """Return what stands for a missing value, in lower case, as `data.table.missing` wants it."""
    if missing == "empty":
        return ("",)
    return MISSING if missing == "auto" else (*MISSING, *(one.strip().lower() for one in missing))


def has_decimal_commas(distinct: Sequence[str]) -> bool:
    """Return whether these values are numbers, some of which can only have a decimal comma.

    "1,234" alone may as well be a thousand; then it is for the user to say. In the same column
    "1.234" is a thousand, and "1.5" beside "2,5" is a mistake.
    """
    commas = [value for value in distinct if "," in value]
    return (
        any(not THOUSANDS.fullmatch(value) for value in commas)
        and all(WITH_COMMA.fullmatch(value) for value in commas)
        and all(
            is_number(value) and ("." not in value or GROUPED.fullmatch(value) is not None)
            for value in distinct
            if "," not in value
        )
    )
