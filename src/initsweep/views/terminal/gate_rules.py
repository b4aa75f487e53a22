"""The rules of `initsweep gate`: a finished verdict against the limits of a team."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from initsweep.core import numbers
from initsweep.core.errors import ParamsError
from initsweep.core.records import SchemeRow
from initsweep.views.packet.first_screen import DECISIONS
from initsweep.views.terminal.answer import Answer

Least = Literal["winner", "tie", "any"]

_ENOUGH = {
    "winner": ("winner",),
    "tie": ("winner", "lead", "tie"),
    "any": tuple(DECISIONS),
}
_WORSE = ("worse", "untrainable")
_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is asked of a verdict; None asks nothing.

    Attributes:
        decision: The least that the study must say.
        scheme: The scheme to judge, None for the recommended one.
        rate: A learning rate that must lie in its basin.
        min_basin: In decades.
    """

    decision: Least = "tie"
    scheme: str | None = None
    rate: float | None = None
    max_test_loss: float | None = None
    min_score: float | None = None
    max_regret: float | None = None
    min_basin: float | None = None
    max_failed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule, what was found and what was asked."""

    rule: str
    passed: bool
    found: str
    asked: str


def check_limits(answer: Answer, limits: Limits) -> list[Check]:
    """Check the verdict against every limit that is set.

    Returns:
        One check per limit, in a fixed order; that of the decision comes first and always.

    Raises:
        ParamsError: If a limit is no usable number, or the study has no such scheme.
    """
    _refuse_nonsense(limits)
    verdict = answer.verdict
    checks = [
        Check(
            rule="decision",
            passed=verdict.decision in _ENOUGH[limits.decision],
            found=f"{verdict.decision}, recommended {verdict.recommended or 'none'}",
            asked=" or ".join(_ENOUGH[limits.decision]),
        )
    ]
    if limits.scheme is not None and answer.row(limits.scheme) is None:
        known = ", ".join(row.scheme for row in answer.schemes)
        raise ParamsError(f"--scheme: received '{limits.scheme}'. The study has {known}.")
    name = limits.scheme or verdict.recommended
    row = None if name is None else answer.row(name)
    if limits.scheme is not None and row is not None:
        checks.append(_not_worse(row))
    return [*checks, *_of_scheme(row, limits)]


def _refuse_nonsense(limits: Limits) -> None:
    numbers_given = {
        "--rate": limits.rate,
        "--max-test-loss": limits.max_test_loss,
        "--min-score": limits.min_score,
        "--max-regret": limits.max_regret,
        "--min-basin": limits.min_basin,
        "--max-failed": limits.max_failed,
    }
    for option, value in numbers_given.items():
        if value is not None and not math.isfinite(value):
            raise ParamsError(f"{option}: received {value}. Give a finite number.")
        if value is not None and value < 0 and option != "--min-score":
            raise ParamsError(f"{option}: received {value}. Give 0 or more.")
    if limits.rate == 0:
        raise ParamsError("--rate: received 0. A learning rate is above 0.")


def _not_worse(row: SchemeRow) -> Check:
    """Return the check that a scheme was not shown to be worse, on validation or on test."""
    return Check(
        rule=f"{row.scheme} not worse",
        passed=row.standing not in _WORSE and row.outcome not in _WORSE,
        found=f"{row.standing} on validation, {row.outcome} on test",
        asked="not worse on validation or on test",
    )


def _of_scheme(row: SchemeRow | None, limits: Limits) -> Iterator[Check]:
    upper = (
        ("test loss", limits.max_test_loss, None if row is None else row.test_loss),
        ("regret", limits.max_regret, None if row is None else row.regret),
        ("failed runs", limits.max_failed, None if row is None else row.failed_runs),
    )
    lower = (
        ("test score", limits.min_score, None if row is None else row.test_score),
        ("basin width", limits.min_basin, None if row is None else row.basin_width),
    )
    if limits.rate is not None:
        yield _rate_check(row, limits.rate)
    for rule, limit, value in upper:
        if limit is not None:
            passed = value is not None and round(value, _PLACES) <= round(limit, _PLACES)
            yield _check(row, rule, value, f"at most {limit:g}", passed=passed)
    for rule, limit, value in lower:
        if limit is not None:
            passed = value is not None and round(value, _PLACES) >= round(limit, _PLACES)
            yield _check(row, rule, value, f"at least {limit:g}", passed=passed)


def _check(
    row: SchemeRow | None, rule: str, value: float | None, asked: str, *, passed: bool
) -> Check:
    if row is None:
        found = "no scheme is recommended; name one with --scheme"
    elif value is None:
        found = f"{row.scheme}: not defined ({row.outcome}, {row.failed_runs}/{row.runs} failed)"
    else:
        bound = "at least " if rule == "basin width" and row.basin_censored != "no" else ""
        found = f"{row.scheme}: {bound}{value:.6g}"
    return Check(rule=rule, passed=passed, found=found, asked=asked)


def _rate_check(row: SchemeRow | None, rate: float) -> Check:
    """Return the check of a rate."""
    asked = f"basin holds {numbers.rate(rate)}"
    if row is None or row.basin_low is None or row.basin_high is None:
        return _check(row, "rate", None, asked, passed=False)
    low, high = row.basin_low, row.basin_high
    # Rates are asked for as people write them, to three digits: 0.00316 is on the edge.
    inside = low * 0.995 <= rate <= high * 1.005
    found = (
        f"{row.scheme}: {numbers.rate_range(low, high)}, chosen {numbers.rate(row.learning_rate)}"
    )
    return Check(rule="rate", passed=inside, found=found, asked=asked)
