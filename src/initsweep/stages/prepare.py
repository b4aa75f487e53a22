"""Load, check, split and standardize the data; everything later reads what this writes."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from initsweep.core import artifacts
from initsweep.core.errors import DataError
from initsweep.core.params import OWN_DATA, Params, fingerprint
from initsweep.core.records import Schema
from initsweep.core.spelling import legible
from initsweep.datasets import Dataset
from initsweep.datasets.loading import check_watched, files_of, prepare
from initsweep.datasets.profile import caveats, decided, leaks, profile
from initsweep.datasets.splitting import Prepared, raw_columns
from initsweep.metrics import Metric, balanced_weights, loss_of, score_of
from initsweep.preprocessing.prepared import RAW, raw_file
from initsweep.stages import own_data


def _tell(sentence: str) -> None:
    sys.stderr.write(f"prepare: {legible(sentence)}\n")


def run(params: Params, tell: Callable[[str], None] = _tell) -> None:
    """Write `data/prepared/`.

    These are the standardized splits, or raw columns where each seed draws its own validation rows
    (`initsweep.preprocessing.prepared`); `schema.json`, `profile.json`, and `preprocessing.json`,
    which turns raw rows into features (`initsweep.preprocessing.transform`).

    Args:
        params: The parameters.
        tell: Takes each sentence about what was assumed, or what limits a study of these data.
    """
    if params.data.source == OWN_DATA and params.loop is not None:
        own_data.write(params, params.loop)
        return
    if files_of(params.data):
        check_watched(params.data)
    dataset, prepared = prepare(params.data)
    files = _write_rotating(dataset, prepared) if _rotates(prepared) else _write_fixed(prepared)
    for outdated in set(artifacts.PREPARED.glob("*.npy")).difference(files):
        outdated.unlink()  # of another kind of split
    found = profile(dataset, prepared)
    limits = [*caveats(found), *leaks(dataset)]
    for sentence in (*decided(dataset), *found["notices"], *limits):
        tell(sentence)
    # Exact: the served model must make the same features of raw rows as these.
    artifacts.write_json(artifacts.PREPROCESSING, prepared.preprocessing.to_json(), exact=True)
    schema = own_data.with_baseline(_schema(params, dataset, prepared, limits), params.loop)
    artifacts.write_json(artifacts.SCHEMA, replace(schema, data_sha=_data_sha(schema, files)))
    artifacts.write_json(artifacts.PREPARED / "profile.json", found)


def _rotates(prepared: Prepared) -> bool:
    return prepared.fitted_on == "development"


def _write_fixed(prepared: Prepared) -> list[Path]:
    """Write the splits that all seeds share.

    Returns:
        The files.
    """
    files = []
    for split in prepared.rows:
        files += [artifacts.features_file(split), artifacts.targets_file(split)]
        artifacts.write_array(files[-2], prepared.features[split])
        artifacts.write_array(files[-1], prepared.targets[split])
    return files


def _write_rotating(dataset: Dataset, prepared: Prepared) -> list[Path]:
    """Write raw columns, of which each seed makes features for itself.

    Returns:
        The files; what the features look like is in one of them.
    """
    files = [artifacts.PREPROCESSING]
    for split, rows in prepared.rows.items():
        numbers, codes = raw_columns(dataset, prepared.preprocessing, rows)
        columns = np.array(codes, dtype=np.int64).reshape(len(codes), len(rows)).T
        for what, array in zip(RAW, (numbers, columns, prepared.targets[split]), strict=True):
            files.append(raw_file(split, what))
            artifacts.write_array(files[-1], np.ascontiguousarray(array))
    return files


def _data_sha(schema: Schema, files: list[Path]) -> str:
    """Return a hash of everything that the rows of any seed depend on."""
    content = artifacts.file_hash(files)
    if schema.validation == "fixed":
        return content
    return fingerprint([content, schema.rows, schema.split_seed, schema.scaling])


def _schema(params: Params, dataset: Dataset, prepared: Prepared, limits: list[str]) -> Schema:
    classification, asked = dataset.task == "classification", params.task
    known, counts = prepared.targets[prepared.fitted_on], np.zeros(0, dtype=np.int64)
    validation = "development" if _rotates(prepared) else "validation"
    if classification:
        counts = np.bincount(known, minlength=len(dataset.class_names))
    loss = loss_of(dataset.task, asked.loss, asked.class_weights)
    score = score_of(dataset.task, asked.score)
    weighted = loss.needs == "class_weights"
    weights = balanced_weights(counts) if weighted else np.ones(len(counts))
    fitted = prepared.preprocessing
    return Schema(
        source=params.data.source,
        reference=dataset.reference,
        task=dataset.task,
        loss_name=loss.name,
        score_name=score.name,
        n_features=len(fitted.mean),
        n_outputs=len(dataset.class_names) if classification else 1,
        rows=prepared.counts,
        feature_names=list(fitted.feature_names),
        class_names=list(dataset.class_names),
        feature_mean=list(fitted.mean),
        feature_scale=list(fitted.scale),
        target_mean=prepared.target_mean,
        target_scale=prepared.target_scale,
        class_counts=counts.tolist(),
        class_weights=weights.tolist() if weighted else [],
        select_by=asked.select_by,
        constant_validation_loss=_constant(loss, prepared, validation, weights),
        constant_test_loss=_constant(loss, prepared, "test", weights),
        constant_validation_score=_constant(score, prepared, validation, weights),
        constant_test_score=_constant(score, prepared, "test", weights),
        data_sha="",
        validation="rotating" if _rotates(prepared) else "fixed",
        split_seed=params.data.split_seed,
        scaling=dataset.scaling,
        shape=list(dataset.shape),
        caveats=limits,
        target_name=dataset.target_name,
    )


def _constant(metric: Metric, prepared: Prepared, split: str, weights: np.ndarray) -> float:
    """Return the value, on a split, of the best predictor that knows known targets only.

    Raises:
        DataError: If the metric does not say what that is.
    """
    if metric.constant is None:
        raise DataError(f"Metric '{metric.name}' has no value for a constant predictor.")
    return metric.constant(prepared.targets[prepared.fitted_on], prepared.targets[split], weights)
