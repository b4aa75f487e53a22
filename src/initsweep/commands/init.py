"""`initsweep init`: a study of your own data, ready to run."""

import argparse


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Make the folder.

    Returns:
        What it is and how to go on, and the exit status.
    """
    from initsweep.starting.study import Request, make

    request = Request(
        folder=options.folder,
        data=options.data,
        params=options.params,
        target=options.target,
        drop=tuple(part.strip() for part in options.drop.split(",") if part.strip()),
        task=options.task,
        minutes=options.minutes,
        model=options.model,
        options=options.option,
        in_place=options.in_place,
    )
    return make(request), 0
