"""What the recommended scheme's kept model gets wrong on test rows."""

from initsweep.core.results import Results
from initsweep.views.packet import mistakes
from initsweep.views.packet.document import SECTIONS, Facts, Figure, Fold, Grid, Paragraph, Section

_MATRIX = (
    "Rows are what is true, columns what is predicted; strong colour is much of its class, bold "
    "counts are mistakes."
)
_RESIDUALS = (
    "Points on the dashed lines are predicted as they are. A trend on the right would say that "
    "small or large targets are missed on one side."
)


@SECTIONS.register("mistakes")
def section(study: Results) -> Section | None:
    """Return results by class with the confusion matrix, or the residuals of a regression."""
    name = study.verdict.recommended
    if name is None or not study.predictions:
        return None
    seed = study.by_scheme[name].confirmation.median_seed
    text = (
        f"One model, not a mean: {name} with seed {seed}, the one whose validation loss is the "
        f"median of the first {len(study.params.confirm.seeds)} fresh seeds. Other seeds make "
        "other mistakes."
    )
    if study.schema.task == "classification":
        numbers = Grid(table=mistakes.class_table(study), caption="Results by class on test rows")
        return Section(
            place=80, title="Results by class", short="By class",
            blocks=[Paragraph(text=text), Figure(name="errors", caption=_MATRIX),
                    Fold(title="Precision and recall by class", blocks=[numbers])],
        )  # fmt: skip
    return Section(
        place=80, title="Residuals", short="Residuals",
        blocks=[Paragraph(text=text), Figure(name="errors", caption=_RESIDUALS),
                Facts(pairs=mistakes.residual_facts(study))],
    )  # fmt: skip
