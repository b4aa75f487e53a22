"""What the commands say of the study in the working directory."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from initsweep.core import artifacts, numbers
from initsweep.core.decisions import Challenge, Decision
from initsweep.core.finished import check_finished
from initsweep.core.records import SchemeRow
from initsweep.core.results import Results
from initsweep.promotion import ledger
from initsweep.views.terminal import freshness

PACKET = artifacts.REPORTS / "review.html"


class Answer(Results):
    """The results, and how they stand to what was decided and to what has changed since."""

    @cached_property
    def decision(self) -> Decision | None:
        """The decision that holds."""
        return ledger.last_decision()

    @cached_property
    def decided(self) -> str:
        """What there is to say of it, also of one made since."""
        return _decided(self.challenge, self.decision)

    @cached_property
    def notices(self) -> Sequence[str]:
        """What is out of date, as far as a quick look can tell."""
        return freshness.notices(self.challenge, self.decision)

    def row(self, scheme: str) -> SchemeRow | None:
        """Return a scheme's line of the verdict table, None if the study has no such scheme."""
        return next((row for row in self.schemes if row.scheme == scheme), None)


def read() -> Answer:
    """Read the study in the working directory.

    Returns:
        Its answer. What most of it rests on has been read: half an answer would be none.

    Raises:
        ArtifactError: If the study has not run, or its files are damaged.
    """
    check_finished(Path.cwd())
    answer = Answer()
    for name in ("challenge", "decision", "verdict", "schemes", "response", "decided", "notices"):
        getattr(answer, name)
    return answer


def _decided(challenge: Challenge, decision: Decision | None) -> str:
    if decision is None or not freshness.is_newer(challenge, decision):
        return challenge.statement
    day = decision.when.partition("T")[0]
    return (
        f"{decision.scheme} at learning rate {numbers.rate(decision.learning_rate)}, chosen by "
        f"{decision.by} on {day}: {decision.because}"
    )
