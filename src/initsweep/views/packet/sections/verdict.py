"""The verdict table: who is recommended, who ties, and the numbers."""

from initsweep.core.results import Results
from initsweep.statistics.wording import failing_ties, fresh_seeds
from initsweep.views.packet import tables, terms
from initsweep.views.packet.document import SECTIONS, Fold, Grid, Paragraph, Section, Terms


@SECTIONS.register("verdict")
def verdict(study: Results) -> Section:
    """Return the verdict table with the meaning of its words."""
    table = Grid(
        table=tables.verdict_table(study), caption="Verdict table, one line per scheme, best first"
    )
    meaning = Fold(title="What the columns mean", blocks=[Terms(pairs=terms.of(study)["verdict"])])
    return Section(
        place=10,
        title="Verdict",
        short="Verdict table",
        blocks=[Paragraph(text=_what_it_is(study)), table, meaning],
    )


def _what_it_is(study: Results) -> str:
    if study.verdict.best_on_validation is None:
        return "No scheme is better than guessing."
    text = "Where each scheme stands was decided on validation; test only describes it."
    if len({row.runs for row in study.schemes}) > 1:
        text += (
            f" Means are over {fresh_seeds(study.schemes)}, as many as the last column says; "
            "schemes are compared over the seeds that both have."
        )
    failing = failing_ties(study.schemes)
    if not failing:
        return text
    return (
        f"{text} Not shown to be worse, though some failed in fresh runs: {', '.join(failing)}. "
        "The caveats say how many failures it takes."
    )
