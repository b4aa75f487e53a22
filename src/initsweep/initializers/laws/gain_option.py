"""The option `gain`: a number, or the one that an activation next to the layer asks for."""

import math
from typing import Annotated, Literal

from pydantic import PlainValidator

from initsweep.initializers.laws.gains import backward_gain, forward_gain
from initsweep.initializers.layers import Layer, Neighbour

ByActivation = Literal["auto", "incoming"]
"""The activation after the layer (as torch's gains are used), or the one that it reads.

With one homogeneous activation throughout (ReLU and its relatives) both keep the signal. In
networks that mix activations, or whose activation is not homogeneous, "incoming" is what the
derivation asks for, Var[y] = n Var[w] E[x²] with x the layer's own input (He et al. 2015, equation
7), and keeps pre-activations at unit variance from the first layer on."""

_NEIGHBOUR: dict[ByActivation, Neighbour] = {"auto": "activation", "incoming": "incoming"}


def _number_or_name(value: object) -> float | ByActivation:
    """Return the option's value.

    Raises:
        ValueError: If it is neither a positive finite number nor one of the names.
    """
    if value == "auto" or value == "incoming":
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and 0 < value < math.inf:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise ValueError(f"write a finite number above 0, auto or incoming; received {value!r}")


Gain = Annotated[float | ByActivation, PlainValidator(_number_or_name)]
"""A factor on the standard deviation, or whose activation's gain to take."""

OptionalGain = Annotated[
    float | ByActivation | None,
    PlainValidator(lambda value: None if value is None else _number_or_name(value)),
]
"""The same, or None where something else sets the scale."""


def neighbour(gain: float | ByActivation | None) -> Neighbour | None:
    """Return which activation next to the layer the option asks for."""
    return _NEIGHBOUR[gain] if isinstance(gain, str) else None


def resolve_gain(gain: float | ByActivation, layer: Layer) -> float:
    """Return the gain as a number: names stand for the forward gain of an activation."""
    return activation_gains(gain, layer)[0] if isinstance(gain, str) else gain


def activation_gains(gain: ByActivation, layer: Layer) -> tuple[float, float]:
    """Return the forward and backward gain of the activation meant, 1 where there is none."""
    phi = layer.activation if gain == "auto" else layer.incoming
    return (1.0, 1.0) if phi is None else (forward_gain(phi), backward_gain(phi))
