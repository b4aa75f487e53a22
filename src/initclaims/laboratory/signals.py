"""Signals of untrained networks: one forward and one backward pass, layer by layer."""

from collections.abc import Callable, Iterable

from torch import Tensor

from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.table import Measurement, Table, Values
from initsweep.probes.capture import Layer, Snapshot, capture
from initsweep.probes.deviation import root_mean_square

FORWARD, BACKWARD = "forward scale", "backward scale"
ROWS = 256
"""Training rows that a network is looked at with."""


def snapshot(
    lab: Lab,
    setup: Setup,
    scheme: str | Scheme,
    seed: int,
    *,
    state: dict[str, Tensor] | None = None,
) -> Snapshot:
    """Return what an untrained network shows on the first training rows.

    Args:
        lab: The bench.
        setup: Network and data.
        scheme: What its weights are drawn from.
        seed: Which draw.
        state: Parameters to look at instead, for example after training.
    """
    model = setup.model()
    train = setup.data.train
    return capture(
        model,
        lab.state(setup, scheme, seed) if state is None else state,
        train.features[:ROWS],
        train.targets[:ROWS],
        setup.data.loss,
        getattr(model, "activation_after", {}),
    )


def by_layer(
    layers: Iterable[Layer],
    quantity: str,
    probe: Callable[[Layer], float],
    *,
    arm: str,
    seed: int,
) -> list[Measurement]:
    """Return one number per layer, the layer's place from 1 up being the setting."""
    return [
        Measurement.of(arm, quantity, probe(layer), seed=seed, setting=place)
        for place, layer in enumerate(layers, start=1)
    ]


def forward_scale(layer: Layer) -> float:
    """Return the root mean square of a layer's pre-activations."""
    return root_mean_square(layer.pre_activations)


def backward_scale(layer: Layer) -> float:
    """Return the root mean square of the gradient with respect to a layer's pre-activations."""
    return root_mean_square(layer.gradients)


def growth_per_layer(table: Table, quantity: str, arm: str) -> Values:
    """Return the geometric mean of the factor from one layer to the next, shape (seeds,).

    In the signal's direction: `BACKWARD` from the last layer to the first, all else onwards.

    Args:
        table: Measurements of `by_layer`.
        quantity: What was measured by layer.
        arm: Of which arm.
    """
    layers = table.settings(quantity, arm)
    first, last = (table.values(quantity, arm, layer) for layer in (layers[0], layers[-1]))
    growth = (last / first) ** (1 / (layers[-1] - layers[0]))
    return 1 / growth if quantity == BACKWARD else growth
