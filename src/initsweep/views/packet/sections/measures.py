"""What was measured on test rows beside loss and score."""

from initsweep.core.results import Results
from initsweep.statistics.wording import fresh_seeds
from initsweep.views.packet import measures
from initsweep.views.packet.document import SECTIONS, Fold, Grid, Paragraph, Section, Terms


@SECTIONS.register("measures")
def section(study: Results) -> Section | None:
    """Return the other measures of all schemes, each with what it is."""
    if not measures.names(study):
        return None
    text = (
        f"Means over {fresh_seeds(study.schemes)} at each scheme's chosen rate, with 95 % "
        "intervals over seeds. Nothing was chosen by them."
    )
    grid = Grid(table=measures.table(study), caption="Other measures on test rows")
    return Section(
        place=55,
        title="Other measures on test rows",
        short="Other measures",
        blocks=[
            Paragraph(text=text),
            Fold(
                title="Every measure of every scheme",
                blocks=[grid, Terms(pairs=measures.terms(study))],
            ),
        ],
    )
