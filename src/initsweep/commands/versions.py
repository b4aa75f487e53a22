"""`initsweep versions`: write the hashes that a study outside the repository depends on."""

import argparse

from initsweep.core import part_hashes


def run(options: argparse.Namespace) -> tuple[str, int]:  # noqa: ARG001 - as all commands
    """Write `versions/`.

    Returns:
        How many files, and the exit status.
    """
    part_hashes.write()
    return f"versions: {len(part_hashes.parts())} parts of the installed initsweep", 0
