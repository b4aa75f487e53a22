"""What `init` says: the data, the network, the plan, how long it takes and what limits it."""

import shlex
from collections.abc import Callable
from pathlib import Path

from initsweep.core.params import Params
from initsweep.core.progress import minutes
from initsweep.core.records import Schema
from initsweep.datasets.in_messages import quoted
from initsweep.stages.experiment import Experiment
from initsweep.starting.time_budget import FEW_STEPS, FEWEST_FRESH_SEEDS, work_of
from initsweep.statistics import racing

NOTICEABLE = 1.25
"""Other work that makes everything longer by less than this is not worth a sentence."""

Seconds = Callable[[Params], float]
"""Estimates how long a study of some parameters takes."""


def about(schema: Schema, experiment: Experiment) -> list[str]:
    """Return what data and network are, in lines."""
    rows, model = schema.rows, experiment.params.model
    what = "regression" if schema.task == "regression" else f"{schema.n_outputs} classes"
    target = f" of {quoted(schema.target_name)}" if schema.target_name else ""
    options = ", ".join(f"{key} {value}" for key, value in model.options.items())
    network = f"{model.name} ({options})" if options else model.name
    lines = [
        f"Data: {schema.source}: {sum(rows.values())} rows ({rows['train']} to train on, "
        f"{rows['validation']} to choose on, {rows['test']} to test), "
        f"{schema.n_features} features, {what}{target}.",
        f"Network: {network}, {experiment.size()} parameters.",
    ]
    if schema.score_name == "balanced_accuracy":
        fewest = min(schema.class_counts)
        rarest = schema.class_names[schema.class_counts.index(fewest)]
        lines.append(
            f"Class {quoted(rarest)} is rare ({fewest} {schema.rows_known} rows), so the score is "
            "the balanced accuracy; docs/networks.md has weights for the loss."
        )
    return lines


def plan(params: Params, schema: Schema) -> str:
    """Return what will be trained."""
    return f"Plan: {_size(params, schema)}."


def estimate(seconds: float, busy: float) -> str:
    """Return how long the study takes.

    Args:
        seconds: On this machine alone.
        busy: How many times longer that is with the other work that it does at the moment.
    """
    said = f"Estimate: {minutes(seconds)} for `initsweep repro`, if this machine does nothing else"
    if busy < NOTICEABLE:
        return f"{said}; measured just now."
    return f"{said}; it does at the moment, so {minutes(seconds * busy)} if that goes on."


def limits(
    planned: Params, usual: Params, schema: Schema, seconds: Seconds, most: float
) -> list[str]:
    """Return what the time that was given has cost, and what speaks against the study.

    Args:
        planned: The study.
        usual: What it would be if there were time.
        schema: The data.
        seconds: Estimates a study, on this machine alone.
        most: Minutes there are.
    """
    lines, work = [], work_of(planned, schema)
    given = "1 minute" if most == 1 else f"{most:g} minutes"
    if work.trainings * work.steps < _all_steps(usual, schema):
        lines.append(
            f"REDUCED to fit into {given}: the usual study of these data is "
            f"{_size(usual, schema)}, {minutes(seconds(usual))}. "
            f"For it, ask for --minutes {seconds(usual) / 60 + 1:.0f}."
        )
    if work.steps < FEW_STEPS:
        lines.append(
            f"WARNING: only {work.steps} steps per training. The results will say more about the "
            "first steps than about training; take more minutes, or more epochs."
        )
    if seconds(planned) > 60 * most:
        lines.append(
            f"WARNING: that is more than the {given}. It is the smallest study with "
            f"{FEWEST_FRESH_SEEDS} fresh seeds, without which no winner can be named. "
            "Fewer rows or a smaller network take less."
        )
    return lines


def next_steps(folder: Path, versioned: list[str]) -> list[str]:
    """Return what was made and what to do with it."""
    commit = '  git add -A && git commit -m "New study"  # its git repository has no commit yet'
    return [
        f"Made {folder} with params.yaml, dvc.yaml and the data ({' and '.join(versioned)} "
        "initialized). Next:",
        f"  cd {shlex.quote(str(folder))}",
        *([commit] if "git" in versioned else []),
        "  initsweep repro        # run it, then print the verdict",
        "  initsweep ui           # look at it in MLflow; reports/review.html is the packet",
    ]


def _size(params: Params, schema: Schema) -> str:
    work, tune = work_of(params, schema), params.tune
    refined, seeds = racing.refinements(tune), f"{len(tune.seeds)} seeds"
    seeds += ", racing" if tune.strategy == "racing" else ""
    return (
        f"{work.schemes} schemes; {tune.grid.points} rates and {refined} "
        f"refinements on {seeds}, then {len(params.confirm.seeds)} fresh seeds"
        f"{_more(params)}; "
        f"about {work.trainings:.0f} trainings of {params.training.epochs} epochs "
        f"({work.steps} steps)"
    )


def _more(params: Params) -> str:
    if not params.more_seeds:
        return ""
    return f" (up to {params.decide.most_seeds} of what may still be recommended)"


def _all_steps(params: Params, schema: Schema) -> float:
    work = work_of(params, schema)
    return work.trainings * work.steps
