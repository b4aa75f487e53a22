"""Data that a training function brings itself: what is known of them is a baseline and a hash."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from initsweep.core import artifacts
from initsweep.core.counted import counted
from initsweep.core.errors import ParamsError, UnknownNameError, shown
from initsweep.core.params import Baseline, Loop, Params
from initsweep.core.records import Schema
from initsweep.core.registry import function_from_outside, in_words

_NAMES = tuple(Baseline.model_fields)


def write(params: Params, loop: Loop) -> None:
    """Write `data/prepared/` for a function that brings its data: no rows, a schema alone.

    Raises:
        ParamsError: If `data.watch` does not exist, or the baseline is not known.
    """
    for outdated in artifacts.PREPARED.glob("*.npy"):
        outdated.unlink()
    baseline, watched = baseline_of(loop), Path(params.data.watch)
    if not watched.exists():
        raise ParamsError(
            f"data.watch: there is no '{watched}'. It is the file or folder with your data; "
            "data/raw if you have none."
        )
    task = params.task
    if task.select_by == "score" and None in (baseline.validation_score, baseline.test_score):
        raise ParamsError(
            "training.baseline: task.select_by is `score`, so say what a model has that learned "
            "nothing: validation_score and test_score, beside the losses."
        )
    schema = Schema(
        source="own data",
        reference=loop.function,
        task="own",
        loss_name="loss" if task.loss == "auto" else task.loss,
        score_name="score" if task.score == "auto" else task.score,
        n_features=0,
        n_outputs=0,
        rows={},
        feature_names=[],
        class_names=[],
        feature_mean=[],
        feature_scale=[],
        target_mean=0.0,
        target_scale=1.0,
        class_counts=[],
        class_weights=[],
        select_by=task.select_by,
        constant_validation_loss=baseline.validation_loss,
        constant_test_loss=baseline.test_loss,
        constant_validation_score=baseline.validation_score,
        constant_test_score=baseline.test_score,
        data_sha=artifacts.file_hash(counted(watched)),
        validation="fixed",
        scaling="none",
    )
    artifacts.write_json(artifacts.SCHEMA, schema)
    artifacts.write_json(artifacts.PREPROCESSING, {})
    artifacts.write_json(artifacts.PREPARED / "profile.json", {"notices": []})


def with_baseline(schema: Schema, loop: Loop | None) -> Schema:
    """Return a schema with the constant predictor's losses that a user states, if one does."""
    if loop is None or loop.baseline == "auto":
        return schema
    stated = loop.baseline
    return replace(
        schema,
        constant_validation_loss=stated.validation_loss,
        constant_test_loss=stated.test_loss,
        constant_validation_score=(
            schema.constant_validation_score
            if stated.validation_score is None
            else stated.validation_score
        ),
        constant_test_score=(
            schema.constant_test_score if stated.test_score is None else stated.test_score
        ),
    )


def baseline_of(loop: Loop) -> Baseline:
    """Return the constant predictor's losses, stated or from the function `baseline` beside it.

    Raises:
        ParamsError: If they are neither, or not usable.
    """
    if loop.baseline != "auto":
        return loop.baseline
    module = loop.function.partition(":")[0]
    try:
        function = function_from_outside(f"{module}:baseline", "training.baseline")
    except (ParamsError, UnknownNameError) as error:
        raise ParamsError(
            "training.baseline: say what a model has that learned nothing, `{validation_loss: "
            "4.17, test_loss: 4.17}` (for balanced classes or tokens: the logarithm of their "
            f"number), or write `def baseline(options)` in {module} that returns these. ({error})"
        ) from None
    try:
        found = function(dict(loop.options))
    except Exception as error:
        raise ParamsError(
            f"training.baseline: {module}:baseline raised {in_words(error)}."
        ) from error
    wrong = f"training.baseline: {module}:baseline must return a dict of numbers above 0, "
    if not isinstance(found, Mapping) or not {*_NAMES[:2]} <= {*found} <= {*_NAMES}:
        raise ParamsError(
            f"{wrong}{{'validation_loss': ..., 'test_loss': ...}}; got {shown(found)}."
        )
    given = {name: value for name, value in found.items() if value is not None}
    if not all(isinstance(value, int | float) for value in given.values()):
        raise ParamsError(f"{wrong}received {shown(found)}.")
    values = {name: float(value) for name, value in given.items()}
    losses = [values.get(name, 0.0) for name in _NAMES[:2]]
    if not all(map(math.isfinite, values.values())) or min(losses) <= 0:
        raise ParamsError(f"{wrong}received {shown(found)}.")
    return Baseline(**values)
