"""This study against the last decision."""

from initsweep.core.results import Results
from initsweep.views.packet import champion
from initsweep.views.packet.document import SECTIONS, Facts, Paragraph, Section


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
