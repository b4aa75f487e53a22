"""Learning curves of the fresh runs."""

from initsweep.core.results import Results
from initsweep.views.packet.document import SECTIONS, Figure, Section


@SECTIONS.register("curves")
def curves(study: Results) -> Section:  # noqa: ARG001 - one signature for all
    """Return the learning curves."""
    blocks = [Figure(name="learning_curves")]
    return Section(place=70, title="Learning curves", short="Learning curves", blocks=blocks)
