"""What the study cost."""

from initsweep.core.results import Results
from initsweep.views.packet import cost
from initsweep.views.packet.document import SECTIONS, Fold, Grid, Paragraph, Section


@SECTIONS.register("cost")
def section(study: Results) -> Section:
    """Return trainings and updates by scheme."""
    text = (
        f"{cost.sentence(study)} Wall-clock time is left out: the packet is the same, byte for "
        "byte, whenever and wherever it is made. `initsweep bench` measures time on your machine."
    )
    grid = Grid(table=cost.table(study), caption="Trainings and updates by scheme")
    return Section(
        place=100,
        title="Cost",
        short="Cost",
        blocks=[Paragraph(text=text), Fold(title="Trainings by scheme", blocks=[grid])],
    )
