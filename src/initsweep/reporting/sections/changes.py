"""What would change the decision: other settings, other seeds, other criteria."""

from initsweep.reporting import alternatives
from initsweep.reporting.document import SECTIONS, Block, Grid, Heading, Paragraph, Section
from initsweep.reporting.study import Study


@SECTIONS.register("changes")
def changes(study: Study) -> Section | None:
    """Return the decision made again with one thing changed, and who is next by each criterion."""
    if not any(row.trainable for row in study.schemes):
        return None
    blocks: list[Block] = [
        Paragraph(lead="One fresh seed less:", text=alternatives.by_seed(study)),
        Paragraph(lead="One tuning seed less:", text=alternatives.by_tuning_seed(study)),
        Paragraph(lead="Tuned again:", text=alternatives.by_tuning(study)),
        Paragraph(lead="Other settings:", text=alternatives.by_setting(study)),
        Grid(
            table=alternatives.settings_table(study),
            caption="The decision under other settings, everything else as it stands",
        ),
        Heading(text="Who is next by each criterion"),
        Grid(
            table=alternatives.criteria_table(study),
            caption="The first and the next scheme by each criterion",
        ),
    ]
    if study.needed_seeds:
        blocks += [
            Heading(text="What it would take to settle the inconclusive pairs"),
            Paragraph(text=alternatives.HOW_MANY_SEEDS),
            Grid(
                table=alternatives.needed_table(study),
                caption="Fresh seeds needed to settle each inconclusive pair",
            ),
        ]
    return Section(
        place=30, title="What would change the decision", short="What would change it",
        blocks=blocks,
    )  # fmt: skip
