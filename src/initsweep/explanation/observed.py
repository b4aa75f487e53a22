"""What is seen of each part of each parameter, before it gets a name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from initsweep.explanation.families import Fit
from initsweep.explanation.laws import Law, observe
from initsweep.initializers.layers import Layer
from initsweep.initializers.parts import Slot
from initsweep.initializers.rules import PartRole
from initsweep.initializers.table import sides_of


class Observed(NamedTuple):
    """A part of a parameter with what its values look like.

    Attributes:
        slot: The parameter.
        layer: The layer that the part belongs to, or the parameter as one if it is in none.
        role: Whether it is the weight or the bias.
        law: The law in words.
        fit: The family that fits best; None for what has structure, or too few values.
        n_values: How many values there are.
    """

    slot: Slot
    layer: Layer
    role: PartRole
    law: Law
    fit: Fit | None
    n_values: int


def observed(slots: Iterable[Slot], values: Mapping[str, Tensor]) -> list[Observed]:
    """Return what is seen of every part; a padding row is left out."""
    found = []
    for slot in slots:
        for (layer, role), value in zip(sides_of(slot), _rows(slot, values), strict=True):
            law, fit = observe(value, layer, role=role)
            found.append(Observed(slot, layer, role, law, fit, value.numel()))
    return found


def _rows(slot: Slot, values: Mapping[str, Tensor]) -> Iterator[Tensor]:
    """Yield the rows of each part.

    Yields:
        The values of one part.
    """
    value, start = slot.rows_of(values[slot.name]), 0
    if slot.blank_row is not None:
        kept = torch.arange(len(value), device=value.device) != slot.blank_row % len(value)
        value = value[kept]
    if not slot.parts and slot.own is not None:
        yield value.reshape(slot.own.weight_shape)
    for part in slot.parts:
        stop = len(value) if part.rows is None else start + part.rows
        yield value[start:stop]
        start = stop
