"""`initsweep init`: a study of your own data, ready to run."""

import argparse

from initsweep.starting.make_study import make
from initsweep.starting.request import Request
from initsweep.starting.settings import SETTINGS


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Make the folder.

    Returns:
        What it is and how to go on, and the exit status.
    """
    request = Request(
        folder=options.folder,
        data=options.data,
        params=options.params,
        settings={
            one.name: given for one in SETTINGS if (given := getattr(options, one.name)) is not None
        },
        minutes=options.minutes,
        model=options.model,
        train=options.train,
        baseline=options.baseline,
        options=options.option,
        in_place=options.in_place,
    )
    return make(request), 0
