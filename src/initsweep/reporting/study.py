"""Everything the review packet is made from."""

from collections.abc import Iterable
from dataclasses import dataclass

from initsweep.decisions import Challenge
from initsweep.params import Params
from initsweep.records import (
    Alternative,
    BudgetRow,
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureSummary,
    NeededSeeds,
    PairRow,
    PredictionRow,
    QuantityRow,
    ResponseRow,
    RetuneRow,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
    Verdict,
)
from initsweep.spelling import distinct

_LONGEST_CLASS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All tables of one finished study.

    Attributes:
        schemes: The verdict table, best first (see `ranked`).
        curves: Epoch curves of the fresh runs of all schemes.
        profile: What `prepare` noticed about the data.
        selections: What tuning found, by scheme.
        confirmations: What the fresh runs were, by scheme.
        tuning_runs, fresh_runs: Every training, by scheme.
        predictions: Test rows as the recommended scheme's kept model sees them; empty without.
        alternatives: The decision with one thing changed; the first is the one that stands.
        hashes: What `dvc.lock` calls the inputs, by path.
        challenge: The recommended scheme against the last decision.
    """

    params: Params
    schema: Schema
    profile: dict[str, object]
    verdict: Verdict
    schemes: list[SchemeRow]
    pairs: list[PairRow]
    response: list[ResponseRow]
    curves: list[CurveRow]
    layers: list[LayerRow]
    diagnosis: list[DiagnosisRow]
    selections: dict[str, Selection]
    confirmations: dict[str, Confirmation]
    tuning_runs: dict[str, list[RunRow]]
    fresh_runs: dict[str, list[RunRow]]
    predictions: list[PredictionRow]
    alternatives: list[Alternative]
    needed_seeds: list[NeededSeeds]
    budget: list[BudgetRow]
    quantities: list[QuantityRow]
    measures: list[MeasureSummary]
    retunes: list[RetuneRow]
    hashes: dict[str, str]
    challenge: Challenge

    @property
    def names(self) -> list[str]:
        """The schemes, best first."""
        return [row.scheme for row in self.schemes]

    @property
    def classes(self) -> list[str]:
        """What to call the classes in tables; none in a regression."""
        return list(distinct(self.schema.class_names, _LONGEST_CLASS).values())


def ranked(schemes: Iterable[SchemeRow]) -> list[SchemeRow]:
    """Return schemes best first: the order of every table and figure.

    The recommended scheme, the tie set, the other trainable schemes, the untrainable ones; within
    each group by how far behind the best they are on validation, because outcomes on test data
    describe and do not rank.
    """
    return sorted(
        schemes,
        key=lambda row: (
            row.outcome != "recommended",
            not row.trainable,
            not row.in_tie_set,
            row.distance,
            row.scheme,
        ),
    )


def marked_tied(schemes: Iterable[SchemeRow]) -> set[str]:
    """Return the schemes to be marked as tied: none where the tie set is a single scheme."""
    tied = {row.scheme for row in schemes if row.in_tie_set}
    return tied if len(tied) > 1 else set()
