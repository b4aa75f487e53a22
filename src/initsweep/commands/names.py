"""`initsweep names`: what other frameworks call a law."""

import argparse

from initsweep.naming.lookup import overview, page


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return what is known about one name, or all laws.

    Raises:
        UnknownNameError: If no framework has the name.
    """
    return page(options.name) if options.name else overview(), 0
