"""The claims in MLflow: one run each, in an experiment of their own."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from initsweep.params import Params
from initsweep.tracking import limits
from initsweep.tracking.connection import connection, experiment_id
from initsweep.tracking.location import locate
from initsweep.tracking.saved_views import claims_tags

EXPERIMENT = "initsweep claims"
_SHA = "claim.sha"
_OURS = "claim.name"


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
    created = removed = 0
    with connection(location) as client:
        experiment = experiment_id(client, EXPERIMENT, location)
        for key, value in claims_tags().items():
            client.set_experiment_tag(experiment, key, value)
        existing = _existing(client, experiment, budget)
        wanted = {_sha(claim, budget): claim for claim in claims}
        for sha, run_id in existing:
            if sha not in wanted:
                client.delete_run(run_id)
                removed += 1
        present = {sha for sha, _ in existing}
        for sha, claim in wanted.items():
            if sha not in present:
                _create(client, experiment, claim, {_SHA: sha, "budget": budget})
                created += 1
    return f"MLflow at {location.shown}: {created} claims added, {removed} outdated ones removed."


def _existing(client: Any, experiment: str, budget: str) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return hash and run id of our finished runs; unfinished ones get a hash that fits nothing."""
    found = client.search_runs([experiment], f"tags.budget = '{budget}'", max_results=5000)
    return [
        (run.data.tags[_SHA] if run.info.status == "FINISHED" else "", run.info.run_id)
        for run in found
        if _SHA in run.data.tags
    ]


def _create(
    client: Any,  # noqa: ANN401
    experiment: str,
    claim: JudgedClaim,
    tags: dict[str, str],
) -> None:
    own = {**claim.tags, _OURS: claim.name, "mlflow.note.content": limits.note(claim.note)}
    run = client.create_run(experiment, run_name=claim.title, tags={**own, **tags})
    for name, value in claim.metrics.items():
        client.log_metric(run.info.run_id, name, value)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in claim.files.items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run.info.run_id, folder)
    client.set_terminated(run.info.run_id)


def _sha(claim: JudgedClaim, budget: str) -> str:
    """Return the hash of everything that is shown of a claim."""
    content = [claim.name, claim.title, budget, claim.tags, claim.metrics, claim.note]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, file in sorted(claim.files.items()):
        digest.update(name.encode() + file)
    return digest.hexdigest()[:16]
