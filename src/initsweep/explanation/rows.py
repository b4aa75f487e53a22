"""What `explain` returns: one row per weight, and the table of them."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from initsweep.explanation import as_text as table
from initsweep.explanation.laws import Law
from initsweep.explanation.starts import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An activation beside a layer.

    Attributes:
        name: "relu", "linear" for none, "gate" in recurrent layers, "?" where reading the network
            does not tell.
        gain: The gain that keeps the signal's second moment, None where there is no answer.
        why: Why reading the network does not tell, "" where it does.
    """

    name: str
    gain: float | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLaw:
    """The law of one weight.

    Attributes:
        layer: The layer's name; several gates or projections of one law share a row.
        law: What its weight looks like.
        bias: What its bias looks like, None for a layer without one.
        fan_in: Inputs of one output unit, averaged over positions.
        fan_out: Outputs that one input unit reaches, averaged over positions.
        after: The activation that follows.
        reads: The activation whose result it reads.
        also: Other parameters that are this weight too, because it is tied.
    """

    layer: str
    law: Law
    bias: Law | None
    fan_in: float
    fan_out: float
    after: Neighbour
    reads: Neighbour
    also: tuple[str, ...] = ()

    @property
    def std(self) -> float:
        """Standard deviation of the weights: the effective one, after any truncation."""
        return self.law.std

    @property
    def gain(self) -> float:
        """Root mean square of the weights times sqrt(fan_in): 1 keeps a linear layer's variance."""
        return self.law.root_mean_square * math.sqrt(self.fan_in)

    @property
    def ratio_after(self) -> float | None:
        """Variance over the one that keeps the signal through this layer and what follows it."""
        return _ratio(self.gain, self.after.gain)

    @property
    def ratio_reads(self) -> float | None:
        """Variance over the one that keeps the signal from activation to pre-activation."""
        return _ratio(self.gain, self.reads.gain)

    def as_record(self) -> dict[str, object]:
        """Return the row as plain values, for JSON."""
        derived = {
            "std": self.std,
            "gain": self.gain,
            "ratio_after": self.ratio_after,
            "ratio_reads": self.ratio_reads,
        }
        return asdict(self) | derived

    def __str__(self) -> str:
        return table.line(self.layer, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All rows of a network, as it is and under a scheme; `str` is the table.

    Attributes:
        rows: One per weight, as the network is now.
        scheme: Name of the scheme compared with, "" for none.
        under_scheme: The same weights under that scheme, () for none.
        unknown: Parameters that are in no layer with a known fan_in, such as a class token.
            Under a scheme they keep their values.
        zero: Parameters that end a branch of low rank (LoRA), and start at 0 under every scheme.
        whole: Layers that may hold several projections and are taken for one, each with the reason.
        frozen: Parameters that keep their values under the scheme because they are frozen.
        start: The published start that the network has, None if it has none.

    Examples:
        >>> from torch import nn
        >>> from initsweep import explain
        >>> found = explain(lambda: nn.Sequential(nn.Linear(400, 500), nn.ReLU()))
        >>> found["0"].after.name, round(found["0"].gain, 2)
        ('relu', 0.58)
    """

    rows: tuple[LayerLaw, ...]
    scheme: str = ""
    under_scheme: tuple[LayerLaw, ...] = ()
    unknown: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    start: Start | None = None

    def __iter__(self) -> Iterator[LayerLaw]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, layer: str) -> LayerLaw:
        """Return the row of a layer.

        Raises:
            KeyError: If there is no such layer.
        """
        for row in self.rows:
            if row.layer == layer:
                return row
        raise KeyError(layer)

    def as_record(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return {
            "layers": [row.as_record() for row in self.rows],
            "scheme": self.scheme or None,
            "under_scheme": [row.as_record() for row in self.under_scheme],
            "unknown": list(self.unknown),
            "zero": list(self.zero),
            "whole": list(self.whole),
            "frozen": list(self.frozen),
            "start": asdict(self.start) if self.start else None,
        }

    def __str__(self) -> str:
        return table.whole(self)


def _ratio(gain: float, keeping: float | None) -> float | None:
    return None if keeping is None else (gain / keeping) ** 2
