"""From comparisons to a judgement: how answers follow, and how effects are told."""

from collections.abc import Mapping, Sequence

from initclaims.laboratory.claim import Answer, Effect, Judgement
from initclaims.laboratory.contest import edges, verdict
from initclaims.laboratory.table import Table, exactly
from initsweep.core.records import Interval

Number = Interval | float | None
"""An estimate, a number that nothing random went into, or what could not be measured."""


def first_that(**conditions: bool | None) -> Answer:
    """Return the first answer whose condition holds; we cannot tell where none does."""
    answers: dict[str, Answer] = {
        "supported": "supported",
        "refuted": "refuted",
        "depends": "depends",
    }
    held = (answers[name] for name, holds in conditions.items() if holds)
    return next(held, "cannot tell")


def judged(
    criterion: Answer | Sequence[bool | None],
    effects: Mapping[str, Number | tuple[Number, str]],
    reading: str | Mapping[str, str],
    *,
    on: str = "",
    rates: Table | None = None,
) -> Judgement:
    """Return a judgement.

    Args:
        criterion: The answer, or the comparisons that it follows from by `verdict`.
        effects: The numbers behind it by name, the decisive one first; with what the source reports
            where it does. What could not be measured is left out.
        reading: What to make of it, or that by answer.
        on: What it depends on, if it does.
        rates: The measurements, where rates were chosen: what there is to know of these follows.
    """
    answer: Answer = criterion if isinstance(criterion, str) else verdict(criterion)
    told = {n: value if isinstance(value, tuple) else (value, "") for n, value in effects.items()}
    found = [
        Effect(
            name=name,
            value=value if isinstance(value, Interval) else exactly(value),
            published=published,
        )
        for name, (value, published) in told.items()
        if value is not None
    ]
    return Judgement(
        answer=answer,
        effects=found + ([] if rates is None else edges(rates)),
        reading=reading if isinstance(reading, str) else reading[answer],
        on=on if answer == "depends" else "",
    )
