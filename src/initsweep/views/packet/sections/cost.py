"""What the study cost."""

from collections.abc import Iterable

from initsweep.core.records import RunRow
from initsweep.core.results import Results
from initsweep.views.packet.document import SECTIONS, Fold, Grid, Paragraph, Section
from initsweep.views.packet.tables import Cell, Table, scheme_cell


@SECTIONS.register("cost")
def section(study: Results) -> Section:
    """Return trainings and updates, or epochs, by scheme."""
    text = (
        f"{sentence(study)} Wall-clock time is left out: the packet is the same, byte for "
        "byte, whenever and wherever it is made. `initsweep bench` measures time on your machine."
    )
    grid = Grid(table=table(study), caption="Trainings by scheme, and how long they were")
    return Section(
        place=100,
        title="Cost",
        short="Cost",
        blocks=[Paragraph(text=text), Fold(title="Trainings by scheme", blocks=[grid])],
    )


def updates(study: Results, runs: Iterable[RunRow]) -> int:
    """Return the updates that were made, or epochs of an own loop; a diverged run stopped early."""
    params = study.params.training
    all_of_them = study.epochs
    if study.params.loop is None:
        all_of_them *= max(1, study.schema.rows["train"] // params.batch_size)
    return sum(
        all_of_them if run.diverged_at_step is None else run.diverged_at_step for run in runs
    )


def sentence(study: Results) -> str:
    """Return the totals."""
    runs = study.runs
    diverged = sum(run.status == "diverged" for run in runs)
    again = " Tuning again is not counted." if study.params.tune.retunes else ""
    size = study.params.training.batch_size
    what = f"updates of {size} examples" if study.params.loop is None else "epochs"
    return (
        f"{_count(len(runs))} trainings with {_count(updates(study, runs))} {what}; "
        f"{_count(diverged)} diverged and stopped." + again
    )


def table(study: Results) -> Table:
    """Return the numbers by scheme."""
    rows = []
    for name in study.names:
        own = study.by_scheme[name]
        tuning, fresh = own.tuning_runs, own.fresh_runs
        rates = len({(run.kind, run.learning_rate) for run in tuning})
        both = [*tuning, *fresh]
        diverged = sum(run.status == "diverged" for run in both)
        numbers = (rates, len(tuning), len(fresh), diverged, updates(study, both))
        rows.append(("", [scheme_cell(name), *(Cell(text=_count(number)) for number in numbers)]))
    head = ["Scheme", "Rates tried", "Tuning runs", "Fresh runs", "Diverged"]
    head.append("Updates" if study.params.loop is None else "Epochs")
    return Table(head=head, rows=rows)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
