"""All records of one study, as the publish stage has read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from initsweep.params import fingerprint
from initsweep.records import (
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureRow,
    MeasureSummary,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
    TrialRow,
    Verdict,
)
from initsweep.tracking.model import Promotion, ServedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeResults:
    """All records of one scheme; `summaries` are its measures over the fresh runs."""

    selection: Selection
    trials: list[TrialRow]
    tuning_runs: list[RunRow]
    confirmation: Confirmation
    confirm_runs: list[RunRow]
    curves: list[CurveRow]
    measures: list[MeasureRow]
    summaries: list[MeasureSummary]
    row: SchemeRow
    diagnosis: DiagnosisRow
    layers: list[LayerRow]

    @property
    def scheme(self) -> str:
        """The scheme's name."""
        return self.selection.scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All records of one study, and how to show them.

    Attributes:
        experiment: The MLflow experiment's name, dataset / network.
        params: The settings that shaped the results, flat, the same for every scheme.
        origin: Tags that say where this publication came from; they identify nothing.
        attachments: Report and diagnosis files by their path among the run's artifacts.
        attachments_sha: Hash of their content.
        model: The recommended scheme's model, None if there is none that can be logged.
        promotion: The decision that holds, if it was for results of this study.
    """

    experiment: str
    schema: Schema
    params: Mapping[str, str]
    schemes: list[SchemeResults]
    verdict: Verdict
    origin: Mapping[str, str]
    attachments: Mapping[str, Path]
    attachments_sha: str
    model: ServedModel | None = None
    promotion: Promotion | None = None

    @property
    def sha(self) -> str:
        """What all runs of the study share: settings and data."""
        return fingerprint([self.experiment, self.schema.data_sha, dict(self.params)])

    @property
    def headliner(self) -> str:
        """The scheme whose run carries the report: the recommended one, if there is one."""
        named = (self.verdict.recommended, self.verdict.best_on_validation)
        known = [results.scheme for results in self.schemes]
        return next((name for name in named if name in known), known[0])
