"""What a study of the user's own network is better told before it runs."""

from initsweep.checks.network_under_test import Subject
from initsweep.checks.networks import can_be_served
from initsweep.checks.outcome import Note
from initsweep.checks.outputs import gives_scores
from initsweep.stages.experiment import Experiment


def remarks(experiment: Experiment) -> list[str]:
    """Return what speaks against a network of the user's own, in lines; nothing of ours does."""
    params, schema = experiment.params, experiment.schema
    if ":" not in params.model.name:
        return []
    subject = Subject(
        build=experiment.model,
        n_features=schema.n_features,
        n_outputs=schema.n_outputs,
        training=params.training,
        optimizer=params.optimizer,
        runtime=params.runtime,
    )
    classes = schema.task == "classification"
    checks = [gives_scores, can_be_served] if classes else [can_be_served]
    found = [check(subject) for check in checks]
    return [f"NOTE on the network: {text}." for text in found if isinstance(text, Note)]
