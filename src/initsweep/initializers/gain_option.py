"""The option `gain`: a number, or the one that the activation after the layer asks for."""

import math
from typing import Annotated, Literal

from pydantic import PlainValidator

from initsweep.initializers.gains import backward_gain, forward_gain
from initsweep.initializers.layers import Layer


def _number_or_auto(value: object) -> float | Literal["auto"]:
    """Return the option's value.

    Raises:
        ValueError: If it is neither a positive finite number nor "auto".
    """
    if value == "auto":
        return "auto"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and 0 < value < math.inf:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise ValueError(f"write a finite number above 0, or auto; received {value!r}")


Gain = Annotated[float | Literal["auto"], PlainValidator(_number_or_auto)]
"""A factor on the standard deviation, or "auto" for the gain of the activation."""

OptionalGain = Annotated[
    float | Literal["auto"] | None,
    PlainValidator(lambda value: None if value is None else _number_or_auto(value)),
]
"""The same, or None where something else sets the scale."""


def resolve_gain(gain: float | Literal["auto"], layer: Layer) -> float:
    """Return the gain as a number: "auto" is the forward gain of the layer's activation."""
    if gain != "auto":
        return gain
    return 1.0 if layer.activation is None else forward_gain(layer.activation)


def automatic_gains(layer: Layer) -> tuple[float, float]:
    """Return the forward and backward gain of the layer's activation, 1 for a linear output."""
    if layer.activation is None:
        return 1.0, 1.0
    return forward_gain(layer.activation), backward_gain(layer.activation)
