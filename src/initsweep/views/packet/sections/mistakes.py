"""What the recommended scheme's kept model gets wrong on test rows."""

import numpy as np

from initsweep.core import numbers
from initsweep.core.results import Results
from initsweep.views.figures.errors import confusion, in_units
from initsweep.views.packet.document import SECTIONS, Facts, Figure, Fold, Grid, Paragraph, Section
from initsweep.views.packet.tables import Cell, Table

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
        grid = Grid(table=class_table(study), caption="Results by class on test rows")
        return Section(
            place=80, title="Results by class", short="By class",
            blocks=[Paragraph(text=text), Figure(name="errors", caption=_MATRIX),
                    Fold(title="Precision and recall by class", blocks=[grid])],
        )  # fmt: skip
    return Section(
        place=80, title="Residuals", short="Residuals",
        blocks=[Paragraph(text=text), Figure(name="errors", caption=_RESIDUALS),
                Facts(pairs=residual_facts(study))],
    )  # fmt: skip


def class_table(study: Results) -> Table:
    """Return rows, precision, recall and F1 of each class, and what it is mostly taken for."""
    counts = confusion(study.predictions, study.schema.n_outputs)
    names = study.classes or [str(i) for i in range(len(counts))]
    rows = []
    for place, name in enumerate(names):
        right, true = int(counts[place, place]), int(counts[place].sum())
        predicted = int(counts[:, place].sum())
        wrong = counts[place].copy()
        wrong[place] = 0
        most = int(wrong.argmax())
        mistaken = f"{names[most]} ({wrong[most]})" if wrong[most] else numbers.MISSING
        rows.append(
            (
                "",
                [
                    Cell(text=name, role="word"),
                    Cell(text=str(true)),
                    _share(right, predicted),
                    _share(right, true),
                    _share(2 * right, true + predicted),
                    Cell(text=mistaken, role="word"),
                ],
            )
        )
    head = ["Class", "Test rows", "Precision", "Recall", "F1", "Mostly taken for"]
    return Table(head=head, rows=rows)


def _share(part: int, whole: int) -> Cell:
    return Cell(text=numbers.percent(part / whole, 1) if whole else numbers.MISSING)


def residual_facts(study: Results) -> list[tuple[str, str]]:
    """Return how far predictions are off, in the unit of the raw target."""
    targets, predictions = in_units(study.predictions, study.schema)
    off = np.array(predictions) - np.array(targets)
    percentiles = [numbers.significant(float(q), 3) for q in np.quantile(np.abs(off), (0.5, 0.9))]
    mean = numbers.significant(abs(float(off.mean())), 3)
    side = "above" if off.mean() > 0 else "below"
    return [
        ("Test rows", str(len(off))),
        ("Mean residual", f"{mean} {side} the truth"),
        ("Half of the predictions are off by at most", percentiles[0]),
        ("Nine of ten are off by at most", percentiles[1]),
        ("Root mean squared error", numbers.significant(float(np.sqrt((off**2).mean())), 3)),
        ("Standard deviation of the target", numbers.significant(float(np.std(targets)), 3)),
    ]
