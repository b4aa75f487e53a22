"""Data and protocol."""

from initsweep.reporting import facts
from initsweep.reporting.document import SECTIONS, Facts, Fold, Section
from initsweep.results import Results


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
