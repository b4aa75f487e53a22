"""What is predicted for larger networks, in words: the packet, the terminal and MLflow say them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from initsweep.core import artifacts, numbers
from initsweep.core.errors import few
from initsweep.core.params import Params
from initsweep.core.records import SizeResponse
from initsweep.core.results import Results
from initsweep.statistics import racing
from initsweep.statistics.transfer import SchemeTransfer, Transfer
from initsweep.statistics.wording import counted
from initsweep.views.packet.tables import Cell, Table, scheme_cell


@dataclass(frozen=True, kw_only=True)
class Carried:
    """The prediction for one size, and the parameters of the study that it was made in."""

    params: Params
    folder: Path

    @cached_property
    def found(self) -> Transfer:
        """The prediction."""
        return artifacts.read_record(self.folder / "prediction.json", Transfer)

    @cached_property
    def responses(self) -> list[SizeResponse]:
        """The losses that it rests on, by size and rate."""
        return artifacts.read_rows(self.folder / "responses.csv", SizeResponse)

    @property
    def key(self) -> str:
        """What grows."""
        return self.params.transfer.keys[0]

    @property
    def target(self) -> str:
        """What is predicted: "model.width 512"."""
        return f"{self.key} {numbers.trimmed(self.found.target, 6)}"

    @property
    def start(self) -> SchemeTransfer | None:
        """The scheme to start from; None if nothing can be promised."""
        return next(
            (one for one in self.found.schemes if one.scheme == self.found.recommended), None
        )

    @property
    def sentence(self) -> str:
        """The answer."""
        one = self.start
        if one is None:
            return (
                f"For {self.target} nothing is promised: no scheme's best rate follows a law that "
                "can be trusted."
            )
        sure = numbers.percent(self.found.confidence)
        return (
            f"For {self.target} start from {one.scheme} at learning rate {numbers.rate(one.rate)} "
            f"(95 % interval {numbers.rate_range(*one.rate_interval)}), and expect to lose at most "
            f"{numbers.loss(one.promised_loss)} against tuning it there ({sure} sure)."
        )

    @property
    def standing(self) -> str:
        """Which schemes may be as good, and which are not compared; "" if there are none."""
        if self.start is None:
            return ""
        tied = [one for one in self.found.tied if one != self.found.recommended]
        left = [one.scheme for one in self.found.schemes if not one.trusted]
        left += [one.scheme for one in self.found.omitted]
        said = [
            f"Not shown to lose more than the margin against it: {few(tied)}." if tied else "",
            f"Not compared, as no law of theirs can be trusted: {few(left)}." if left else "",
        ]
        return " ".join(filter(None, said))

    @property
    def answer(self) -> str:
        """The answer, and where the other schemes stand."""
        return " ".join(filter(None, [self.sentence, self.standing]))

    @property
    def choice(self) -> str:
        """Whether the choice of the scheme carries over, "" if nothing says that."""
        check = self.found.ranking
        if check is None:
            return ""
        lost = f"{numbers.percent(check.behind, 1)} of the constant predictor's loss"
        at = f"{self.key} {numbers.trimmed(check.size, 6)}"
        if check.picked == check.best:
            return f"The smaller sizes pick {check.picked} for {at}, which is the best there."
        return (
            f"The smaller sizes pick {check.picked} for {at}, where {check.best} is the best; that "
            f"loses {lost}, {'within' if check.kept else 'more than'} the margin."
        )

    @property
    def cost(self) -> str:
        """What was trained for it, and what a sweep of the target would train."""
        spent, schemes = sum(row.seeds for row in self.responses), len(self.params.schemes)
        there = racing.trainings(self.params.tune) * schemes
        sizes = ", ".join(numbers.trimmed(one, 6) for one in self.found.sizes)
        return (
            f"{counted(spent, 'training')} at {self.key} {sizes}, and none at "
            f"{numbers.trimmed(self.found.target, 6)}; to tune the same schemes there would take "
            f"{there} of that size, and extensions of the grid."
        )

    @property
    def table(self) -> Table:
        """One line per scheme, the one to start from on top."""
        ahead = [*filter(None, [self.found.recommended]), *self.found.tied]
        rank = {name: place for place, name in reversed([*enumerate(ahead)])}
        ordered = sorted(
            self.found.schemes,
            key=lambda one: (rank.get(one.scheme, len(ahead)), not one.trusted, one.loss),
        )
        rows = [(self._outcome(one), _cells(one)) for one in ordered]
        rows += [("untrainable", _nothing(one.scheme, one.reason)) for one in self.found.omitted]
        head = ["Scheme", "Exponent", "Rate", "Loss there", "Loses at most", "Law", "Why"]
        return Table(head=head, rows=rows)

    def _outcome(self, one: SchemeTransfer) -> str:
        return "recommended" if one.scheme == self.found.recommended else ""


def carried(study: Results) -> list[Carried]:
    """Return what was predicted in a study, smallest target first; nothing if it was not asked."""
    return of(study.params, study.root)


def of(params: Params, root: Path = Path()) -> list[Carried]:
    """Return what was predicted in the study of a folder."""
    return [
        Carried(params=params, folder=artifacts.target_folder(target, root))
        for target in params.transfer.targets
    ]


def _cells(one: SchemeTransfer) -> list[Cell]:
    exponent = " to ".join(numbers.fixed(end) for end in one.exponent_interval)
    promised = numbers.loss(one.promised_loss) if one.trusted else numbers.MISSING
    return [
        scheme_cell(one.scheme),
        Cell(text=numbers.fixed(one.exponent), note=exponent),
        Cell(text=numbers.rate(one.rate), note=numbers.rate_range(*one.rate_interval)),
        Cell(text=numbers.loss(one.loss), note=numbers.interval(*one.loss_interval)),
        Cell(text=promised),
        Cell(text="trusted" if one.trusted else "not trusted", role="word"),
        Cell(text=one.reason, role="sentence"),
    ]


def _nothing(scheme: str, reason: str) -> list[Cell]:
    missing = [Cell(text=numbers.MISSING) for _ in range(4)]
    law = [Cell(text="none", role="word"), Cell(text=reason, role="sentence")]
    return [scheme_cell(scheme), *missing, *law]
