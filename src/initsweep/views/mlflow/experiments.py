"""Finds our experiments, whatever people have renamed them to."""

from typing import Any

from initsweep.core.params import fingerprint
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.location import Location

IDENTITY = "initsweep.name"
"""The tag of an experiment or a registered model with a hash of the name that we gave it."""


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
        tags = {IDENTITY: fingerprint(name)}
        return str(client.create_experiment(told, location.artifact_root, tags))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    if not ranked:  # an older version of ours has made it
        client.set_experiment_tag(experiment.experiment_id, IDENTITY, fingerprint(name))
    return str(experiment.experiment_id)
