"""This study against the last decision."""

from initsweep.core import numbers
from initsweep.core.decisions import Challenge
from initsweep.core.results import Results
from initsweep.views.packet.document import SECTIONS, Facts, Paragraph, Section


@SECTIONS.register("champion")
def section(study: Results) -> Section:
    """Return whether to change what is in use, and why."""
    challenge = study.challenge
    # Without a decision the statement itself begins so.
    lead = f"{HEADS[challenge.standing]}." if challenge.champion else ""
    return Section(
        place=20,
        title="Against the last decision",
        short="Last decision",
        blocks=[
            Paragraph(lead=lead, text=challenge.statement),
            Facts(pairs=facts(challenge)),
        ],
    )


HEADS = {
    "no_champion": "No decision yet",
    "no_candidate": "Keep the champion",
    "same": "This is the champion",
    "better": "Change",
    "equivalent": "No reason to change",
    "worse": "Keep the champion",
    "inconclusive": "Cannot tell: keep the champion",
    "not_comparable": "Not comparable: decide anew",
}


def facts(challenge: Challenge) -> list[tuple[str, str]]:
    """Return what there is to say about the last decision, label and text."""
    if challenge.champion is None:
        return []
    said = f"{challenge.champion}, chosen by {challenge.decided_by} on {_day(challenge)}"
    found = [("Champion", said), ("Because", challenge.decided_because or "")]
    if challenge.difference is not None:
        found.append(("Test loss, candidate minus champion", _difference(challenge)))
    if challenge.standing != "not_comparable":
        found.append(("Data", "the same rows, the same split"))
    changed = "; ".join(challenge.changed_settings)
    found.append(("Settings changed since then", changed or "none"))
    return found


def _day(challenge: Challenge) -> str:
    return (challenge.decided_when or "").partition("T")[0]


def _difference(challenge: Challenge) -> str:
    bounds = (challenge.difference_low, challenge.difference_high)
    low, high = (numbers.difference(value) for value in bounds if value is not None)
    how = "paired by seed" if challenge.paired else "unpaired, as the seeds differ"
    return (
        f"{numbers.difference(challenge.difference or 0.0)} (95 % interval {low} to {high}; {how}; "
        f"p {numbers.p_value(challenge.p_value or 0.0)}; margin {numbers.loss(challenge.margin)})"
    )
