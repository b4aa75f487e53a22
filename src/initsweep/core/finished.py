"""A finished study for people who write Python: its verdict, and its tables as data frames."""

import dataclasses
import os
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, ParamsError, shown
from initsweep.core.records import (
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureSummary,
    PairRow,
    QuantityRow,
    ResponseRow,
    RunRow,
    SchemeRow,
    Verdict,
)
from initsweep.core.results import Results

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def _lazy_frame(name: str, kind: type) -> property:
    def read(study: "Study") -> Any:  # noqa: ANN401 - pandas is untyped
        if name not in study._frames:
            study._frames[name] = frame(getattr(study.records, name), kind)
        return study._frames[name].copy()

    return property(read)


class Study:
    """A finished study: its verdict, and its tables as data frames.

    Each table is read when it is first asked for, and is a copy: yours to change. docs/results.md
    says what the columns are.

    Attributes:
        records: The same, and more, as typed records.
        schemes: The verdict table, a row per scheme, best first: where it `standing` and why, its
            `learning_rate`, mean losses and score with 95 % intervals, failures, basin, regret.
        response: Validation loss at each rate of each scheme.
        pairs: The comparisons behind the verdict.
        runs: Every training, to tune (`kind` is "grid", ...) and on fresh seeds ("confirm").
        curves: The epochs of the fresh runs.
        measures: What else was measured on test rows.
        intervals: Basin, regret and the like with their uncertainty over seeds.
        diagnosis, layers: What was seen before training, by scheme, and by layer.

    Examples:
        >>> from initsweep import read_study
        >>> study = read_study("my-study")
        >>> study
        <Study 'my-study': tie>
        >>> study.schemes.scheme.tolist()
        ['orthogonal', 'he_normal', 'he_uniform', 'zeros']
    """

    schemes = _lazy_frame("schemes", SchemeRow)
    response = _lazy_frame("response", ResponseRow)
    pairs = _lazy_frame("pairs", PairRow)
    runs = _lazy_frame("runs", RunRow)
    curves = _lazy_frame("curves", CurveRow)
    measures = _lazy_frame("measures", MeasureSummary)
    intervals = _lazy_frame("quantities", QuantityRow)
    diagnosis = _lazy_frame("diagnosis", DiagnosisRow)
    layers = _lazy_frame("layers", LayerRow)

    def __init__(self, records: Results, shown: str) -> None:
        self.records, self._shown = records, shown
        self._frames: dict[str, Any] = {}

    @property
    def verdict(self) -> Verdict:
        """The answer: `statement` in words, `recommended`, `tie_set`, `caveats` and more."""
        return self.records.verdict

    def __str__(self) -> str:
        return self.verdict.statement

    def __repr__(self) -> str:
        return f"<Study '{self._shown}': {self.verdict.decision}>"


def read_study(folder: str | os.PathLike[str] = ".") -> Study:
    """Read a finished study, wherever it lies.

    Args:
        folder: The study's folder, the one with its `params.yaml`.

    Returns:
        Its verdict and its tables.

    Raises:
        ParamsError: If that is no path.
        ArtifactError: If there is no study, or it has not run yet. A table that is damaged is
            named when it is asked for.

    Examples:
        >>> import initsweep
        >>> study = initsweep.read_study("my-study")
        >>> study.verdict.recommended
        'orthogonal'
        >>> study.schemes.query("failed_runs > 0").scheme.tolist()
        ['zeros']
        >>> study.schemes.query("standing == 'tied'").scheme.tolist()
        ['orthogonal', 'he_normal', 'he_uniform']
    """
    if not isinstance(folder, str | os.PathLike):
        raise ParamsError(f"folder: received {shown(folder)}. Give the path of a study.")
    study = Study(Results(Path(folder).absolute()), str(Path(folder)))
    check_finished(Path(folder))
    return study


def check_finished(folder: Path) -> None:
    """Check that a folder has a study that has run.

    Raises:
        ArtifactError: If it has none, saying what to do.
    """
    if not (folder / artifacts.COMPARE / "verdict.json").exists():
        raise ArtifactError(_why_none(folder))


def _why_none(folder: Path) -> str:
    if not folder.is_dir():
        return f"'{folder}' is no study: there is no such folder."
    if not (folder / "params.yaml").exists():
        return f"'{folder}' is no study: it has no params.yaml. `initsweep init` makes a study."
    return (
        f"The study in '{folder}' has not run yet: it has no {artifacts.COMPARE / 'verdict.json'}. "
        "Run `initsweep repro` in that folder, or `dvc pull` if its results are kept elsewhere."
    )


def frame(rows: "Iterable[DataclassInstance]", kind: type) -> Any:  # noqa: ANN401 - pandas is untyped
    """Return records as a data frame with a column per field, NaN for numbers that are None."""
    import pandas as pd

    kept = [*rows]
    columns = {
        field.name: [getattr(row, field.name) for row in kept] for field in dataclasses.fields(kind)
    }
    hints = typing.get_type_hints(kind)
    numbers = [name for name in columns if hints[name] in (float, float | None, int | None)]
    return pd.DataFrame(columns).astype(dict.fromkeys(numbers, float))
