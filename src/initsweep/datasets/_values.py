"""What single values of a table are: numbers, markers of what is missing, or text."""

import re
from collections.abc import Sequence
from typing import Literal

MISSING = ("", "?", "na", "n/a", "#n/a", "nan", "-nan", "null")
"""What stands for a missing value, in any case. "None" is left alone: it may be a category."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


def is_number(text: str) -> bool:
    """Return whether the text is one number; "1_000" and "1,5" are none."""
    return NUMBER.fullmatch(text.strip()) is not None


def markers_of(missing: Literal["auto", "empty"] | Sequence[str]) -> tuple[str, ...]:
    """Return what stands for a missing value, in lower case, as `data.table.missing` wants it."""
    if missing == "empty":
        return ("",)
    return MISSING if missing == "auto" else (*MISSING, *(one.strip().lower() for one in missing))
