"""The whole learning-rate response: panels, what a budget of rates buys, sensitivity."""

from initsweep.reporting import terms
from initsweep.reporting.document import SECTIONS, Figure, Fold, Grid, Section, Terms
from initsweep.reporting.sensitivity import sensitivity_table
from initsweep.reporting.study import Study


@SECTIONS.register("response")
def response(study: Study) -> Section:
    """Return one panel per scheme, the budget curves and the sensitivity table."""
    numbers = Grid(
        table=sensitivity_table(study),
        caption="Sensitivity to the learning rate, one line per scheme",
    )
    return Section(
        place=60,
        title="The whole learning-rate response",
        short="Learning rates",
        blocks=[
            Figure(name="lr_response"),
            Figure(name="budget"),
            Fold(
                title="Sensitivity to the learning rate",
                blocks=[numbers, Terms(pairs=terms.of(study)["sensitivity"])],
            ),
        ],
    )
