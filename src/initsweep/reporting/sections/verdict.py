"""The verdict table: who is recommended, who ties, and the numbers."""

from initsweep.reporting import tables, terms
from initsweep.reporting.document import SECTIONS, Fold, Grid, Paragraph, Section, Terms
from initsweep.reporting.study import Study, marked_tied
from initsweep.statistics.wording import failing_ties, listed


@SECTIONS.register("verdict")
def verdict(study: Study) -> Section:
    """Return the verdict table with the meaning of its words."""
    table = Grid(
        table=tables.verdict_table(study), caption="Verdict table, one line per scheme, best first"
    )
    meaning = Fold(title="What the columns mean", blocks=[Terms(pairs=terms.of(study)["verdict"])])
    return Section(
        place=10,
        title="Verdict",
        short="Verdict table",
        blocks=[Paragraph(text=_who_ties(study)), table, meaning],
    )


def _who_ties(study: Study) -> str:
    tied = [name for name in study.names if name in marked_tied(study.schemes)]
    best = study.verdict.best_on_validation
    if not tied:
        return "No two schemes tie on validation."
    return (
        f"{len(tied)} schemes are not distinguished: on validation none of them was shown to be "
        f"worse than {best} by a difference that matters. Among them the one that "
        "forgives most is taken: the widest basin, then the fewest failed runs, then the "
        f"smallest regret.{_failing(study)}"
    )


def _failing(study: Study) -> str:
    failing = failing_ties(study.schemes)
    if not failing:
        return ""
    return (
        f" Some of them failed in fresh runs: {listed(failing)}. Not shown to be worse does not "
        "mean as good; the caveats say how many failures it takes."
    )
