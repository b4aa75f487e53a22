"""Finds our experiments, whatever people have renamed them to."""

from typing import Any

from initsweep.params import fingerprint
from initsweep.tracking import limits
from initsweep.tracking.location import Location

IDENTITY = "initsweep.name"
"""The tag of an experiment or a registered model with a hash of the name that we gave it."""


def identity_tag(name: str) -> dict[str, str]:
    """Return the tag by which something is found again that people may rename."""
    return {IDENTITY: fingerprint(name)}


def with_identity(name: str) -> str:
    """Return MLflow's condition for what carries that tag."""
    return f"tags.`{IDENTITY}` = '{fingerprint(name)}'"


def experiment_id(client: Any, name: str, location: Location) -> str:  # noqa: ANN401
    """Return the id of an experiment of ours, which is created or restored if need be.

    Where several carry its tag, the oldest that has not been deleted is taken.

    Args:
        client: An `MlflowClient`.
        name: What we call it. People may rename it.
        location: Where its artifacts go.
    """
    from mlflow.entities import ViewType

    tagged = client.search_experiments(view_type=ViewType.ALL, filter_string=with_identity(name))
    ranked = sorted(
        tagged, key=lambda one: (one.lifecycle_stage == "deleted", one.creation_time or 0)
    )
    told = limits.name(name)
    experiment = ranked[0] if ranked else client.get_experiment_by_name(told)
    if experiment is None:
        created = client.create_experiment(told, location.artifact_root, identity_tag(name))
        return str(created)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    if not ranked:  # an older version of ours has made it
        for key, value in identity_tag(name).items():
            client.set_experiment_tag(experiment.experiment_id, key, value)
    return str(experiment.experiment_id)
