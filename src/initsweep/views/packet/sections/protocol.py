"""Data and protocol."""

from initsweep.core.results import Results
from initsweep.views.packet import facts
from initsweep.views.packet.document import SECTIONS, Facts, Fold, Section


@SECTIONS.register("protocol")
def protocol(study: Results) -> Section:
    """Return what the data is, and what was held fixed, tuned and measured."""
    return Section(
        place=110,
        title="Data and protocol",
        short="Data and protocol",
        blocks=[
            Facts(pairs=facts.data(study)),
            Fold(
                title="What was held fixed, tuned and measured",
                blocks=[Facts(pairs=facts.protocol(study))],
            ),
        ],
    )
