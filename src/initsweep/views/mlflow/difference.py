"""What must be removed, added and refreshed so that MLflow shows exactly the view.

Pure: nothing here talks to MLflow. Running a plan to its end and planning again gives an empty
plan; so does any interruption, once the rest has been done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from initsweep.views.mlflow.view import RunView, SchemeView


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingRun:
    """One of our runs as MLflow has it.

    Attributes:
        left_behind: Whether it will never be finished by who began it.
        started: In seconds since 1970.
        attached: The sizes of its attachments in bytes, by their path among its artifacts; None
            where nobody here can tell.
    """

    run_id: str
    key: str
    role: str
    parent_id: str | None
    finished: bool
    left_behind: bool
    started: float
    metrics: Mapping[str, float]
    verdict_sha: str
    attachments_sha: str
    diagnosis_sha: str
    artifact_uri: str
    attached: Mapping[str, int] | None


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
        """Whether the scheme's run carries an earlier report, or lacks files of it."""
        found = self.existing
        if found is None:
            return False
        if found.attached not in (None, self.view.attachment_sizes):
            return True
        return found.attachments_sha != self.view.attachments_sha

    @property
    def writes(self) -> int:
        """The number of runs to create or refresh."""
        own = self.existing is None or self.stale_verdict or self.stale_attachments
        return own + len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Runs to delete first, then schemes to complete; `pending` runs are somebody else's to end."""

    remove: list[str]
    schemes: list[SchemePlan]
    pending: int

    @property
    def work(self) -> int:
        """The number of runs to touch; 0 if MLflow shows the view already."""
        return len(self.remove) + sum(scheme.writes for scheme in self.schemes)

    @property
    def run_ids(self) -> dict[str, str]:
        """The ids of the runs of schemes that exist and are to stay, by scheme."""
        return {
            scheme.view.run.tags["scheme"]: scheme.existing.run_id
            for scheme in self.schemes
            if scheme.existing is not None
        }

    @property
    def artifacts(self) -> list[str]:
        """Where the attachments of the runs are that exist already."""
        found = [scheme.existing for scheme in self.schemes if scheme.existing is not None]
        return [run.artifact_uri for run in found if run.attachments_sha]


def make_plan(views: Sequence[SchemeView], existing: Iterable[ExistingRun]) -> Plan:
    """Return what is between the runs that exist and the view.

    Args:
        views: What MLflow should show.
        existing: Our runs that it has, of this study; runs of others must not be among them.
    """
    known = list(existing)
    finished = [run for run in known if run.finished]
    unfinished = [run for run in known if not run.finished]
    remove = [run.run_id for run in unfinished if run.left_behind]
    pending = len(unfinished) - len(remove)
    wanted = {view.run.key: view for view in views}
    fit = [run for run in finished if run.role == "scheme" and _updatable(run, wanted)]
    parents = _without_duplicates(fit, by_parent=False)
    kept = {run.run_id for run in parents}
    below = [run for run in finished if run.role != "scheme" and run.parent_id in kept]
    children = _without_duplicates(below, by_parent=True)
    kept |= {run.run_id for run in children}
    remove += [run.run_id for run in finished if run.run_id not in kept]
    schemes = [_scheme_plan(view, parents, children) for view in views]
    return Plan(remove=remove, schemes=schemes, pending=pending)


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
