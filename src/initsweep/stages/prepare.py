"""Load, check, split and standardize the data; everything later reads what this writes."""

import sys
from collections.abc import Callable

import numpy as np

from initsweep import artifacts
from initsweep.datasets import Dataset
from initsweep.datasets._loading import check_watched, files_of, prepare
from initsweep.datasets._profile import caveats, profile
from initsweep.datasets._splitting import SPLITS, Prepared
from initsweep.errors import DataError
from initsweep.metrics import Metric, balanced_weights, loss_of, score_of
from initsweep.params import Params
from initsweep.records import Schema
from initsweep.spelling import legible


def _tell(sentence: str) -> None:
    sys.stderr.write(f"prepare: {legible(sentence)}\n")


def run(params: Params, tell: Callable[[str], None] = _tell) -> None:
    """Write `data/prepared/`.

    These are the standardized splits, `schema.json`, `profile.json`, and `preprocessing.json`,
    which turns raw rows into features (`initsweep.preprocessing`).

    Args:
        params: The parameters.
        tell: Takes each sentence about what was assumed, or what limits a study of these data.
    """
    if files_of(params.data):
        check_watched(params.data)
    dataset, prepared = prepare(params.data)
    for split in SPLITS:
        artifacts.write_array(artifacts.features_file(split), prepared.features[split])
        artifacts.write_array(artifacts.targets_file(split), prepared.targets[split])
    found = profile(dataset, prepared)
    limits = caveats(found)
    for sentence in (*found["notices"], *limits):
        tell(sentence)
    artifacts.write_json(artifacts.SCHEMA, _schema(params, dataset, prepared, limits))
    artifacts.write_json(artifacts.PREPARED / "profile.json", found)
    # Exact: the served model must make the same features of raw rows as these.
    artifacts.write_json(artifacts.PREPROCESSING, prepared.preprocessing.to_json(), exact=True)


def _schema(params: Params, dataset: Dataset, prepared: Prepared, limits: list[str]) -> Schema:
    classification, asked = dataset.task == "classification", params.task
    counts = np.zeros(0, dtype=np.int64)
    if classification:
        counts = np.bincount(prepared.targets["train"], minlength=len(dataset.class_names))
    loss = loss_of(dataset.task, asked.loss, asked.class_weights)
    score = score_of(dataset.task, asked.score)
    weighted = loss.needs == "class_weights"
    weights = balanced_weights(counts) if weighted else np.ones(len(counts))
    files = [file(s) for s in SPLITS for file in (artifacts.features_file, artifacts.targets_file)]
    fitted = prepared.preprocessing
    return Schema(
        source=params.data.source,
        reference=dataset.reference,
        task=dataset.task,
        loss_name=loss.name,
        score_name=score.name,
        n_features=len(fitted.mean),
        n_outputs=len(dataset.class_names) if classification else 1,
        rows={split: len(prepared.targets[split]) for split in SPLITS},
        feature_names=list(fitted.feature_names),
        class_names=list(dataset.class_names),
        feature_mean=list(fitted.mean),
        feature_scale=list(fitted.scale),
        target_mean=prepared.target_mean,
        target_scale=prepared.target_scale,
        class_counts=counts.tolist(),
        class_weights=weights.tolist() if weighted else [],
        select_by=asked.select_by,
        constant_validation_loss=_constant(loss, prepared, "validation", weights),
        constant_test_loss=_constant(loss, prepared, "test", weights),
        constant_validation_score=_constant(score, prepared, "validation", weights),
        constant_test_score=_constant(score, prepared, "test", weights),
        data_sha=artifacts.file_hash(files),
        shape=list(dataset.shape),
        caveats=limits,
        target_name=dataset.target_name,
    )


def _constant(metric: Metric, prepared: Prepared, split: str, weights: np.ndarray) -> float:
    """Return the value, on a split, of the best predictor that knows the training targets only.

    Raises:
        DataError: If the metric does not say what that is.
    """
    if metric.constant is None:
        raise DataError(f"Metric '{metric.name}' has no value for a constant predictor.")
    return metric.constant(prepared.targets["train"], prepared.targets[split], weights)
