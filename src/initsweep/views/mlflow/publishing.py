"""Make MLflow show a study, exactly once, whatever happened before."""

import time
from pathlib import Path

from initsweep.core.params import Params
from initsweep.core.progress import Progress, progress
from initsweep.core.records import Schema
from initsweep.views.mlflow.artifact_files import local_folder
from initsweep.views.mlflow.commentary import experiment_note
from initsweep.views.mlflow.connection import connection
from initsweep.views.mlflow.difference import Plan, SchemePlan, make_plan
from initsweep.views.mlflow.experiments import experiment_id
from initsweep.views.mlflow.holdings import Ours
from initsweep.views.mlflow.location import locate
from initsweep.views.mlflow.model_versions import ModelRegistry
from initsweep.views.mlflow.passes import until_settled
from initsweep.views.mlflow.promotion import keep_registry
from initsweep.views.mlflow.publication import Publication
from initsweep.views.mlflow.saved_views import experiment_tags
from initsweep.views.mlflow.seal import Shown, put_seal, state_of
from initsweep.views.mlflow.store import Store
from initsweep.views.mlflow.view import scheme_views


def publish(
    study: Publication, params: Params, root: Path, content_sha: str | None = None
) -> list[Plan]:
    """Replay a study into MLflow; what is there already is left alone.

    Args:
        study: The records.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.
        content_sha: Hash of everything that the study was read from; if given, `is_sealed`
            recognizes it afterwards.

    Returns:
        What was done, look by look; nothing if MLflow showed the study already.

    Raises:
        TrackingError: If MLflow cannot be reached or refuses what is written to it.
    """
    location, views = locate(params, root), scheme_views(study)
    done: list[Plan] = []

    def take_pass() -> bool:
        experiment = experiment_id(client, study.experiment, location)
        store = Store(client, experiment, location)
        store.describe(experiment_note(study), experiment_tags(study.schema.score_name))
        shown = Shown(content=content_sha or "", study=study.sha, experiment=experiment)
        state = state_of(location, client, shown)
        plan = make_plan(views, store.runs(study.sha))
        if plan.work:
            _carry_out(plan, store, study.schema)
            done.append(plan)
            return True
        registry = ModelRegistry(client, study.schema.source, location)
        changed, files = keep_registry(registry, study, plan.run_ids)
        if content_sha is not None and not changed and not plan.pending:
            places = [*plan.artifacts, *files]
            put_seal(location, shown, state, [local_folder(uri) for uri in places])
        return changed

    with connection(location, Ours(key="study.sha", value=study.sha)) as client:
        until_settled(client, take_pass)
    return done


def _carry_out(plan: Plan, store: Store, schema: Schema) -> None:
    now = int(time.time() * 1000)
    with progress(plan.work, "publish", "run") as bar:
        for run_id in plan.remove:
            store.remove(run_id)
            bar.advance()
        for rank, scheme in enumerate(plan.schemes):
            # MLflow lists and charts the latest first, and loads 100 at a time. So: schemes
            # before their children, the best scheme before the others, children in order.
            start = now + len(plan.schemes) - rank
            parent_id = _own_run(scheme, store, schema, start, bar)
            later = now - 1000 * rank
            timed = [(child, later - place) for place, child in enumerate(scheme.missing)]
            store.add_children(timed, parent_id)
            bar.advance(len(timed))


def _own_run(scheme: SchemePlan, store: Store, schema: Schema, start: int, bar: Progress) -> str:
    if scheme.existing is None:
        run_id = store.add_scheme(scheme.view, schema, start)
        bar.advance()
        return run_id
    if scheme.stale_verdict:
        store.refresh_verdict(scheme.existing, scheme.view)
    if scheme.stale_attachments:
        store.refresh_attachments(scheme.existing, scheme.view)
    bar.advance(int(scheme.stale_verdict or scheme.stale_attachments))
    return scheme.existing.run_id
