"""A finished study as its files tell it, each of them read when it is first asked for."""

import math
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from initsweep.core import artifacts
from initsweep.core.decisions import Challenge
from initsweep.core.errors import ArtifactError, few, shown
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params, load_params
from initsweep.core.records import (
    Alternative,
    BudgetRow,
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    LoopRow,
    MeasureRow,
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
    TrialRow,
    Verdict,
)
from initsweep.core.spelling import distinct

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)
else:
    Row = TypeVar("Row")

_LONGEST_CLASS = 40


def _table(folder: str, name: str, row: "type[Row]") -> "cached_property[list[Row]]":
    return cached_property(lambda of: artifacts.read_rows(getattr(of, folder) / name, row))


def _record(folder: str, name: str, kind: "type[Row]") -> "cached_property[Row]":
    return cached_property(lambda of: artifacts.read_record(getattr(of, folder) / name, kind))


class SchemeResults:
    """All records of one scheme.

    Attributes:
        tuned, trained: Its folders of tuning, and of the kept model.
    """

    def __init__(self, study: "Results", scheme: str) -> None:
        self.scheme, self._study = scheme, study
        self.tuned = study.root / artifacts.tune_folder(scheme)
        self.trained = study.root / artifacts.train_folder(scheme)

    @cached_property
    def fresh(self) -> Path:
        """The folder with all its fresh runs."""
        return artifacts.fresh_folder(self.scheme, self._study.root)

    selection = _record("tuned", "selection.json", Selection)
    trials = _table("tuned", "trials.csv", TrialRow)
    tuning_runs = _table("tuned", "runs.csv", RunRow)
    confirmation = _record("fresh", "record.json", Confirmation)
    curves = _table("fresh", "curves.csv", CurveRow)
    measures = _table("fresh", "measures.csv", MeasureRow)
    predictions = _table("trained", "predictions.csv", PredictionRow)

    @cached_property
    def fresh_runs(self) -> list[RunRow]:
        """Its runs on fresh seeds.

        Raises:
            ArtifactError: If they are not one of each seed that it was confirmed with.
        """
        file = self.fresh / "runs.csv"
        runs = artifacts.read_rows(file, RunRow)
        seeds, confirmed = sorted(run.seed for run in runs), sorted(self.confirmation.seeds)
        if seeds != confirmed:
            raise ArtifactError(
                f"'{file}' has runs of the seeds {shown(seeds)}, but record.json beside it names "
                f"{shown(confirmed)}. Run `dvc repro` again."
            )
        return runs

    @cached_property
    def row(self) -> SchemeRow:
        """Its line of the verdict table."""
        return self._line("compare", self._study.compared)

    @cached_property
    def diagnosis(self) -> DiagnosisRow:
        """Its line of the diagnosis."""
        return self._line("diagnose", self._study.diagnosis)

    @cached_property
    def layers(self) -> list[LayerRow]:
        """Its layers before training."""
        return [row for row in self._study.layers if row.scheme == self.scheme]

    @cached_property
    def summaries(self) -> list[MeasureSummary]:
        """Its measures on test rows."""
        return [row for row in self._study.measures if row.scheme == self.scheme]

    def _line(self, stage: str, table: "Iterable[Line]") -> "Line":
        for row in table:
            if row.scheme == self.scheme:
                return row
        raise ArtifactError(
            f"The results of `{stage}` do not cover the scheme '{self.scheme}': run `dvc repro`."
        )


Line = TypeVar("Line", SchemeRow, DiagnosisRow)


class Results:
    """All records of one finished study.

    A stage that asks for what it has declared reads nothing else.

    Args:
        root: The study's folder.
        params: Its parameters, where they have been read already.

    Attributes:
        compared: The verdict table in the order of the parameters, as it lies there.
        challenge: The recommended scheme against the last decision.
        alternatives: The decision with one thing changed; the first is the one that stands.
    """

    def __init__(self, root: Path = Path(), params: Params | None = None) -> None:
        self.root, self._given = root, params
        self.prepared = root / artifacts.PREPARED
        self.untrained = root / artifacts.DIAGNOSE
        self.comparison = root / artifacts.COMPARE

    schema = _record("prepared", "schema.json", Schema)
    layers = _table("untrained", "layers.csv", LayerRow)
    diagnosis = _table("untrained", "schemes.csv", DiagnosisRow)
    challenge = _record("comparison", "champion.json", Challenge)
    compared = _table("comparison", "schemes.csv", SchemeRow)
    pairs = _table("comparison", "pairs.csv", PairRow)
    response = _table("comparison", "response.csv", ResponseRow)
    budget = _table("comparison", "budget.csv", BudgetRow)
    quantities = _table("comparison", "intervals.csv", QuantityRow)
    measures = _table("comparison", "measures.csv", MeasureSummary)
    retunes = _table("comparison", "retunes.csv", RetuneRow)
    alternatives = _table("comparison", "alternatives.csv", Alternative)
    needed_seeds = _table("comparison", "needed_seeds.csv", NeededSeeds)

    @cached_property
    def verdict(self) -> Verdict:
        """The answer, in words and in numbers.

        Raises:
            ArtifactError: If it recommends a scheme without a rate.
        """
        file = self.comparison / "verdict.json"
        found = artifacts.read_record(file, Verdict)
        rate = found.learning_rate
        if found.recommended is not None and not 0 < (rate or 0) < math.inf:
            raise ArtifactError(
                f"'{file}' is damaged: it recommends {found.recommended} at learning rate {rate}. "
                "Run `dvc repro` again."
            )
        return found

    @cached_property
    def epochs(self) -> int:
        """How many epochs a whole run has."""
        loop = self.params.loop
        if loop is None:
            return self.params.training.epochs
        return max((row.epoch for own in self.by_scheme.values() for row in own.curves), default=0)

    @cached_property
    def knows_test_rows(self) -> bool:
        """Whether the losses of test rows are known: an own loop may tell of none."""
        if self.params.loop is None:
            return True
        files = [own.fresh / "test_rows.npy" for own in self.by_scheme.values()]
        return any(artifacts.read_array(file).size for file in files)

    @cached_property
    def loop(self) -> LoopRow | None:
        """What short runs of an own training loop showed; None where the engine trains."""
        file = self.untrained / "own_loop.json"
        return None if self.params.loop is None else artifacts.read_record(file, LoopRow)

    @cached_property
    def params(self) -> Params:
        """The parameters, with the network that they mean for this data."""
        given = self._given or load_params(self.root / "params.yaml")
        return with_network(given, self.schema)

    @cached_property
    def profile(self) -> dict[str, object]:
        """What `prepare` noticed about the data."""
        return dict(artifacts.read_json(self.prepared / "profile.json"))

    @cached_property
    def schemes(self) -> list[SchemeRow]:
        """The verdict table, best first (see `ranked`).

        Raises:
            ArtifactError: If it has a scheme twice, or lacks one that the verdict or a comparison
                names.
        """
        file, found = self.comparison / "schemes.csv", [row.scheme for row in self.compared]
        if twice := {name for name in found if found.count(name) > 1}:
            raise ArtifactError(f"'{file}' has {few(sorted(twice))} twice. Run `dvc repro`.")
        said = self.verdict
        named = {*said.tie_set, *said.undecided, *said.untrainable, *said.picks}
        named |= {name for name in (said.recommended, said.best_on_validation) if name is not None}
        named |= {name for row in self.pairs for name in (row.scheme, row.reference)}
        if not found or named - {*found}:
            raise ArtifactError(
                f"'{file}' lacks schemes that verdict.json or pairs.csv beside it name: "
                f"{few(sorted(named - {*found}))}. Run `dvc repro`."
            )
        return ranked(self.compared)

    @property
    def names(self) -> list[str]:
        """The schemes, best first."""
        return [row.scheme for row in self.schemes]

    @property
    def classes(self) -> list[str]:
        """What to call the classes in tables; none in a regression."""
        return list(distinct(self.schema.class_names, _LONGEST_CLASS).values())

    @cached_property
    def by_scheme(self) -> dict[str, SchemeResults]:
        """The records of each scheme, in the order of the parameters."""
        names = (
            [row.scheme for row in self.compared] if self._given is None else self._given.schemes
        )
        return {name: SchemeResults(self, name) for name in names}

    @cached_property
    def runs(self) -> list[RunRow]:
        """Every training of all schemes, to tune them and on fresh seeds."""
        schemes = self.by_scheme.values()
        return [run for one in schemes for run in (*one.tuning_runs, *one.fresh_runs)]

    @cached_property
    def curves(self) -> list[CurveRow]:
        """Epoch curves of the fresh runs of all schemes."""
        return [row for one in self.by_scheme.values() for row in one.curves]

    @cached_property
    def predictions(self) -> list[PredictionRow]:
        """Test rows as the recommended scheme's kept model sees them; empty without."""
        name = self.verdict.recommended
        return [] if name is None else self.by_scheme[name].predictions

    @cached_property
    def hashes(self) -> dict[str, str]:
        """What `dvc.lock` calls the folders that all this lies in, by their path."""
        from initsweep.core.counted import dvc_hash

        schemes = self.by_scheme.values()
        folders = [
            *(self.prepared, self.comparison, self.untrained),
            *(one.tuned for one in schemes),
            *(one.trained for one in schemes),
            self.root / artifacts.SETTLE,
        ]
        return {path.relative_to(self.root).as_posix(): dvc_hash(path) or "" for path in folders}


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
