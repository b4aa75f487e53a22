"""Finds our experiments, whatever people have renamed them to."""

from typing import Any

from initsweep.core.errors import warn
from initsweep.core.params import fingerprint
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.artifact_files import local_folder
from initsweep.views.mlflow.location import Location
from initsweep.views.mlflow.passwords import hide

IDENTITY = "initsweep.name"
"""The tag of an experiment or a registered model with a hash of the name that we gave it."""


def with_identity(name: str) -> str:
    """Return MLflow's condition for what carries that tag."""
    return f"tags.`{IDENTITY}` = '{fingerprint(name)}'"


def warn_of_place(experiment: Any, location: Location) -> None:  # noqa: ANN401 - MLflow's type
    """Warn if files do not go where they were asked to, or where colleagues cannot open them."""
    place = str(experiment.artifact_location)
    if location.chosen:
        if not f"{place}/".startswith(f"{location.artifact_root}/"):
            warn(
                f"The experiment '{experiment.name}' keeps its files in {hide(place)}, as when it "
                "was made; tracking.artifacts is for new experiments.",
                2,
            )
    elif location.by_server and local_folder(place) is not None:
        warn(
            f"MLflow's server keeps no files: those of '{experiment.name}' go to {place} on this "
            "machine. Start it with --artifacts-destination, or set tracking.artifacts.",
            2,
        )


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
