"""How far a run is, and how long the rest of it takes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from initsweep.running.dvc_file import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The stages of a run that are counted.

    Attributes:
        noun: What one of them is called.
        work: How much work each is, in any unit, by name as DVC has it.
    """

    noun: str
    work: Mapping[str, float]


class Pace:
    """Counts the stages of a plan and learns from each kind how long its work takes."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._left = plan, dict(plan.work)
        self._measured: dict[str, _Rate] = {}
        self._stage, self._since, self._seen, self._share = "", 0.0, 0.0, 0.0

    def passes(self, stage: str) -> None:
        """Count a stage that has run, or need not."""
        self._left.pop(stage, None)

    def begins(self, stage: str) -> None:
        """Count this stage as running, and the one before as done."""
        self.ends()
        self._stage, self._share = stage, 0.0
        self._since = self._seen = time.monotonic()

    def covers(self, stages: Sequence[str]) -> None:
        """Note that the running stage does the work of these, too; they are left nothing to do."""
        work = {name: self._left[name] for name in stages if name in self._left}
        if self._stage in self._left:
            self._left[self._stage] += sum(work.values())
            self._left |= dict.fromkeys(work, 0)

    def is_at(self, share: float) -> None:
        """Note which share of the running stage is done; at 0 its work begins."""
        self._share, self._seen = share, time.monotonic()
        if not share:
            self._since = self._seen

    def ends(self) -> None:
        """Count the running stage as done, if there is one."""
        if self._stage in self._left:
            rate = self._measured.setdefault(kind_of(self._stage), _Rate())
            rate.add(self._left.pop(self._stage), time.monotonic() - self._since)
        self._stage = ""

    def place(self) -> str:
        """Return where in the plan the running stage is, such as "stage 7 of 37"."""
        if self._stage not in self._left:
            return ""
        count = len(self._plan.work)
        return f"{self._plan.noun} {count - len(self._left) + 1} of {count}"

    def seconds_left(self) -> float | None:
        """Return how long the rest of the work takes if none can be skipped.

        None if that is unknown yet, or there is none.
        """
        work = self._left.get(self._stage, 0.0)
        kinds = {kind: _Rate(rate.work, rate.seconds) for kind, rate in self._measured.items()}
        if self._share and work:
            kinds.setdefault(kind_of(self._stage), _Rate()).add(
                work * self._share, self._seen - self._since
            )
        overall = _Rate(
            sum(rate.work for rate in kinds.values()), sum(rate.seconds for rate in kinds.values())
        )
        if not overall.work or not sum(self._left.values()):
            return None
        whole = sum(
            amount * kinds.get(kind_of(stage), overall).per_unit
            for stage, amount in self._left.items()
            if stage != self._stage
        )
        mine = work * kinds.get(kind_of(self._stage), overall).per_unit * (1 - self._share)
        return whole + max(mine - (time.monotonic() - self._seen), 0.0)


@dataclass(slots=True)
class _Rate:
    """Work that was done, and the seconds it took."""

    work: float = 0.0
    seconds: float = 0.0

    def add(self, work: float, seconds: float) -> None:
        self.work += work
        self.seconds += seconds

    @property
    def per_unit(self) -> float:
        return self.seconds / self.work if self.work else 0.0
