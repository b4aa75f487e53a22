"""The kept model of a scheme, with its preprocessing, as something that answers on raw rows."""

from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from initsweep import artifacts
from initsweep.architectures import build_model
from initsweep.errors import ArtifactError
from initsweep.exporting.capture import Captured, capture
from initsweep.params import Params
from initsweep.records import Confirmation, Schema
from initsweep.tracking.model import ServedModel

EXAMPLE_ROWS = 3


def served_model(params: Params, scheme: str) -> ServedModel:
    """Return the model that the train stage kept of a scheme.

    Raises:
        ArtifactError: If it kept none, or the file is missing or damaged.
        InitsweepError: If the network cannot be written down as a fixed list of operations.
    """
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    folder = artifacts.train_folder(scheme)
    record = artifacts.read_record(folder / "record.json", Confirmation)
    if record.median_seed is None:
        raise ArtifactError(f"'{folder}' holds no model: every run of {scheme} diverged.")
    captured = _captured(params, schema, scheme)
    return ServedModel(
        scheme=scheme,
        seed=record.median_seed,
        network=captured.source,
        weights=to_safetensors(captured.tensors),
        facts=_facts(schema, captured),
        example=_example(schema),
    )


def _captured(params: Params, schema: Schema, scheme: str) -> Captured:
    """Read the kept model and write its network down.

    Returns:
        The network as text and tensors.

    Raises:
        ArtifactError: If its file is missing or damaged.
    """
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


def _facts(schema: Schema, captured: Captured) -> dict[str, object]:
    """Return what `tracking/served_model.py` reads.

    Another kind of preprocessing than standardization needs an entry here, and code in
    `ServedModel.prepared` there that reads it.
    """
    return {
        "task": schema.task,
        "preprocessing": {
            "feature_names": schema.feature_names,
            "mean": schema.feature_mean,
            "scale": schema.feature_scale,
        },
        "tensors": captured.order,
        "class_names": schema.class_names,
        "target_mean": schema.target_mean,
        "target_scale": schema.target_scale,
    }


def _example(schema: Schema) -> list[dict[str, float]]:
    """Return some raw rows: training rows with their standardization undone."""
    rows = artifacts.read_array(artifacts.features_file("train"))[:EXAMPLE_ROWS]
    columns = zip(schema.feature_names, schema.feature_mean, schema.feature_scale, strict=True)
    fitted = list(columns)
    return [
        {
            name: float(f"{value * scale + mean:.6g}")
            for value, (name, mean, scale) in zip(row.tolist(), fitted, strict=True)
        }
        for row in rows
    ]
