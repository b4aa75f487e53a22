"""initsweep: which initializer and which learning rate, for this network on this data.

Usable alone: `from initsweep import initialize_` fills any network under any scheme. What is
listed here is imported when it is first asked for, so that `import initsweep` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from initsweep.initializers import activations_after as activations_after
    from initsweep.initializers import activations_before as activations_before
    from initsweep.initializers import backward_gain as backward_gain
    from initsweep.initializers import forward_gain as forward_gain
    from initsweep.initializers import initial_state as initial_state
    from initsweep.initializers import initialize_ as initialize_
    from initsweep.initializers import make_initializer as make_initializer

__all__ = [
    "activations_after",
    "activations_before",
    "backward_gain",
    "forward_gain",
    "initial_state",
    "initialize_",
    "make_initializer",
]


def __getattr__(name: str) -> object:
    """Return what is listed in `__all__`, imported on first use (PEP 562).

    Raises:
        AttributeError: If it is not listed.
    """
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module("initsweep.initializers"), name)


def __dir__() -> list[str]:
    """Return the names of the module, those not imported yet included."""
    return sorted({*globals(), *__all__})
