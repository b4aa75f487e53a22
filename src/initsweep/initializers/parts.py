"""What a network consists of to an initializer: parameters, and the layers that fill them."""

from dataclasses import dataclass
from typing import Literal

from initsweep.initializers.layers import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a parameter that are filled as one layer of their own.

    Attributes:
        layer: The layer.
        role: Whether the rows are its weight or its bias.
        address: Name of the random stream; for a whole parameter the parameter's name.
        rows: How many rows, None for a whole parameter.
    """

    layer: Layer
    role: Literal["weight", "bias"]
    address: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One parameter of the network.

    Attributes:
        name: Its name in the network.
        module: Path of the first module that owns it.
        shape: Its shape.
        parts: The layers that fill it, in the order of its rows; () if it starts at `constant`.
        constant: Its value under every scheme.
        blank_row: A row that stays zero: the padding of a lookup table.
        kept: Why it keeps the values that the network has: "frozen" parameters do unless asked
            otherwise, "free" ones always, because they are in no layer of torch's own (a class
            token, a position embedding). "" for a parameter that is filled.
    """

    name: str
    module: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...] = ()
    constant: float = 0.0
    blank_row: int | None = None
    kept: Literal["", "frozen", "free"] = ""
