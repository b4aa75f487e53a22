"""What limits a tie: schemes that are the same, and such that failed and are not worse for it."""

import math
from collections.abc import Sequence

from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.selection import Choice, laws_of
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import counted, failing_more


def same_runs(trainable: Sequence[Summary]) -> list[str]:
    """Return which schemes are the same law on this network, run by run."""
    return [
        f"{', '.join(names)} are the same law here: every run of one has the same result as the "
        "other's. They count once."
        for names in laws_of(trainable)
        if len(names) > 1
    ]


def failed_ties(trainable: Sequence[Summary], choice: Choice, thresholds: Thresholds) -> list[str]:
    """Return which schemes are not shown to be worse although they failed in more fresh runs.

    In more than another of which the same is true.

    Returns:
        One sentence, with how many failures it takes to be called worse; none if there is none.
    """
    failing = failing_more(
        (summary.scheme, summary.failed_runs, len(summary.validation))
        for summary in trainable
        if summary.scheme in {*choice.tie_set, *choice.undecided}
    )
    if not failing:
        return []
    compared = max(1, choice.comparisons)
    # Where the other runs differ by little either way, p is about 2^-failures.
    enough = math.ceil(math.log2(compared / thresholds.level(choice.seeds)))
    holds = f"failures alone make a scheme worse from about {enough} on"
    if enough > choice.seeds:
        holds = "no number of failures alone makes a scheme worse"
    return [
        f"Not shown to be worse in spite of failed fresh runs: {', '.join(failing)}. Few runs say "
        "little about failures: by the sign-flip test with Holm's correction for "
        f"{counted(compared, 'comparison')} and {counted(choice.seeds, 'run')}, {holds}."
    ]
