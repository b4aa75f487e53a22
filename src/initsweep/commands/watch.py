"""`initsweep watch`: how far a study is that runs somewhere else."""

import argparse
import sys
import time

from initsweep.core.params import Params, load_params
from initsweep.views.terminal.watching import progress_of


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Show it until Ctrl-C, or once where nobody could see it change.

    Returns:
        What there is to say, and the exit status.
    """
    params = load_params(options.params)
    if options.once or not sys.stdout.isatty():
        return "\n".join(progress_of(params)), 0
    _keep_showing(params, options.every)
    return "", 0


def _keep_showing(params: Params, every: float) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False, screen=False) as live:
        while True:
            live.update(Text("\n".join(progress_of(params))), refresh=True)
            time.sleep(every)
