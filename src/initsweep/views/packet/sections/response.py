"""The whole learning-rate response: panels, what a budget of rates buys, sensitivity."""

from initsweep.core import numbers
from initsweep.core.records import Quantity, QuantityRow, SchemeRow
from initsweep.core.results import Results
from initsweep.views.packet import terms
from initsweep.views.packet.document import SECTIONS, Figure, Fold, Grid, Section, Terms
from initsweep.views.packet.tables import Cell, Table, largest_stable, scheme_cell

_RACED = (
    "Shaded in colour: the basin, neighbouring rates within the basin tolerance of the scheme's "
    "best, interpolated between all rates tried. The rates of a scheme raced on common seeds; a "
    "hollow one fell behind and left, so that it rests on fewer seeds and is taken to be as far "
    "behind on the others. Losses are cut at the constant predictor's, which is also what a "
    "diverged run counts as."
)


@SECTIONS.register("response")
def response(study: Results) -> Section:
    """Return one panel per scheme, the budget curves and the sensitivity table."""
    raced = study.params.tune.strategy == "racing"
    grid = Grid(
        table=sensitivity_table(study),
        caption="Sensitivity to the learning rate, one line per scheme",
    )
    return Section(
        place=60,
        title="The whole learning-rate response",
        short="Learning rates",
        blocks=[
            Figure(name="lr_response", caption=_RACED if raced else ""),
            Figure(name="budget"),
            Fold(
                title="Sensitivity to the learning rate",
                blocks=[grid, Terms(pairs=terms.of(study)["sensitivity"])],
            ),
        ],
    )


_HEADS: dict[Quantity, str] = {
    "basin_width": "Basin, decades",
    "global_basin_width": "Global basin, decades",
    "largest_stable_rate": "Largest stable rate",
    "first_unstable_rate": "First unstable rate",
    "safety_margin": "Safety margin, decades",
    "regret": "Regret",
    "tuned_gap": "Tuned gap",
    "sensitivity": "Sensitivity S'",
    "wortsman_sensitivity": "Wortsman's S",
    "divergence_rate": "Divergence rate",
    "time_to_target": "Epochs to target",
    "area_under_curve": "Area under curve",
}


def sensitivity_table(study: Results) -> Table:
    """Return each quantity with its interval over seeds, where one is known."""
    known = {(row.scheme, row.quantity): row for row in study.quantities}
    rows = []
    for row in study.schemes:
        texts = _texts(row)
        cells = [scheme_cell(row.scheme)]
        for quantity in _HEADS:
            found = known.get((row.scheme, quantity))
            text = texts.get(quantity)
            if text is None:  # not in the verdict table's row
                text = numbers.MISSING if found is None else _bounded(found)
            note = _interval(found)
            cells.append(Cell(text=text, note="" if note == text else note))
        rows.append((row.outcome, cells))
    return Table(head=["Scheme", *_HEADS.values()], rows=rows)


def _texts(row: SchemeRow) -> dict[Quantity, str]:
    margin = row.safety_margin
    return {
        "basin_width": numbers.width(row.basin_width, row.basin_censored),
        "global_basin_width": numbers.width(row.global_basin_width, _global_censored(row)),
        "largest_stable_rate": largest_stable(row),
        "first_unstable_rate": numbers.rate(row.first_unstable_rate),
        "safety_margin": numbers.MISSING if margin is None else numbers.fixed(margin, 2),
        "regret": numbers.loss(row.regret),
        "tuned_gap": numbers.loss(row.tuned_gap),
        "sensitivity": numbers.loss(row.sensitivity),
        "wortsman_sensitivity": numbers.loss(row.wortsman_sensitivity),
        "divergence_rate": numbers.percent(row.divergence_rate),
    }


def _global_censored(row: SchemeRow) -> str:
    # The global basin lies within the scheme's own one; where they are equal, so are their ends.
    return row.basin_censored if row.global_basin_width == row.basin_width else "no"


def _bounded(row: QuantityRow) -> str:
    sign = {"high": "≥ ", "low": "≤ "}.get(row.censored, "")
    return sign + _in_unit(row.estimate, row.unit)


def _interval(row: QuantityRow | None) -> str:
    if row is None or row.method == "none" or (row.low is None and row.high is None):
        return ""
    if row.low is None or row.high is None:
        side, value = ("≤", row.high) if row.low is None else ("≥", row.low)
        return f"{side} {_in_unit(value or 0.0, row.unit)}"
    low, high = _in_unit(row.low, row.unit), _in_unit(row.high, row.unit)
    return "" if low == high else f"{low} to {high}"


def _in_unit(value: float, unit: str) -> str:
    if unit == "decades":
        return numbers.fixed(value, 2)
    if unit in {"learning rate", "epochs"}:
        return numbers.rate(value)
    if unit == "share":
        return numbers.percent(value)
    return numbers.loss(value)
