"""The claims in MLflow: one run each, in an experiment of their own."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from initsweep.core.params import Params
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.artifact_files import sizes, within_reach
from initsweep.views.mlflow.connection import connection
from initsweep.views.mlflow.experiments import experiment_id
from initsweep.views.mlflow.holdings import Ours
from initsweep.views.mlflow.location import Location, locate
from initsweep.views.mlflow.passes import until_settled
from initsweep.views.mlflow.publisher import finish, is_finished, is_left_behind, publisher_tags
from initsweep.views.mlflow.saved_views import page_state, view_tags

EXPERIMENT = "initsweep claims"
_SHA = "claim.sha"
_NAME = "claim.name"


class JudgedClaim(Protocol):
    """What is shown of a claim."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> dict[str, str]: ...  # noqa: D102
    @property
    def metrics(self) -> dict[str, float]: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> dict[str, bytes]: ...  # noqa: D102


def claims_tags() -> dict[str, str]:
    """Return the tags of the experiment that hold its views, one for each budget."""
    return view_tags(
        {
            f"initsweep-claims-{budget}": (f"Answers, {budget} budget", _answers(budget))
            for budget in ("full", "quick")
        }
    )


def _answers(budget: str) -> dict[str, object]:
    return page_state(
        role=budget,
        of="budget",
        columns={
            "tags.`answer`": 110,
            "tags.`on`": 200,
            "metrics.`estimate`": 100,
            "metrics.`low`": 100,
            "metrics.`high`": 100,
            "tags.`effect`": 360,
            "tags.`source`": 260,
        },
        order="tags.`place`",
        charts=[],
    )


def publish_claims(claims: Sequence[JudgedClaim], budget: str, params: Params, root: Path) -> str:
    """Show every claim as one run; what is there already is left alone, what is old removed.

    Args:
        claims: The claims with their answers.
        budget: "full" or "quick"; each budget keeps its own runs.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.

    Returns:
        What was done, in one line.

    Raises:
        TrackingError: If MLflow cannot be reached or refuses what is written to it.
    """
    location = locate(params, root)
    wanted = {_sha(claim, budget): claim for claim in claims}
    created = removed = 0

    def take_pass() -> bool:
        nonlocal created, removed
        experiment = experiment_id(client, EXPERIMENT, location)
        for key, value in claims_tags().items():
            client.set_experiment_tag(experiment, key, value)
        shown, outdated = _sorted_out(client, experiment, budget, wanted, location)
        for run_id in outdated:
            client.delete_run(run_id)
            removed += 1
        for sha in wanted.keys() - shown:
            _create(client, experiment, wanted[sha], {_SHA: sha, "budget": budget})
            created += 1
        return bool(outdated or wanted.keys() - shown)

    with connection(location, Ours(key="budget", value=budget)) as client:
        until_settled(client, take_pass)
    return f"MLflow at {location.shown}: {created} claims added, {removed} outdated ones removed."


def _sorted_out(
    client: Any,  # noqa: ANN401
    experiment: str,
    budget: str,
    wanted: Mapping[str, JudgedClaim],
    location: Location,
) -> tuple[set[str], list[str]]:
    """Return the hashes of the claims that are shown as they should be, and the runs to remove."""
    found = client.search_runs([experiment], f"tags.budget = '{budget}'", max_results=5000)
    shown: set[str] = set()
    outdated = []
    ours = (run for run in found if _SHA in run.data.tags)
    for run in sorted(ours, key=lambda run: (run.info.start_time, run.info.run_id)):
        sha = run.data.tags[_SHA]
        if not is_finished(run):
            outdated += [run.info.run_id] if is_left_behind(run) else []
        elif sha in shown or sha not in wanted or not _is_whole(client, run, wanted[sha], location):
            outdated.append(run.info.run_id)
        else:
            shown.add(sha)
    return shown, outdated


def _is_whole(client: Any, run: Any, claim: JudgedClaim, location: Location) -> bool:  # noqa: ANN401
    """Return whether a run has all of its files, as far as they can be seen from here."""
    if not within_reach(run.info.artifact_uri, location.artifact_root):
        return True
    expected = {name: len(content) for name, content in claim.files.items()}
    return sizes(partial(client.list_artifacts, run.info.run_id)) == expected


def _create(
    client: Any,  # noqa: ANN401
    experiment: str,
    claim: JudgedClaim,
    tags: dict[str, str],
) -> None:
    own = {**claim.tags, _NAME: claim.name, "mlflow.note.content": limits.note(claim.note)}
    own |= publisher_tags(finished=False)
    run = client.create_run(experiment, run_name=claim.title, tags={**own, **tags})
    for name, value in claim.metrics.items():
        client.log_metric(run.info.run_id, name, value)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in claim.files.items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run.info.run_id, folder)
    finish(client, run.info.run_id)


def _sha(claim: JudgedClaim, budget: str) -> str:
    """Return the hash of everything that is shown of a claim."""
    content = [claim.name, claim.title, budget, claim.tags, claim.metrics, claim.note]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, file in sorted(claim.files.items()):
        digest.update(name.encode() + file)
    return digest.hexdigest()[:16]
