"""The kept model of a scheme, with its preprocessing, as something that answers on raw rows."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from initsweep.architectures import build_model
from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, CaptureError
from initsweep.core.params import Loop, Params
from initsweep.core.records import Confirmation, Schema
from initsweep.exporting.forward_source import Captured, capture
from initsweep.loops.saved import NETWORK, TENSORS
from initsweep.preprocessing.prepared import PreparedData
from initsweep.preprocessing.transform import Categorical, Preprocessing
from initsweep.views.mlflow.model import RawValue, ServedModel

EXAMPLE_ROWS = 3


def served_model(params: Params, scheme: str) -> ServedModel:
    """Return the model that the train stage kept of a scheme.

    Raises:
        ArtifactError: If it kept none, or the file is missing or damaged.
        CaptureError: If the network cannot be written down as a fixed list of operations.
    """
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    if schema.task == "own":
        raise CaptureError(
            f"Only {schema.reference} knows what to feed it; its weights are in "
            f"'{artifacts.train_folder(scheme)}' if it gave them to `report_test`."
        )
    folder = artifacts.train_folder(scheme)
    record = artifacts.read_record(folder / "record.json", Confirmation)
    if record.median_seed is None:
        raise ArtifactError(f"'{folder}' holds no model: every run of {scheme} diverged.")
    captured, prepared = _captured(params, schema, scheme), PreparedData(schema)
    fitted = prepared.preprocessing(record.median_seed)
    return ServedModel(
        scheme=scheme,
        seed=record.median_seed,
        network=captured.source,
        weights=to_safetensors(captured.tensors),
        preprocessing=fitted,
        facts=_facts(schema, captured),
        example=_example(fitted, prepared.rows("train", record.median_seed)[0][:EXAMPLE_ROWS]),
    )


def _captured(params: Params, schema: Schema, scheme: str) -> Captured:
    """Read the kept model and write its network down.

    Returns:
        The network as text and tensors.

    Raises:
        ArtifactError: If its file is missing or damaged.
    """
    if params.loop is not None:
        return _written_down(artifacts.train_folder(scheme), params.loop)
    file = artifacts.train_folder(scheme) / "model.safetensors"
    try:
        state = from_safetensors(file.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"'{file}' cannot be read: {error}. Run `dvc repro`.") from None
    model = build_model(
        params.model.name,
        params.model.options,
        n_features=schema.n_features,
        n_outputs=schema.n_outputs,
    )
    return capture(model, state, schema.n_features)


def _written_down(folder: Path, loop: Loop) -> Captured:
    """Return the network that a training function has handed over, as its run wrote it down.

    Raises:
        CaptureError: If it handed over none, or that could not be written down.
    """
    if not (folder / NETWORK).exists():
        raise CaptureError(f"{loop.function} gives no model: run.report_test(..., model=model).")
    said = json.loads(artifacts.read_text(folder / NETWORK))
    if "why_not" in said:
        raise CaptureError(said["why_not"])
    tensors = from_safetensors((folder / TENSORS).read_bytes())
    return Captured(source=said["source"], order=said["order"], tensors=tensors)


def _facts(schema: Schema, captured: Captured) -> dict[str, object]:
    """Return what `views/mlflow/served_model.py` reads."""
    return {
        "task": schema.task,
        "tensors": captured.order,
        "class_names": schema.class_names,
        "target_mean": schema.target_mean,
        "target_scale": schema.target_scale,
    }


def _example(fitted: Preprocessing, rows: np.ndarray) -> dict[str, Sequence[RawValue]] | np.ndarray:
    """Return raw rows: those of some features (rows, features), with their preprocessing undone.

    Images have the shape of the raw data, without an axis for a single channel.
    """
    encoded = _without_noise(rows, fitted)
    if fitted.shape:
        single = fitted.shape[0] == 1
        return encoded.reshape(len(rows), *fitted.shape[1 if single else 0 :])
    raw: dict[str, Sequence[RawValue]] = {}
    start = len(fitted.numeric)
    for index, name in enumerate(fitted.numeric):
        gaps = np.zeros(len(rows))
        if name in fitted.indicators:
            gaps = encoded[:, start + fitted.indicators.index(name)]
        raw[name] = [
            None if gap else float(value)
            for value, gap in zip(encoded[:, index], gaps, strict=True)
        ]
    start += len(fitted.indicators)
    for column in fitted.categorical:
        raw[column.name] = _categories(column, encoded[:, start : start + column.width])
        start += column.width
    return raw


def _categories(column: Categorical, encoded: np.ndarray) -> list[RawValue]:
    one_hot = column.encoding == "onehot"
    codes = encoded.argmax(axis=1) if one_hot else np.rint(encoded[:, 0]).astype(int)
    return [column.categories[code] for code in codes]


def _without_noise(rows: np.ndarray, fitted: Preprocessing) -> np.ndarray:
    """Return features before scaling, rounded to what single precision can tell apart."""
    scale = np.array(fitted.scale)
    digits = 6 - np.floor(np.log10(np.where(scale, scale, 1.0))).astype(int)
    raw = rows.astype(np.float64) * scale + fitted.mean
    columns = zip(raw.T, digits.tolist(), strict=True)
    rounded: np.ndarray = np.column_stack([np.round(column, count) for column, count in columns])
    return rounded + 0.0  # no -0.0
