"""`initsweep versions`: write the hashes that a study outside the repository depends on."""

import argparse

from initsweep.core import part_hashes as versions


def run(options: argparse.Namespace) -> tuple[str, int]:  # noqa: ARG001 - as all commands
    """Write `versions/`.

    Returns:
        How many files, and the exit status.
    """
    versions.write()
    return f"versions: {len(versions.parts())} parts of the installed initsweep", 0
