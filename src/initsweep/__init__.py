"""initsweep: which initializer and which learning rate, for this network on this data.

Usable alone: `from initsweep import assert_healthy, diagnose` looks at any untrained network. What
is listed here is imported when it is first asked for, so that `import initsweep` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from initsweep.diagnosis import Diagnosis as Diagnosis
    from initsweep.diagnosis import assert_healthy as assert_healthy
    from initsweep.diagnosis import diagnose as diagnose

_HOMES = {
    "Diagnosis": "initsweep.diagnosis",
    "assert_healthy": "initsweep.diagnosis",
    "diagnose": "initsweep.diagnosis",
}
__all__ = ["Diagnosis", "assert_healthy", "diagnose"]


def __getattr__(name: str) -> object:
    """Return what is listed in `__all__`, imported on first use (PEP 562).

    Raises:
        AttributeError: If it is not listed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the names of the module, those not imported yet included."""
    return sorted({*globals(), *__all__})
