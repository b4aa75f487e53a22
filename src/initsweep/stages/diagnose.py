"""Measure every scheme before any training and say what is wrong with it, if anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from initsweep import artifacts
from initsweep.engine.devices import numerics
from initsweep.errors import ParamsError
from initsweep.experiment import Experiment, load_experiment
from initsweep.params import Params
from initsweep.probes import measure
from initsweep.probes.activation_scale import root_mean_square
from initsweep.probes.capture import Snapshot, capture
from initsweep.probes.mean_field import Prediction, predict
from initsweep.probes.rank import effective_rank
from initsweep.probes.verdict import Evidence, backward_ratio, forward_ratio, judge
from initsweep.progress import progress
from initsweep.randomness import torch_stream
from initsweep.records import DiagnosisRow, LayerRow

LAYERS = artifacts.DIAGNOSE / "layers.csv"
SCHEMES = artifacts.DIAGNOSE / "schemes.csv"

# Numbers beyond this, infinities and NaN of an overflow are written as this: tables hold finite
# numbers only, and averages and ratios of such numbers stay finite too.
LARGEST = 1e300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One scheme under one seed: numbers only, the signals are gone."""

    names: list[str]
    layers: list[dict[str, float]]
    predictions: tuple[Prediction, ...] | None
    input_scale: float
    input_rank: float
    loss: float


def run(params: Params) -> None:
    """Write the statistics of every layer and the verdict on every scheme."""
    experiment = load_experiment(params)
    features, targets = probe_batch(experiment, params.diagnose.batch_size)
    model, seeds = experiment.model(), params.diagnose.seeds
    layer_rows: list[LayerRow] = []
    scheme_rows: list[DiagnosisRow] = []
    with (
        numerics(torch.device("cpu"), params.runtime.threads),
        progress(len(params.schemes) * len(seeds), "diagnose", "network") as bar,
    ):
        for scheme in params.schemes:
            readings = []
            for seed in seeds:
                state = experiment.initial_state(scheme, seed)
                readings.append(read(experiment, model, state, features, targets))
                bar.advance()
            layer_rows.extend(layer_table(scheme, readings))
            scheme_rows.append(
                diagnosis(scheme, readings, experiment.schema.constant_validation_loss)
            )
            bar.note(f"{scheme}: {scheme_rows[-1].verdict}")
    artifacts.write_rows(LAYERS, layer_rows, LayerRow)
    artifacts.write_rows(SCHEMES, scheme_rows, DiagnosisRow)


def probe_batch(experiment: Experiment, size: int) -> tuple[Tensor, Tensor]:
    """Return the same random training examples for every scheme and seed.

    Returns:
        Features, shape (batch, features), and targets, shape (batch,), with at most `size`
        examples and at most as many as there are.
    """
    split = experiment.train
    order = torch.randperm(len(split.features), generator=torch_stream("diagnose"))[:size]
    return split.features[order], split.targets[order]


def read(
    experiment: Experiment,
    model: nn.Module,
    state: dict[str, Tensor],
    features: Tensor,
    targets: Tensor,
) -> Reading:
    """Return what one untrained network shows.

    Raises:
        ParamsError: If the network has no layer that the probes know.
    """
    activation_after = getattr(model, "activation_after", {})
    snapshot = capture(model, state, features, targets, experiment.loss, activation_after)
    if not snapshot.layers:
        raise ParamsError(
            f"model.name: '{experiment.params.model.name}' has no layer that diagnose can look "
            "at; it knows torch's Linear and Conv1d to Conv3d. Build the network from those."
        )
    return _reading(snapshot)


def layer_table(scheme: str, readings: Sequence[Reading]) -> list[LayerRow]:
    """Return one row per layer, averaged over seeds."""
    columns = {field.name for field in fields(LayerRow)}
    rows = []
    for index, name in enumerate(readings[0].names):
        values = _means([reading.layers[index] for reading in readings])
        forward = [bounded(reading.layers[index]["forward_std"]) for reading in readings]
        backward = [bounded(reading.layers[index]["backward_std"]) for reading in readings]
        rows.append(
            LayerRow(
                scheme=scheme,
                layer=index,
                name=name,
                forward_low=min(forward),
                forward_high=max(forward),
                forward_predicted=_predicted("forward_std", index, readings),
                backward_low=min(backward),
                backward_high=max(backward),
                backward_predicted=_predicted("backward_std", index, readings),
                **{probe: value for probe, value in values.items() if probe in columns},
            )
        )
    return rows


def diagnosis(scheme: str, readings: Sequence[Reading], constant_loss: float) -> DiagnosisRow:
    """Return the verdict on one scheme, from its averages over seeds."""
    first = readings[0]
    evidence = Evidence(
        names=first.names,
        layers=[
            _means([reading.layers[index] for reading in readings])
            for index in range(len(first.names))
        ],
        input_scale=first.input_scale,
        input_rank=first.input_rank,
        initial_loss=_mean([reading.loss for reading in readings]),
        constant_loss=constant_loss,
    )
    finding = judge(evidence)
    return DiagnosisRow(
        scheme=scheme,
        verdict=finding.verdict,
        reason=finding.reason,
        first_bad_layer=finding.first_bad_layer,
        initial_loss=evidence.initial_loss,
        constant_loss=constant_loss,
        forward_ratio=bounded(forward_ratio(evidence)),
        backward_ratio=bounded(backward_ratio(evidence)),
    )


def bounded(value: float) -> float:
    """Return `value`, or 1e300 with its sign where it is larger, infinite or NaN."""
    if math.isnan(value):
        return LARGEST
    return max(-LARGEST, min(LARGEST, value))


def _reading(snapshot: Snapshot) -> Reading:
    inputs = snapshot.layers[0].inputs
    return Reading(
        names=[layer.name for layer in snapshot.layers],
        layers=[measure(layer) for layer in snapshot.layers],
        predictions=predict(snapshot.layers),
        input_scale=root_mean_square(inputs),
        input_rank=effective_rank(inputs),
        loss=snapshot.loss,
    )


def _predicted(quantity: str, index: int, readings: Sequence[Reading]) -> float | None:
    """Return the mean prediction, or None where some seed has none."""
    values = [
        getattr(reading.predictions[index], quantity)
        for reading in readings
        if reading.predictions is not None
    ]
    return _mean(values) if len(values) == len(readings) else None


def _means(measured: Sequence[dict[str, float]]) -> dict[str, float]:
    return {probe: _mean([values[probe] for values in measured]) for probe in measured[0]}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(bounded(value) / len(values) for value in values)
