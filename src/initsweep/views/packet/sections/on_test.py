"""Every trainable scheme against the recommended one, on test data."""

from initsweep.core.results import Results
from initsweep.views.packet import tables, terms
from initsweep.views.packet.document import SECTIONS, Figure, Fold, Grid, Paragraph, Section, Terms


@SECTIONS.register("test")
def on_test(study: Results) -> Section:
    """Return the paired comparisons on test data."""
    title, short = "Pair by pair on test data", "On test data"
    reference = next((pair.reference for pair in study.pairs if pair.family == "test"), None)
    if reference is None:
        text = "There are no two trainable schemes to compare."
        return Section(place=50, title=title, short=short, blocks=[Paragraph(text=text)])
    text = (
        f"Every trainable scheme against {reference}, seed by seed, on rows that no choice in this "
        "study was made on."
    )
    if study.verdict.recommended is None:
        text += " It is the best guess so far and not a recommendation."
    return Section(
        place=50,
        title=title,
        short=short,
        blocks=[
            Paragraph(text=text),
            Figure(name="comparison"),
            Fold(
                title="Paired comparisons on test data",
                blocks=[
                    Grid(table=tables.pairs_table(study.pairs), caption="Paired comparisons"),
                    Terms(pairs=terms.of(study)["test"]),
                ],
            ),
        ],
    )
