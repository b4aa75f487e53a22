"""What a claim is: a statement, an experiment, a criterion fixed before the run, a reading."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from initsweep.laboratory.lab import Lab
from initsweep.laboratory.pictures import Beside, Picture
from initsweep.laboratory.table import Measurement, Table
from initsweep.records import Interval
from initsweep.registry import Registry

Answer = Literal["supported", "refuted", "depends", "cannot tell"]

ANSWERS: tuple[Answer, ...] = ("supported", "refuted", "depends", "cannot tell")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One number that the answer rests on.

    Attributes:
        name: What it is, in words, with its unit.
        value: The estimate with its 95 % interval over seeds; low and high equal the estimate
            where nothing was drawn at random.
        published: What the source reports for the same quantity, in words; "" where it gives none.
    """

    name: str
    value: Interval
    published: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the measurements say about a claim.

    Attributes:
        answer: The verdict.
        effects: The numbers behind it, the decisive one first.
        reading: What to make of it, in one to three sentences; names what it depends on.
    """

    answer: Answer
    effects: list[Effect]
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement about initialization, and how it is put to the test.

    Attributes:
        title: A few words, the heading on the page.
        statement: What is claimed, in our own words.
        source: Who claims it: the chapter's answer, or paper and figure.
        experiment: What is done, in words.
        criterion: When it counts as supported, refuted or neither, in words; `judge` is the same
            in code. Both stand before the run and are not changed after it.
        measure: Runs the experiment.
        judge: Applies the criterion to the measurements, and to nothing else.
        picture: How the measurements are drawn.
        section: Where it stands on the page.
    """

    title: str
    statement: str
    source: str
    experiment: str
    criterion: str
    measure: Callable[[Lab], list[Measurement]]
    judge: Callable[[Table], Judgement]
    picture: Picture | Beside
    section: Literal["chapter", "papers"]


CLAIMS: Registry[Claim] = Registry("claim", "initsweep.claims")
