"""The command `initsweep claims`, as the entry point that initsweep finds.

Nothing heavy is imported before it runs, so that help and mistakes come at once.
"""

import argparse

from initsweep.commands.parsers.parser import Command, add_params
from initsweep.core.errors import extras_in_words, require


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser what the command takes."""
    actions = ("all", "run", "page", "publish", "list")
    parser.add_argument("action", nargs="?", default="all", choices=actions)
    parser.add_argument("names", nargs="*", help="for `run`: the claim")
    parser.add_argument("--quick", action="store_true", help="a shorter form of each, less certain")
    add_params(parser)


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Run, judge, publish or list claims.

    Returns:
        What to print, and the exit status.

    Raises:
        MissingExtraError: If what claims are measured or judged by is not installed.
    """
    with extras_in_words("claims"):
        require("scipy", extra="claims")
        from initclaims import actions

        return actions.run(options)


COMMAND = Command(
    text="put every claim about initialization to the test",
    examples=("claims list", "claims --quick", "claims run chapter_experiment_is_noise"),
    page="docs/claims.md",
    add=arguments,
    run=run,
)
