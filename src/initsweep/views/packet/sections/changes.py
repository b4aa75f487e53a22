"""What would change the decision: other settings, other seeds, other criteria."""

from initsweep.core.results import Results
from initsweep.views.packet import what_would_change
from initsweep.views.packet.document import SECTIONS, Block, Fold, Grid, Paragraph, Section
from initsweep.views.packet.tables import Table


@SECTIONS.register("changes")
def changes(study: Results) -> Section | None:
    """Return the decision made again with one thing changed, and who is next by each criterion."""
    if not any(row.trainable for row in study.schemes):
        return None
    blocks: list[Block] = [
        Paragraph(lead="One fresh seed less:", text=what_would_change.by_seed(study)),
        Paragraph(lead="One tuning seed less:", text=what_would_change.by_tuning_seed(study)),
        Paragraph(lead="Tuned again:", text=what_would_change.by_tuning(study)),
        Paragraph(lead="Other settings:", text=what_would_change.by_setting(study)),
        _folded(
            "The decision under other settings, everything else as it stands",
            what_would_change.settings_table(study),
        ),
        _folded(
            "The first and the next scheme by each criterion",
            what_would_change.criteria_table(study),
        ),
    ]
    if study.needed_seeds:
        blocks.append(
            _folded(
                "Fresh seeds needed to settle each inconclusive pair",
                what_would_change.needed_table(study),
                what_would_change.HOW_MANY_SEEDS,
            )
        )
    return Section(
        place=30, title="What would change the decision", short="What would change it",
        blocks=blocks,
    )  # fmt: skip


def _folded(title: str, table: Table, text: str = "") -> Fold:
    grid = Grid(table=table, caption=title)
    return Fold(title=title, blocks=[Paragraph(text=text), grid] if text else [grid])
