"""`python -m initsweep` is `initsweep`."""

import sys

try:
    from initsweep.cli import main
except ModuleNotFoundError as missing:
    # DVC runs the `python` it finds: outside the environment that one lacks our requirements.
    sys.exit(
        f"initsweep: {sys.executable} has no module '{missing.name}'. Activate the project's "
        "environment (source .venv/bin/activate), or use `make repro`, which needs no activation."
    )

sys.exit(main())
