"""The part of a finished study that an answer is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from initsweep import artifacts, ledger
from initsweep.answer import freshness
from initsweep.decisions import Challenge, Decision
from initsweep.errors import ArtifactError
from initsweep.figures import numbers
from initsweep.records import ResponseRow, SchemeRow, Verdict
from initsweep.reporting.study import ranked

PACKET = artifacts.REPORTS / "review.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The verdict and the tables behind it.

    Attributes:
        schemes: The verdict table, best first (see `ranked`).
        response: The learning-rate responses of all schemes.
        challenge: The recommended scheme against the last decision.
        decided: What there is to say of the last decision, also of one made since.
        notices: What is out of date, as far as a quick look can tell.
    """

    verdict: Verdict
    schemes: Sequence[SchemeRow]
    response: Sequence[ResponseRow]
    challenge: Challenge
    decided: str = ""
    notices: Sequence[str] = ()

    def row(self, scheme: str) -> SchemeRow | None:
        """Return a scheme's line of the verdict table, None if the study has no such scheme."""
        return next((row for row in self.schemes if row.scheme == scheme), None)


def read() -> Answer:
    """Read the study in the working directory.

    Returns:
        Its answer.

    Raises:
        ArtifactError: If the study has not run, or its files are damaged.
    """
    folder = artifacts.COMPARE
    challenge = artifacts.read_record(folder / "champion.json", Challenge)
    decision = ledger.last_decision()
    verdict = artifacts.read_record(folder / "verdict.json", Verdict)
    schemes = ranked(artifacts.read_rows(folder / "schemes.csv", SchemeRow))
    named = {verdict.recommended, verdict.best_on_validation} - {None}
    if not schemes or not named <= {row.scheme for row in schemes}:
        raise ArtifactError(
            f"'{folder / 'schemes.csv'}' lacks schemes that the verdict names. Run `dvc repro`."
        )
    return Answer(
        verdict=verdict,
        schemes=schemes,
        response=artifacts.read_rows(folder / "response.csv", ResponseRow),
        challenge=challenge,
        decided=_decided(challenge, decision),
        notices=freshness.notices(challenge, decision),
    )


def _decided(challenge: Challenge, decision: Decision | None) -> str:
    if decision is None or not freshness.is_newer(challenge, decision):
        return challenge.statement
    day = decision.when.partition("T")[0]
    return (
        f"{decision.scheme} at learning rate {numbers.rate(decision.learning_rate)}, chosen by "
        f"{decision.by} on {day}: {decision.because}"
    )
