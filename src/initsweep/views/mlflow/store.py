"""The only module that talks to MLflow, through `MlflowClient` with explicit run ids.

The one exception is `bulk`, for the many runs that a database takes and gives at once.

The fluent API keeps a current run per process and obeys `MLFLOW_RUN_ID`, which `mlflow run`
sets: both would write into somebody else's run.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from initsweep.core.records import Schema
from initsweep.views.mlflow import bulk, limits
from initsweep.views.mlflow.artifact_files import sizes, within_reach
from initsweep.views.mlflow.difference import ExistingRun
from initsweep.views.mlflow.experiments import warn_of_place
from initsweep.views.mlflow.location import Location
from initsweep.views.mlflow.points import Point
from initsweep.views.mlflow.publisher import finish, is_finished, is_left_behind, publisher_tags
from initsweep.views.mlflow.view import OWNER, RunView, SchemeView

PARAMS_PER_REQUEST = 100  # MLflow's limits
METRICS_PER_REQUEST = 900
RUNS_PER_PAGE = 5000
# Folders among a run's artifacts that hold attachments of any publication, and nothing of others.
ATTACHED = ("report", "diagnosis", "transfer")
_BEING_REPLACED = "being replaced"  # fits no hash
_VERDICT_SHA = "verdict.sha"
_ATTACHMENTS_SHA = "attachments.sha"
_DIAGNOSIS_SHA = "diagnosis.sha"
_PARENT = "mlflow.parentRunId"
_NOTE = "mlflow.note.content"


class Store:
    """Reads and writes our runs of one MLflow experiment."""

    def __init__(self, client: Any, experiment_id: str, location: Location) -> None:  # noqa: ANN401
        self._client, self._experiment_id, self._location = client, experiment_id, location
        self._uri = str(client.tracking_uri)

    @property
    def _in_bulk(self) -> bool:
        return bulk.is_possible(self._uri)

    @cached_property
    def _experiment(self) -> Any:  # noqa: ANN401 - MLflow's type
        return self._client.get_experiment(self._experiment_id)

    def runs(self, study_sha: str) -> list[ExistingRun]:
        """Return our runs of one study, and unfinished ones of ours whatever their study.

        Two searches, however many runs there are: a request per run would take minutes.
        """
        ours = [
            run
            for run in self._owned(study_sha)
            if "record.sha" in run.data.tags
            and (run.info.status != "FINISHED" or run.data.tags.get("study.sha") == study_sha)
        ]
        return [_existing(run, self._attached(run)) for run in ours]

    def describe(self, note: str, views: Mapping[str, str]) -> None:
        """Put a text at the head of the experiment's page, and saved views into its menu."""
        warn_of_place(self._experiment, self._location)
        known = self._experiment.tags
        for key, value in {_NOTE: note, **views}.items():
            if known.get(key) != value:
                self._client.set_experiment_tag(self._experiment_id, key, value)

    def remove(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it restorable until `mlflow gc`."""
        self._client.delete_run(run_id)

    def add_scheme(self, view: SchemeView, schema: Schema, start: int) -> str:
        """Write a scheme's own run.

        Returns:
            Its run id.
        """
        tags = {**view.commentary.tags, _VERDICT_SHA: view.commentary.sha}
        tags[_DIAGNOSIS_SHA] = view.diagnosis_sha
        if view.attachments:
            tags[_ATTACHMENTS_SHA] = view.attachments_sha
        # The verdict's numbers first: MLflow's comparison page starts with the first metric.
        run = replace(view.run, metrics=(*view.commentary.metrics, *view.run.metrics))
        run_id = self._begin(run, tags, start)
        self._client.log_inputs(run_id, [_dataset(schema)])
        self._attach(run_id, view.attachments)
        finish(self._client, run_id, start)
        return run_id

    def add_children(self, runs: Sequence[tuple[RunView, int]], parent_id: str) -> None:
        """Write the runs below a scheme's run, each with its time."""
        if self._in_bulk:
            tags = {_PARENT: parent_id, **publisher_tags(finished=True)}
            bulk.insert(self._uri, self._experiment, runs, tags)
            return
        for view, start in runs:
            finish(self._client, self._begin(view, {_PARENT: parent_id}, start), start)

    def refresh_verdict(self, existing: ExistingRun, view: SchemeView) -> None:
        """Update what the comparison says of a scheme; the hash goes last, as the seal."""
        known = existing.metrics
        changed = [
            point for point in view.commentary.metrics if known.get(point.key) != point.value
        ]
        self._log(existing.run_id, {}, changed)
        self._tag(existing.run_id, view.commentary.tags)
        self._tag(existing.run_id, {_VERDICT_SHA: view.commentary.sha})

    def refresh_attachments(self, existing: ExistingRun, view: SchemeView) -> None:
        """Replace the report, or take it away; the hash goes last, as the seal."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        if existing.attachments_sha:
            self._tag(existing.run_id, {_ATTACHMENTS_SHA: _BEING_REPLACED})
            repository: Any = get_artifact_repository(existing.artifact_uri, self._uri)
            for entry in repository.list_artifacts():
                if entry.path in ATTACHED:
                    repository.delete_artifacts(entry.path)
        self._attach(existing.run_id, view.attachments)
        if view.attachments:
            self._tag(existing.run_id, {_ATTACHMENTS_SHA: view.attachments_sha})
        else:
            self._client.delete_tag(existing.run_id, _ATTACHMENTS_SHA)

    def _attached(self, run: Any) -> dict[str, int] | None:  # noqa: ANN401
        """Return the files of the report that a run has; None where nobody here can tell."""
        if not run.data.tags.get(_ATTACHMENTS_SHA):
            return {}
        if not within_reach(run.info.artifact_uri, self._location.artifact_root):
            return None
        listing = partial(self._client.list_artifacts, run.info.run_id)
        return {
            name: size
            for entry in listing(None)
            if entry.path in ATTACHED
            for name, size in sizes(listing, entry.path).items()
        }

    def _owned(self, study_sha: str) -> Iterable[Any]:
        """Return our runs of one study, unfinished ones of ours, and perhaps others of ours."""
        if self._in_bulk:
            return bulk.read(self._uri, self._experiment_id, OWNER)
        owned = f"tags.`mlflow.source.name` = '{OWNER}'"
        found = {run.info.run_id: run for run in self._search(f"{owned} and status != 'FINISHED'")}
        for run in self._search(f"{owned} and tags.`study.sha` = '{study_sha}'"):
            found[run.info.run_id] = run
        return found.values()

    def _search(self, condition: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id], condition, max_results=RUNS_PER_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def _begin(self, view: RunView, tags: Mapping[str, str], start: int) -> str:
        """Write a run to which more will be added.

        Returns:
            Its run id.
        """
        # Tags go with the creation, in one transaction: whatever a crash leaves is known as ours.
        tags = {**tags, **publisher_tags(finished=False)}
        if self._in_bulk:
            timed = [(view, start)]
            return bulk.insert(self._uri, self._experiment, timed, tags, finished=False)[0]
        run = self._client.create_run(
            self._experiment_id, start_time=start, run_name=view.name, tags={**view.tags, **tags}
        )
        self._log(str(run.info.run_id), view.params, view.metrics)
        return str(run.info.run_id)

    def _log(self, run_id: str, params: Mapping[str, str], points: Sequence[Point]) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        settings = [Param(key, value) for key, value in params.items()]
        metrics = [Metric(point.key, point.value, now, point.step) for point in points]
        while settings or metrics:
            self._client.log_batch(
                run_id,
                metrics=metrics[:METRICS_PER_REQUEST],
                params=settings[:PARAMS_PER_REQUEST],
                synchronous=True,
            )
            settings = settings[PARAMS_PER_REQUEST:]
            metrics = metrics[METRICS_PER_REQUEST:]

    def _tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        entities = [RunTag(key, value) for key, value in tags.items()]
        self._client.log_batch(run_id, tags=entities, synchronous=True)

    def _attach(self, run_id: str, attachments: Mapping[str, Path]) -> None:
        for name, file in attachments.items():
            folder = PurePosixPath(name).parent
            self._client.log_artifact(run_id, str(file), str(folder))


def _dataset(schema: Schema) -> Any:  # noqa: ANN401 - MLflow's type, imported only here
    from mlflow.entities import Dataset, DatasetInput, InputTag

    shape = {"features": schema.n_features, "outputs": schema.n_outputs, "task": schema.task}
    place = {"uri": schema.source, "reference": schema.reference}
    dataset = Dataset(
        name=limits.name(schema.source),
        digest=schema.data_sha,
        source_type="local",
        source=json.dumps(limits.values(place)),
        schema=json.dumps(shape),
        profile=json.dumps(schema.rows),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _existing(run: Any, attached: Mapping[str, int] | None) -> ExistingRun:  # noqa: ANN401
    tags = run.data.tags
    return ExistingRun(
        run_id=run.info.run_id,
        key=tags["record.sha"],
        role=tags.get("role", ""),
        parent_id=tags.get(_PARENT),
        finished=(finished := is_finished(run)),
        left_behind=not finished and is_left_behind(run),
        started=run.info.start_time / 1000,
        metrics=run.data.metrics,
        verdict_sha=tags.get(_VERDICT_SHA, ""),
        attachments_sha=tags.get(_ATTACHMENTS_SHA, ""),
        diagnosis_sha=tags.get(_DIAGNOSIS_SHA, ""),
        artifact_uri=run.info.artifact_uri,
        attached=attached,
    )
