"""Load, check, split and standardize the data; everything later reads what this writes."""

import sys

from initsweep import artifacts
from initsweep.datasets import Dataset
from initsweep.datasets._loading import check_watched, files_of, prepare
from initsweep.datasets._profile import caveats, profile
from initsweep.datasets._splitting import SPLITS, Prepared, constant_loss
from initsweep.metrics import loss_of, score_of
from initsweep.params import Params
from initsweep.records import Schema


def run(params: Params) -> None:
    """Write `data/prepared/`.

    These are the standardized splits, `schema.json`, `profile.json`, and `preprocessing.json`,
    which turns raw rows into features (`initsweep.preprocessing`).
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
        sys.stderr.write(f"prepare: {sentence}\n")
    artifacts.write_json(artifacts.SCHEMA, _schema(params.data.source, dataset, prepared, limits))
    artifacts.write_json(artifacts.PREPARED / "profile.json", found)
    artifacts.write_json(artifacts.PREPROCESSING, prepared.preprocessing.to_json())


def _schema(source: str, dataset: Dataset, prepared: Prepared, limits: list[str]) -> Schema:
    classification = dataset.task == "classification"
    files = [file(s) for s in SPLITS for file in (artifacts.features_file, artifacts.targets_file)]
    fitted = prepared.preprocessing
    return Schema(
        source=source,
        reference=dataset.reference,
        task=dataset.task,
        loss_name=loss_of(dataset.task).name,
        score_name=score_of(dataset.task).name,
        n_features=len(fitted.mean),
        n_outputs=len(dataset.class_names) if classification else 1,
        rows={split: len(prepared.targets[split]) for split in SPLITS},
        feature_names=list(fitted.feature_names),
        class_names=list(dataset.class_names),
        feature_mean=list(fitted.mean),
        feature_scale=list(fitted.scale),
        target_mean=prepared.target_mean,
        target_scale=prepared.target_scale,
        constant_validation_loss=constant_loss(dataset, prepared, "validation"),
        constant_test_loss=constant_loss(dataset, prepared, "test"),
        data_sha=artifacts.file_hash(files),
        shape=list(dataset.shape),
        caveats=limits,
    )
