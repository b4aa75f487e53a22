"""Numbers as people read them, the same in the verdict, packet, figures, terminal and MLflow."""

import math

MISSING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_SMALL = 1e-3
_LARGE = 1e5
_INFINITE = 1e300  # what the diagnosis writes for infinity, which no table can hold


def significant(value: float | None, digits: int) -> str:
    """Return `value` with `digits` significant digits; very small or large ones as 3.2e-4."""
    if value is None or math.isnan(value):
        return MISSING
    if abs(value) >= _INFINITE:
        return "∞" if value > 0 else f"{_MINUS}∞"
    rounded = float(f"{value:.{digits - 1}e}")
    size = abs(rounded)
    if size != 0 and not _SMALL <= size < _LARGE:
        mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", _MINUS, rounded < 0)
    decimals = digits - 1 - (math.floor(math.log10(size)) if size else 0)
    return f"{rounded:.{max(decimals, 0)}f}".replace("-", _MINUS)


def trimmed(value: float, digits: int = 3) -> str:
    """Return `value` as `significant` does, without zeros at the end: 0.0316, 1, 3.16e-4."""
    text, _, exponent = significant(value, digits).partition("e")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}e{exponent}" if exponent else text


def plain(value: float, digits: int = 3) -> str:
    """Return `value` as Python writes it, in ASCII: for tables, and texts for any terminal."""
    return f"{value:.{digits}g}"


def rate(value: float | None) -> str:
    """Return a learning rate with up to three digits: 0.0316, 1, 3.16e-4."""
    return MISSING if value is None else trimmed(value)


def rate_range(low: float | None, high: float | None, censored: str = "no") -> str:
    """Return two learning rates as a range, or one if they are the same.

    A `censored` end gets the sign of a bound, because the true one may lie beyond: ≤ or ≥.
    """
    if low is None or high is None:
        return MISSING
    if low == high and censored == "no":
        return rate(low)
    first = ("≤ " if censored in {"low", "both"} else "") + rate(low)
    last = ("≥ " if censored in {"high", "both"} else "") + rate(high)
    return f"{first} to {last}"


def loss(value: float | None) -> str:
    """Return a loss with three digits below one and four above: 0.0842, 2.303."""
    if value is None:
        return MISSING
    return significant(value, 4 if abs(value) >= 1 else 3)


def difference(value: float) -> str:
    """Return a signed loss difference with two digits and a true minus sign: +0.031."""
    if value == 0:
        return "0"
    sign = "+" if value > 0 else _MINUS
    digits = 3 if abs(value) >= 1 else 2
    return sign + significant(abs(value), digits)


def fixed(value: float, decimals: int = 2) -> str:
    """Return a number with fixed decimals and a true minus sign, none where it rounds to zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", _MINUS)


def score(value: float | None, name: str) -> str:
    """Return a score: accuracies in percent, others with three decimals."""
    if value is None:
        return MISSING
    if name == "accuracy":
        return percent(value, 1)
    return fixed(value, 3)


def interval(low: float | None, high: float | None, score_name: str | None = None) -> str:
    """Return the two ends of an interval of losses, or of scores if `score_name` is given."""
    if low is None or high is None:
        return ""
    if score_name is None:
        return f"{loss(low)} to {loss(high)}"
    return f"{score(low, score_name)} to {score(high, score_name)}"


def width(decades: float | None, censored: str) -> str:
    """Return a basin's width in decades, with ≥ where the grid ended before the basin did."""
    if decades is None:
        return MISSING
    return f"{'' if censored == 'no' else '≥ '}{decades:.2f}"


def p_value(value: float) -> str:
    """Return a p-value with two digits, or the bound below a thousandth."""
    return "< 0.001" if value < _SMALL else f"{value:.2g}" if value < 1 else "1"


def of_hundred(share: float) -> str:
    """Return how many of a hundred a share is."""
    return f"{100 * share:.0f}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share in percent, whole ones if not said otherwise."""
    return f"{100 * share:.{decimals}f} %"


def setting_percent(share: float) -> str:
    """Return a share that somebody has set in percent, as it is."""
    return f"{100 * share:g} %"
