"""What must be removed, added and refreshed so that MLflow shows exactly the view.

Pure: nothing here talks to MLflow. Running a plan to its end and planning again gives an empty
plan; so does any interruption, once the rest has been done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from initsweep.tracking.view import RunView, SchemeView

PATIENCE = 3600  # seconds until an unfinished run of another machine counts as abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingRun:
    """One of our runs as MLflow has it. `started` is in seconds since 1970."""

    run_id: str
    key: str
    role: str
    parent_id: str | None
    finished: bool
    started: float
    publisher: str
    metrics: Mapping[str, float]
    verdict_sha: str
    attachments_sha: str
    diagnosis_sha: str
    artifact_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemePlan:
    """What is missing of one scheme; `existing` is its own run, None if that is missing too."""

    view: SchemeView
    existing: ExistingRun | None
    missing: list[RunView]

    @property
    def stale_verdict(self) -> bool:
        """Whether the scheme's run shows what an earlier comparison said."""
        found = self.existing
        return found is not None and found.verdict_sha != self.view.commentary.sha

    @property
    def stale_attachments(self) -> bool:
        """Whether the scheme's run carries an earlier report."""
        found = self.existing
        return found is not None and found.attachments_sha != self.view.attachments_sha

    @property
    def writes(self) -> int:
        """The number of runs to create or refresh."""
        own = self.existing is None or self.stale_verdict or self.stale_attachments
        return own + len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Runs to delete first, then schemes to complete."""

    remove: list[str]
    schemes: list[SchemePlan]

    @property
    def work(self) -> int:
        """The number of runs to touch; 0 if MLflow shows the view already."""
        return len(self.remove) + sum(scheme.writes for scheme in self.schemes)


def make_plan(
    views: Sequence[SchemeView], existing: Iterable[ExistingRun], *, publisher: str, now: float
) -> Plan:
    """Return what is between the runs that exist and the view.

    Args:
        views: What MLflow should show.
        existing: Our runs that it has, of this study; runs of others must not be among them.
        publisher: This machine. An unfinished run that it wrote was left behind by a crash,
            because only one process per machine publishes at a time.
        now: Seconds since 1970.
    """
    remove: list[str] = []
    finished: list[ExistingRun] = []
    for run in existing:
        if run.finished:
            finished.append(run)
        elif run.publisher == publisher or now - run.started > PATIENCE:
            remove.append(run.run_id)
    wanted = {view.run.key: view for view in views}
    fit = [run for run in finished if run.role == "scheme" and _updatable(run, wanted)]
    parents = _without_duplicates(fit, by_parent=False)
    kept = {run.run_id for run in parents}
    below = [run for run in finished if run.role != "scheme" and run.parent_id in kept]
    children = _without_duplicates(below, by_parent=True)
    kept |= {run.run_id for run in children}
    remove += [run.run_id for run in finished if run.run_id not in kept]
    return Plan(remove=remove, schemes=[_scheme_plan(view, parents, children) for view in views])


def _updatable(run: ExistingRun, wanted: dict[str, SchemeView]) -> bool:
    """Return whether a scheme's run can become what it should be.

    MLflow lets metrics be added and overwritten, but not taken away, and keeps every point of a
    series; a run with a metric too many, or with another diagnosis by layer, is written anew, as if
    it had never been there.
    """
    view = wanted.get(run.key)
    if view is None:
        return True
    return set(run.metrics) <= view.metric_names and run.diagnosis_sha == view.diagnosis_sha


def _without_duplicates(runs: list[ExistingRun], *, by_parent: bool) -> list[ExistingRun]:
    """Return one run per key: the first started, so that all machines choose the same one."""
    kept: dict[tuple[str | None, str], ExistingRun] = {}
    for run in sorted(runs, key=lambda run: (run.started, run.run_id)):
        kept.setdefault((run.parent_id if by_parent else None, run.key), run)
    return list(kept.values())


def _scheme_plan(
    view: SchemeView, parents: list[ExistingRun], children: list[ExistingRun]
) -> SchemePlan:
    own = next((run for run in parents if run.key == view.run.key), None)
    present = {run.key for run in children if own is not None and run.parent_id == own.run_id}
    missing = [child for child in view.children if child.key not in present]
    return SchemePlan(view=view, existing=own, missing=missing)
