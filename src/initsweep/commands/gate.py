"""`initsweep gate`: an exit status for CI."""

import argparse
import sys
from dataclasses import fields

from initsweep.views.terminal import answer, freshness, plain
from initsweep.views.terminal.gate_rules import Check, Limits, check_limits

PASSED = 0
FAILED = 1


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return one line per rule, and 1 if any failed.

    Raises:
        InitsweepError: If there are no results, they are out of date, or a limit is unusable.
    """
    limits = Limits(**{one.name: getattr(options, one.name) for one in fields(Limits)})
    checks = check_limits(answer.read(), limits)
    freshness.check_results()
    text = plain.spelt(_lines(checks), sys.stdout.encoding or "utf-8")
    return text, PASSED if all(check.passed for check in checks) else FAILED


def _lines(checks: list[Check]) -> str:
    longest = max(len(check.rule) for check in checks)
    lines = [
        f"{'PASS' if check.passed else 'FAIL'}  {check.rule:<{longest}}  {check.found} "
        f"(asked: {check.asked})"
        for check in checks
    ]
    failed = sum(not check.passed for check in checks)
    rules = "rule" if len(checks) == 1 else "rules"
    closing = f"{failed} of {len(checks)} {rules} failed." if failed else "All rules passed."
    return "\n".join([*lines, closing])
