"""This study against the last decision."""

from initsweep.reporting import champion
from initsweep.reporting.document import SECTIONS, Facts, Paragraph, Section
from initsweep.results import Results


@SECTIONS.register("champion")
def section(study: Results) -> Section:
    """Return whether to change what is in use, and why."""
    challenge = study.challenge
    # Without a decision the statement itself begins so.
    lead = f"{champion.HEADS[challenge.standing]}." if challenge.champion else ""
    return Section(
        place=20,
        title="Against the last decision",
        short="Last decision",
        blocks=[
            Paragraph(lead=lead, text=challenge.statement),
            Facts(pairs=champion.facts(challenge)),
        ],
    )
