"""What the untrained networks already show."""

from initsweep.core.results import Results
from initsweep.views.packet import tables, window
from initsweep.views.packet.document import SECTIONS, Figure, Fold, Grid, Paragraph, Section


@SECTIONS.register("diagnosis")
def diagnosis(study: Results) -> Section:
    """Return the diagnosis of every scheme and the figures behind it."""
    if not study.layers:
        reasons = dict.fromkeys(row.reason for row in study.diagnosis)
        return Section(
            place=90,
            title="Diagnosis before any training",
            short="Before training",
            blocks=[Paragraph(text=f"The networks were not looked at: {'; '.join(reasons)}.")],
        )
    table = Grid(
        table=tables.diagnosis_table(study), caption="Diagnosis of each scheme before training"
    )
    return Section(
        place=90,
        title="Diagnosis before any training",
        short="Before training",
        blocks=[
            Paragraph(
                text="What the untrained networks already show. It predicts trouble; it does not "
                "rank the schemes that look healthy."
            ),
            Fold(title="Diagnosis of each scheme", blocks=[table]),
            Paragraph(text=window.advice(study)),
            Figure(name="signal"),
            Fold(
                title="Dead units, alike examples and the rank of the activations",
                blocks=[Figure(name="health"), Figure(name="spectrum")],
            ),
        ],
    )
