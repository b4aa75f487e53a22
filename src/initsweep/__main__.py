"""`python -m initsweep` is `initsweep`."""

import sys

from initsweep.handover import hand_over

status = hand_over(sys.argv[1:])
if status is not None:
    sys.exit(status)

try:
    from initsweep.cli import main
except ModuleNotFoundError as missing:
    # DVC runs the `python` it finds: outside the environment that one lacks our requirements.
    sys.exit(
        f"initsweep: {sys.executable} has no module '{missing.name}'. Activate the project's "
        "environment (source .venv/bin/activate), or use `make repro`, which needs no activation."
    )

sys.exit(main())
