"""The runs that MLflow should show, computed from result records and nothing else."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from initsweep.core.params import fingerprint
from initsweep.core.records import Provenance, RunRow, TrialRow
from initsweep.core.results import SchemeResults
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.commentary import Commentary, commentary
from initsweep.views.mlflow.points import (
    Point,
    confirm_points,
    curve_points,
    layer_points,
    response_points,
    trial_points,
)
from initsweep.views.mlflow.publication import Publication

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OWNER = "initsweep"  # as `mlflow.source.name`: marks the runs that are ours to update or remove


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run as MLflow should show it. Equal keys mean the same run."""

    name: str
    key: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeView:
    """A scheme's run, what is refreshed on it in place, and the runs below it."""

    run: RunView
    commentary: Commentary
    attachments: Mapping[str, Path]
    attachments_sha: str
    diagnosis_sha: str
    children: tuple[RunView, ...]

    @property
    def metric_names(self) -> set[str]:
        """The metrics that this run has, and no others."""
        return {point.key for point in (*self.run.metrics, *self.commentary.metrics)}

    @property
    def attachment_sizes(self) -> dict[str, int]:
        """The sizes in bytes of the attachments, by their path among the run's artifacts."""
        return {name: file.stat().st_size for name, file in self.attachments.items()}


def scheme_views(study: Publication) -> list[SchemeView]:
    """Return one view per scheme, on validation the best first."""
    ranked = sorted(study.by_scheme.values(), key=lambda results: results.row.distance)
    return [_scheme_view(study, results) for results in ranked]


def _scheme_view(study: Publication, results: SchemeResults) -> SchemeView:
    scheme, confirmation = results.scheme, results.confirmation
    runs = [*results.tuning_runs, *results.fresh_runs]
    rows = _plain(*results.trials, *runs, *results.curves, *results.measures)
    content = [_identity(results.selection), _identity(confirmation), *rows]
    signals = layer_points(results.layers)
    common = _Common(study, results, fingerprint([study.sha, "scheme", scheme, content]))
    run = common.run(
        role="scheme",
        name=scheme,
        key=common.parent_key,
        rate=confirmation.learning_rate,
        provenance=confirmation.provenance,
        diverged=any(run.status == "diverged" for run in results.fresh_runs),
        metrics=response_points(results.trials) + curve_points(results.curves) + signals,
    )
    leads = scheme == study.headliner
    by_rate = sorted(results.trials, key=lambda trial: (trial.learning_rate, trial.trial))
    return SchemeView(
        run=run,
        commentary=commentary(study, results),
        attachments=study.attachments if leads else {},
        attachments_sha=study.attachments_sha if leads and study.attachments else "",
        diagnosis_sha=fingerprint(_plain(*signals)),
        children=(
            *(_trial_view(common, trial) for trial in by_rate),
            *(_confirm_view(common, run) for run in results.fresh_runs),
        ),
    )


class _Common:
    """What the runs of one scheme share."""

    def __init__(self, study: Publication, results: SchemeResults, parent_key: str) -> None:
        self.study, self.results, self.parent_key = study, results, parent_key
        self.settings = {
            limits.key(setting): limits.value(text)
            for setting, text in study.settings_of(results.selection.scheme).items()
        }

    def run(
        self,
        *,
        role: str,
        name: str,
        key: str,
        rate: float,
        provenance: Provenance,
        diverged: bool,
        metrics: list[Point],
        **more: str,
    ) -> RunView:
        selection = self.results.selection
        options = ", ".join(f"{option}={value}" for option, value in selection.options.items())
        stage = "tune" if role == "trial" else "train"
        return RunView(
            name=limits.name(name),
            key=key,
            # The same keys on every run: parallel coordinates drop runs with gaps.
            params={
                **self.settings,
                "scheme": selection.scheme,
                "initializer": limits.value(selection.initializer),
                "options": limits.value(options) or "none",
                "learning_rate": repr(rate),
            },
            tags={
                **self.study.origin,
                "role": role,
                "scheme": selection.scheme,
                "record.sha": key,
                "study.sha": self.study.sha,
                "dvc.stage": f"{stage}@{selection.scheme}",
                "data.sha": provenance.data_sha,
                "params.sha": provenance.params_sha,
                "diverged": json.dumps(diverged),
                "mlflow.source.name": OWNER,
                "mlflow.source.type": "LOCAL",
                **more,
            },
            metrics=tuple(metrics),
        )


def _trial_view(common: _Common, trial: TrialRow) -> RunView:
    runs = [run for run in common.results.tuning_runs if run.trial == trial.trial]
    return common.run(
        role="trial",
        name=f"{trial.scheme}/lr={trial.learning_rate:.4g}",
        key=fingerprint([common.parent_key, "trial", _plain(trial, *runs)]),
        rate=trial.learning_rate,
        provenance=common.results.selection.provenance,
        diverged=trial.diverged > 0,
        metrics=trial_points(trial, runs, common.study.schema.score_name),
        kind=trial.kind,
    )


def _confirm_view(common: _Common, run: RunRow) -> RunView:
    curves = [row for row in common.results.curves if row.seed == run.seed]
    measures = [row for row in common.results.measures if row.seed == run.seed]
    return common.run(
        role="confirm",
        name=f"{run.scheme}/seed={run.seed}",
        key=fingerprint([common.parent_key, "confirm", _plain(run, *curves, *measures)]),
        rate=run.learning_rate,
        provenance=common.results.confirmation.provenance,
        diverged=run.status == "diverged",
        metrics=confirm_points(run, curves, measures, common.study.schema.score_name),
        kind="confirm",
        seed=str(run.seed),
    )


def _plain(*rows: "DataclassInstance") -> list[dict[str, object]]:
    # They are flat: `asdict` would copy each of their values, thousands of times.
    return [{field: getattr(row, field) for field in row.__dataclass_fields__} for row in rows]


def _identity(record: "DataclassInstance") -> dict[str, object]:
    """Return a record without what changes while the results stay: code and versions."""
    content = dataclasses.asdict(record)
    for name in ("code_sha", "versions"):
        content["provenance"].pop(name)
    return content
