"""What is measured of each untrained case: our checks' numbers, and another tool's rules."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmarks.diagnosis_cases import Network
from benchmarks.network_families import Member
from initsweep.probes.averages import bounded, evidence_of
from initsweep.probes.capture import Layer, capture
from initsweep.probes.questions import CHECKS
from initsweep.probes.reading import read

SEEDS = (0, 1, 2)
BATCH = 128
# Bounds of SageMaker Debugger's built-in rules, as documented in 2023.
VANISHED, DEAD_SHARE, ACTIVE_SHARE = 1e-7, 0.5, 0.01
VARIANCE_RATIO, GRADIENT_SPREAD = 10.0, 0.001
SATURATION: Mapping[str, tuple[float, float]] = {
    "tanh": (-9.4999, 9.4999),
    "sigmoid": (-23.0, 16.99999),
}


def measure(network: Network | Member, scheme: str) -> dict[str, float]:
    """Return the worst number of every check, the rules that fire, and the sharpness."""
    split, loss = network.split("train"), network.loss
    features, targets = split.features[:BATCH], split.targets[:BATCH]
    models = [network.started(scheme, seed) for seed in SEEDS]
    states = [dict(model.named_parameters()) for model in models]
    readings = [
        read(model, state, features, targets, loss, with_sharpness=index == 0)
        for index, (model, state) in enumerate(zip(models, states, strict=True))
    ]
    evidence = evidence_of([r for r in readings if r is not None], network.constant)
    row = {check.name: bounded(check.worst(evidence)) for check in CHECKS}
    row["asleep"] = float(len(evidence.asleep))
    row["sharpness"] = math.nan if evidence.sharpness is None else evidence.sharpness
    after = getattr(models[0], "activation_after", {})
    shot = capture(models[0], states[0], features, targets, loss, after)
    activation = dict(network.options)["activation"]
    return row | sagemaker(shot.layers, str(activation), states[0])


def sagemaker(
    layers: Sequence[Layer], activation: str, state: Mapping[str, Tensor]
) -> dict[str, float]:
    """Return which of SageMaker Debugger's rules fire on the first step, as 0 and 1.

    Rules that need several steps cannot fire before training and are left out: loss not
    decreasing, unchanged tensors, update ratios, overfitting. Values are those of float32, in
    which the tool would see them.

    Source: Amazon SageMaker Debugger, list of built-in rules and their default parameters.
    """
    gradients = [layer.weight_gradient.float() for layer in layers]
    tensors = [*gradients, *(layer.pre_activations.float() for layer in layers)]
    variances = [float(layer.weight.float().var(correction=0)) for layer in layers]
    spreads = [_spread(gradient) for gradient in gradients]
    ratio = max(variances) / min(variances) if min(variances) > 0 else math.inf
    fired = {
        "vanishing_gradient": any(float(g.abs().mean()) < VANISHED for g in gradients),
        "exploding_tensor": any(not bool(t.isfinite().all()) for t in tensors),
        "dead_relu": activation == "relu" and any(map(_dead, layers[:-1])),
        "poor_weights": ratio > VARIANCE_RATIO,
        "poor_gradients": any(spread < GRADIENT_SPREAD for spread in spreads),
        "saturated": any(_saturated(layer, activation) for layer in layers[:-1]),
        "all_zero": any(
            not bool(tensor.any()) for name, tensor in state.items() if name.endswith("weight")
        ),
    }
    return {f"sm_{name}": float(value) for name, value in fired.items()}


def _spread(gradient: Tensor) -> float:
    """Return the distance of the 5th from the 95th percentile."""
    values = gradient.flatten()
    if not bool(values.isfinite().all()):
        return math.inf
    low, high = values.double().quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
    return float(high - low)


def _dead(layer: Layer) -> bool:
    active = (nn.functional.relu(layer.pre_activations) > 0).double().mean(dim=0)
    return float((active < ACTIVE_SHARE).double().mean()) > DEAD_SHARE


def _saturated(layer: Layer, activation: str) -> bool:
    if activation not in SATURATION:
        return False
    low, high = SATURATION[activation]
    inside = ((layer.pre_activations > low) & (layer.pre_activations < high)).double().mean(dim=0)
    return float((inside < ACTIVE_SHARE).double().mean()) > DEAD_SHARE
