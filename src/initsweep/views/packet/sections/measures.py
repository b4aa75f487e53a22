"""What was measured on test rows beside loss and score."""

from initsweep.core import numbers
from initsweep.core.records import MeasureSummary
from initsweep.core.results import Results
from initsweep.metrics import METRICS, rarest_class
from initsweep.statistics.wording import fresh_seeds
from initsweep.views.packet.document import SECTIONS, Fold, Grid, Paragraph, Section, Terms
from initsweep.views.packet.tables import Cell, Table, scheme_cell


@SECTIONS.register("measures")
def section(study: Results) -> Section | None:
    """Return the other measures of all schemes, each with what it is."""
    if not names(study):
        return None
    text = (
        f"Means over {fresh_seeds(study.schemes)} at each scheme's chosen rate, with 95 % "
        "intervals over seeds. Nothing was chosen by them."
    )
    grid = Grid(table=table(study), caption="Other measures on test rows")
    return Section(
        place=55,
        title="Other measures on test rows",
        short="Other measures",
        blocks=[
            Paragraph(text=text),
            Fold(
                title="Every measure of every scheme",
                blocks=[grid, Terms(pairs=terms(study))],
            ),
        ],
    )


ABBREVIATIONS = ("mae", "rmse")


def names(study: Results) -> list[str]:
    """Return the measures that the verdict's table does not show already."""
    found = dict.fromkeys(row.measure for row in study.measures)
    return [name for name in found if name != study.verdict.score_name]


def table(study: Results) -> Table:
    """Return mean and interval of each measure, schemes in the order of the verdict's table."""
    shown = names(study)
    by_place = {(row.scheme, row.measure): row for row in study.measures}
    rows = [
        ("", [scheme_cell(one), *(_cell(study, by_place[one, name]) for name in shown)])
        for one in study.names
    ]
    return Table(head=["Scheme", *(title(name) for name in shown)], rows=rows)


def terms(study: Results) -> list[tuple[str, str]]:
    """Return what each measure is."""
    meanings = [(title(name), METRICS.get(name).summary) for name in names(study)]
    schema, rarest = study.schema, rarest_class(study.schema.class_counts)
    if rarest >= 0:
        count = schema.class_counts[rarest]
        told = f" (here {study.classes[rarest]}, {count} {schema.rows_known} rows)"
        recall = title("minority_recall")
        meanings = [(term, text + told if term == recall else text) for term, text in meanings]
    return meanings


def title(name: str) -> str:
    """Return a measure's name as a column's head, known abbreviations in capitals."""
    first, *others = name.split("_")
    first = first.upper() if first in ABBREVIATIONS else first.capitalize()
    return " ".join([first, *others])


def _cell(study: Results, row: MeasureSummary) -> Cell:
    whole = len(study.by_scheme[row.scheme].confirmation.seeds)
    missing = f"{row.runs} of {whole} runs" if row.runs < whole else ""
    if row.estimate is None or row.low is None or row.high is None:
        return Cell(text=numbers.MISSING, note=missing)
    ends = f"{_number(row.low, row.measure)} to {_number(row.high, row.measure)}"
    note = f"{ends}, {missing}" if missing else ends
    return Cell(text=_number(row.estimate, row.measure), note=note)


def _number(value: float, measure: str) -> str:
    """Return a share as scores are written, and an error in the target's unit to three digits."""
    if METRICS.get(measure).needs == "target_scale":
        return numbers.significant(value, 3)
    return numbers.score(value, measure)
