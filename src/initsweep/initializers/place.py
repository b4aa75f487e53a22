"""Where a parameter stands in its network, as far as schemes by part ask."""

from dataclasses import dataclass
from typing import Literal

Role = Literal[
    "input", "hidden", "output", "residual_output", "query", "key", "value", "bias", "norm",
    "position", "token", "gate",
]  # fmt: skip
"""What a parameter is to the signal.

A layer is an "input" if no other layer comes before it, an "output" if none comes behind it, else
"hidden"; a "residual_output" is the hidden layer whose result is added to the path around it.
"query", "key" and "value" are the projections of an attention that holds them itself. Of
parameters in no layer, a "position" is added to the signal, a "token" put beside it, and a "gate"
multiplied with it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a parameter stands in its network; by default alone.

    Attributes:
        names: Its names in the network, and those of the layers it is the weight or bias of; more
            than one of each if it is tied.
        kinds: What these layers compute (`Layer.kind`); "norm" and "parameter" for what is in no
            layer.
        roles: What it is to the signal, but for "bias", which is said of parts of a layer.
        block: Which of the residual blocks it is in, from 0; None for none of them.
        blocks: How many residual blocks the network has.
        width: Units of the network's first layer, None if it is not known.
        reads_hidden: Whether its inputs are hidden units, of which a wider network has more.
        gives_hidden: Whether its outputs are.
        tied: Whether several layers share it.
    """

    names: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    roles: frozenset[Role] = frozenset({"hidden"})
    block: int | None = None
    blocks: int = 0
    width: int | None = None
    reads_hidden: bool = True
    gives_hidden: bool = True
    tied: bool = False

    @property
    def outside(self) -> bool:
        """Whether the parameter is known to be in no layer."""
        return bool(self.kinds) and self.kinds <= {"norm", "parameter"}
