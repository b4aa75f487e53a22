"""What a network consists of to an initializer: parameters, and the layers that fill them."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

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
        turned: Whether it keeps its rows as columns.
        kept: Why it keeps the values that the network has: "frozen" parameters do unless asked
            otherwise, "free" ones always, because they are in no layer that initializers know (a
            class token, a position embedding), and a "zero" one because it ends a branch of low
            rank. "" for a parameter that is filled.
        own: As what a rule that names it may fill it, for a parameter in no layer: one row of a
            lookup table, or several.
    """

    name: str
    module: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...] = ()
    constant: float = 0.0
    blank_row: int | None = None
    turned: bool = False
    kept: Literal["", "frozen", "free", "zero"] = ""
    own: Layer | None = None

    def from_rows(self, rows: Tensor) -> Tensor:
        """Return the parameter whose parts have these rows, one below the other."""
        if not self.turned:
            return rows.reshape(self.shape)
        *stack, columns, count = self.shape
        return rows.reshape(*stack, count, columns).mT.contiguous()

    def rows_of(self, value: Tensor) -> Tensor:
        """Return the rows of the parameter's parts, one below the other."""
        value = value.mT if self.turned else value
        stacked = len(self.parts) > 1 and value.ndim > len(self.parts[0].layer.weight_shape)
        return value.flatten(0, -2) if stacked else value
