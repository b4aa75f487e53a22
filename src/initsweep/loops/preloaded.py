"""Imported once by the process that all runs are forked from: what each would else import again.

Libraries only. The user's own modules are imported by each run, so that no run finds what another
has left in them.
"""

import contextlib
import importlib
import os

from initsweep.loops.libraries import LIBRARIES

_LATE = "torch._dynamo"
"""What torch imports when the first optimizer is made, for seconds."""

for _name in filter(None, [_LATE, *os.environ.get(LIBRARIES, "").split(":")]):
    with contextlib.suppress(Exception):  # the run that needs it fails in its own words
        importlib.import_module(_name)
