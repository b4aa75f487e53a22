"""Learning curves of the fresh runs."""

from initsweep.reporting.document import SECTIONS, Figure, Section
from initsweep.results import Results


@SECTIONS.register("curves")
def curves(study: Results) -> Section:  # noqa: ARG001 - one signature for all
    """Return the learning curves."""
    blocks = [Figure(name="learning_curves")]
    return Section(place=70, title="Learning curves", short="Learning curves", blocks=blocks)
