"""What limits the verdict."""

from initsweep.reporting.document import SECTIONS, Items, Paragraph, Section
from initsweep.results import Results


@SECTIONS.register("caveats")
def caveats(study: Results) -> Section:
    """Return everything that limits the verdict."""
    found = study.verdict.caveats
    blocks = [Items(texts=found)] if found else [Paragraph(text="None were recorded.")]
    return Section(place=45, title="Caveats", short="Caveats", blocks=blocks)
