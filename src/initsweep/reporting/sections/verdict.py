"""The verdict table: who is recommended, who ties, and the numbers."""

from initsweep.reporting import tables, terms
from initsweep.reporting.document import SECTIONS, Fold, Grid, Paragraph, Section, Terms
from initsweep.reporting.study import Study
from initsweep.statistics.wording import counted, failing_ties, listed


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
    verdict = study.verdict
    if verdict.best_on_validation is None:
        return "No scheme is better than guessing."
    text = f"No other scheme comes within the margin of {verdict.best_on_validation} on validation."
    if len(verdict.tie_set) > 1:
        text = (
            f"{len(verdict.tie_set)} schemes are as good on validation as far as matters: within "
            f"the margin of {verdict.best_on_validation} and not shown to be worse. Of those that "
            "are not shown to forgive wrong rates less, the lowest mean is taken."
        )
    if verdict.undecided:
        text += (
            f" {counted(len(verdict.undecided), 'scheme')} more: beyond the margin and not shown "
            "to be worse either (undecided)."
        )
    return f"{text}{_failing(study)}"


def _failing(study: Study) -> str:
    failing = failing_ties(study.schemes)
    if not failing:
        return ""
    return (
        f" Not shown to be worse, though some failed in fresh runs: {listed(failing)}. The caveats "
        "say how many failures it takes."
    )
