"""Everything the review packet is made from."""

from collections.abc import Iterable
from dataclasses import dataclass

from initsweep.params import Params
from initsweep.records import (
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    Outcome,
    PairRow,
    ResponseRow,
    Schema,
    SchemeRow,
    Selection,
    Verdict,
)

_ORDER: tuple[Outcome, ...] = (
    "recommended",
    "better",
    "equivalent",
    "inconclusive",
    "worse",
    "untrainable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All tables of one finished study.

    Attributes:
        schemes: The verdict table, best first (see `ranked`).
        curves: Epoch curves of the fresh runs of all schemes.
        profile: What `prepare` noticed about the data.
        selections: What tuning found, by scheme.
        confirmations: What the fresh runs were, by scheme.
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

    @property
    def names(self) -> list[str]:
        """The schemes, best first."""
        return [row.scheme for row in self.schemes]


def ranked(schemes: Iterable[SchemeRow]) -> list[SchemeRow]:
    """Return schemes by outcome, then by validation loss: the order of every table and figure."""
    return sorted(
        schemes, key=lambda row: (_ORDER.index(row.outcome), row.validation_loss, row.scheme)
    )
