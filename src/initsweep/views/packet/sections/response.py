"""The whole learning-rate response: panels, what a budget of rates buys, sensitivity."""

from initsweep.core.results import Results
from initsweep.views.packet import terms
from initsweep.views.packet.document import SECTIONS, Figure, Fold, Grid, Section, Terms
from initsweep.views.packet.sensitivity import sensitivity_table

_RACED = (
    "Shaded in colour: the basin, neighbouring rates within the basin tolerance of the scheme's "
    "best, interpolated between all rates tried. The rates of a scheme raced on common seeds; a "
    "hollow one fell behind and left, so that it rests on fewer seeds and is taken to be as far "
    "behind on the others. Losses are cut at the constant predictor's, which is also what a "
    "diverged run counts as."
)


@SECTIONS.register("response")
def response(study: Results) -> Section:
    """Return one panel per scheme, the budget curves and the sensitivity table."""
    raced = study.params.tune.strategy == "racing"
    numbers = Grid(
        table=sensitivity_table(study),
        caption="Sensitivity to the learning rate, one line per scheme",
    )
    return Section(
        place=60,
        title="The whole learning-rate response",
        short="Learning rates",
        blocks=[
            Figure(name="lr_response", caption=_RACED if raced else ""),
            Figure(name="budget"),
            Fold(
                title="Sensitivity to the learning rate",
                blocks=[numbers, Terms(pairs=terms.of(study)["sensitivity"])],
            ),
        ],
    )
