"""Data and protocol."""

from initsweep.reporting import facts
from initsweep.reporting.document import SECTIONS, Facts, Heading, Section
from initsweep.reporting.study import Study


@SECTIONS.register("protocol")
def protocol(study: Study) -> Section:
    """Return what the data is, and what was held fixed, tuned and measured."""
    return Section(
        place=110,
        title="Data and protocol",
        short="Data and protocol",
        blocks=[
            Heading(text="Data"),
            Facts(pairs=facts.data(study)),
            Heading(text="Protocol"),
            Facts(pairs=facts.protocol(study)),
        ],
    )
