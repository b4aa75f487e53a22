"""What limits the verdict."""

from initsweep.core.results import Results
from initsweep.views.packet.document import SECTIONS, Items, Paragraph, Section


@SECTIONS.register("caveats")
def caveats(study: Results) -> Section:
    """Return everything that limits the verdict."""
    found = study.verdict.caveats
    blocks = [Items(texts=found)] if found else [Paragraph(text="None were recorded.")]
    return Section(place=45, title="Caveats", short="Caveats", blocks=blocks)
