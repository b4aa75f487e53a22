"""Probes: what can be said about a network before it is trained. Tensors in, numbers out.

`capture` runs one forward and one backward pass and keeps every weight layer's signals; a probe
turns one layer's signals into one number. To add one, write a file here with a function that
takes a `Layer` and returns a float, and register it with `@PROBES.register("my_quantity")`. The
diagnose stage averages every registered probe over seeds; one whose name is a field of
`records.LayerRow` becomes that column of the table, the others only feed the verdict.
"""

from collections.abc import Callable

from initsweep.core.registry import Registry
from initsweep.probes.capture import Layer

PROBES: Registry[Callable[[Layer], float]] = Registry("probe", f"{__name__}.measures")
"""All probes by name; `@PROBES.register("my_quantity")` adds a function from a layer to a number.

Examples:
    >>> from initsweep import PROBES
    >>> "dead" in PROBES.names()
    True
"""


def measure(layer: Layer) -> dict[str, float]:
    """Apply every registered probe to one layer.

    Returns:
        The numbers by probe name. A network that overflowed gives infinities here.
    """
    return {name: probe(layer) for name, probe in PROBES}
