"""Makes a study of someone's data, in a new folder, with an estimate of how long it will take."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from initsweep.checks.network_under_test import Subject
from initsweep.checks.networks import can_be_served
from initsweep.checks.outcome import Note
from initsweep.checks.outputs import gives_scores
from initsweep.core import artifacts
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params, load_params
from initsweep.core.records import Schema
from initsweep.core.spelling import legible
from initsweep.datasets.fetching import fetch
from initsweep.stages import prepare
from initsweep.stages.experiment import Experiment, engine_experiment
from initsweep.starting import announcements as telling
from initsweep.starting import data_source as sources
from initsweep.starting import folder as folders
from initsweep.starting import loop_study, own, parameters, timing
from initsweep.starting import request as requests
from initsweep.starting import time_budget as budgets
from initsweep.starting.request import Request

USUAL_MINUTES = 10.0
RARE = 0.1
"""A class with a smaller share of the rows than this is hidden by accuracy."""

PARAMS = Path("params.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A study that is being made: parameters to begin with, and what replaces them."""

    template: str
    values: dict[str, object]

    def write(self, heading: Sequence[str] = ()) -> Params:
        """Write `params.yaml`.

        Returns:
            What it says.
        """
        parameters.write_params(PARAMS, self.template, self.values, heading)
        return load_params(PARAMS)


def make(request: Request) -> str:
    """Make the folder.

    Returns:
        What was made, how long it will take and what to do next.
    """
    caller = Path.cwd()
    source, code = requests.find(request)
    start = request.params or parameters.DEFAULT
    template = start.read_text(encoding="utf-8")
    copy = not request.in_place or source.kind in sources.FETCHED  # those lie in data/raw
    with requests.in_words_of(request, source) as said_so, folders.new_folder(request.folder):
        watch = folders.lay_out(source, code, copy=copy)
        if source.kind in sources.FETCHED:
            fetch(f"{source.kind}:{source.location}")
        with own.copies_only(code, caller):
            draft = Draft(template=template, values=requests.values(request, source, watch))
            draft.values.update(loop_study.values(request) if request.train else {})
            params = draft.write()
            if params.loop is None:
                said = _of_the_engine(request, draft, params, said_so)
            else:
                said = _of_an_own_loop(request, draft, params)
        raw = sorted(path for path in folders.RAW.iterdir() if path.name != ".gitkeep")
        versioned = folders.start_versioning(raw)
    return "\n".join([*said, "", *telling.next_steps(request.folder, versioned)])


def _of_the_engine(
    request: Request, draft: Draft, params: Params, said_so: Callable[[str], str]
) -> list[str]:
    """Prepare the data and choose a budget.

    Returns:
        What was found and chosen, in lines.
    """
    noticed: list[str] = []
    params, schema = _prepared(draft, params, noticed, given=request.params is not None)
    for sentence in noticed:
        sys.stderr.write(f"init: {legible(said_so(sentence))}\n")
    return _with_budget(request, draft, params, schema)


def _of_an_own_loop(request: Request, draft: Draft, params: Params) -> list[str]:
    """Try the training function and choose a budget.

    Returns:
        What was found and chosen, in lines.
    """
    largest = request.minutes
    if largest is None and request.params is None:
        largest = loop_study.USUAL_MINUTES
    found, said = loop_study.tried(params, largest=largest)
    draft.values.update(found)
    draft.write(said)
    shutil.rmtree(artifacts.PREPARED)  # the first stage makes it again, and DVC keeps it then
    artifacts.remove_folder(artifacts.SCRATCH)
    return said


def _prepared(
    draft: Draft, params: Params, noticed: list[str], *, given: bool
) -> tuple[Params, Schema]:
    """Read and check the data as the first stage will, and complete the values.

    Args:
        draft: The study.
        params: What it says.
        noticed: Gets what was assumed about the data.
        given: Whether the parameters are the user's own, of which nothing is changed.

    Returns:
        The parameters so far, and what the data are.
    """
    values = draft.values
    prepare.run(params, noticed.append)
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    if given:
        return params, schema
    train, counts = schema.rows["train"], schema.class_counts
    values["training.batch_size"] = budgets.batch_size(train)
    values["diagnose.batch_size"] = min(256, train)
    if params.model.name == "auto":
        chosen = with_network(params, schema).model
        shaped = {"image": None} if "image" in chosen.options else {}
        values["model"] = {"name": chosen.name, **chosen.options, **shaped}
    if counts and min(counts) < RARE * sum(counts) and len(counts) < 1 / RARE:
        values["task.score"] = "balanced_accuracy"
        prepare.run(draft.write(), lambda _: None)  # which notices the same again
    return draft.write(), artifacts.read_record(artifacts.SCHEMA, Schema)


def _with_budget(request: Request, draft: Draft, params: Params, schema: Schema) -> list[str]:
    """Choose the budget and write it down.

    Returns:
        What it is, in lines.
    """
    experiment = engine_experiment(params)
    speed = timing.measure(experiment, params.schemes[-1])

    def seconds(plan: Params) -> float:
        return speed.seconds(budgets.work_of(plan, schema))

    minutes, planned, limits = request.minutes or USUAL_MINUTES, params, list[str]()
    if request.params is None or request.minutes is not None:
        rows = schema.rows["train"]
        chosen = budgets.choose(
            rows,
            minutes,
            lambda budget: seconds(budgets.planned(params, budget)),
            thorough=request.minutes is not None,
        )
        planned = budgets.planned(params, chosen)
        usual = budgets.planned(params, budgets.usual(rows))
        draft.values.update(parameters.budget_values(chosen))
        limits = telling.limits(planned, usual, schema, seconds, minutes)
    said = [
        *telling.about(schema, experiment),
        *_remarks(experiment),
        telling.plan(planned, schema),
        telling.estimate(seconds(planned), speed.busy),
        *limits,
    ]
    draft.write(said)
    shutil.rmtree(artifacts.PREPARED)  # the first stage makes it again, and DVC keeps it then
    return said


def _remarks(experiment: Experiment) -> list[str]:
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
