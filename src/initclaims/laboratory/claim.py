"""What a claim is: a statement, an experiment, a criterion fixed before the run, a reading."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from initclaims.laboratory.lab import Lab
from initclaims.laboratory.pictures import Beside, Picture
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval
from initsweep.core.registry import Registry

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
        reading: What to make of it, in a few sentences.
        on: What it depends on, in a few words that follow "depends on"; "" for other answers.
    """

    answer: Answer
    effects: list[Effect]
    reading: str
    on: str = ""

    def __post_init__(self) -> None:
        """Refuse a judgement that depends on nothing, or says on what and does not depend.

        Raises:
            ValueError: If `on` is missing or too much.
        """
        if bool(self.on) != (self.answer == "depends"):
            raise ValueError(
                f"a judgement says on what exactly if its answer is 'depends'; received the answer "
                f"{self.answer!r} on {self.on!r}"
            )

    @property
    def told(self) -> str:
        """The answer, and what it depends on."""
        return f"depends on {self.on}" if self.on else self.answer


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


class Claims(Registry[Claim]):
    """The claims by name: each the constant `CLAIM` of the file of its name."""

    def _discover(self) -> None:
        if not self._entries:
            folder = importlib.import_module(self._package).__path__
            names = [module.name for module in pkgutil.iter_modules(folder)]
            modules = [importlib.import_module(f"{self._package}.{name}") for name in names]
            self._entries = {n: module.CLAIM for n, module in zip(names, modules, strict=True)}


CLAIMS = Claims("claim", "initclaims.claims")
