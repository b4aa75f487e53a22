"""Intervals and lists as readings say them."""

from collections.abc import Mapping, Sequence

from initsweep.core.numbers import fixed
from initsweep.core.records import Interval


def span(interval: Interval, decimals: int = 2) -> str:
    """Return the ends of an interval, as "0.04 to 0.08"."""
    return f"{fixed(interval.low, decimals)} to {fixed(interval.high, decimals)}"


def estimate(interval: Interval, decimals: int = 2) -> str:
    """Return an estimate with its interval, as "0.06, 0.04 to 0.08"."""
    return f"{fixed(interval.estimate, decimals)}, {span(interval, decimals)}"


def listed(parts: Sequence[str]) -> str:
    """Return parts as "a", "a and b" or "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def capital(text: str) -> str:
    """Return a text that begins with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def factors(parts: Mapping[tuple[str, str], bool | None], names: tuple[str, str]) -> str:
    """Return which of two factors decides whether a claim holds.

    Args:
        parts: Whether it holds, by the value of each factor; None where that is open.
        names: What the factors are called, in the order of the keys.

    Returns:
        The factor whose change alone turns it about; both where both do or neither.
    """
    changed = {
        place
        for one, holds in parts.items()
        for other, fails in parts.items()
        for place in (0, 1)
        if holds is True and fails is False and one[1 - place] == other[1 - place]
    }
    return " and ".join(names[place] for place in (0, 1) if place in changed or not changed)
