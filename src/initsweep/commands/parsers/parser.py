"""A parser whose mistakes read like all others, and what all commands' arguments are made of."""

import argparse
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from initsweep.core.registry import did_you_mean
from initsweep.core.spelling import legible

PROGRAM = "initsweep"
INDENT = "  "
MISTAKE = 2
"""The exit status of all mistakes of the user."""

OPTION = re.compile(r"--?[A-Za-z][\w-]*")
VALUE = re.compile(r"--?(?![A-Za-z-]).*")
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the help says of a command, and what it takes.

    Attributes:
        text: What it does, as a sentence without capital and full stop.
        examples: Ways to call it, without the name of the program.
        page: Where more is written.
        add: Gives a parser its arguments.
        run: For a command of another package: does it, and returns the text to print and the exit
            status. Ours are found by their names.
    """

    text: str
    examples: tuple[str, ...]
    page: str
    add: Callable[["Parser"], None]
    run: Callable[[argparse.Namespace], tuple[str, int]] | None = None


class Parser(argparse.ArgumentParser):
    """Says in one line what argparse would say below its usage, with a suggestion if one is close.

    Options are not guessed from their beginnings: `--f` would come to mean another one some day.
    """

    def __init__(
        self,
        *,
        prog: str,
        description: str,
        epilog: str,
        usage: str | None = None,
        example: str | None = None,
    ) -> None:
        """Take what argparse takes, and an example for those who miss something."""
        self.example = example
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # What begins with "-" and is no name of an option is a value: a marker, a position.
        self._negative_number_matcher = VALUE

    def error(self, message: str) -> NoReturn:
        """Refuse what was given, in the form of all other mistakes."""
        said = message.removeprefix("argument ")
        if not said.endswith("?"):
            said += "."
        if self.example and ". " not in said:  # else it says already what to do
            said += f" For example: {PROGRAM} {self.example}"
        where = self.prog.removeprefix(PROGRAM).strip()
        self.exit(MISTAKE, f"{PROGRAM}: {where}{': ' if where else ''}{legible(said)}\n")

    def refuse_unknown(self, given: Iterable[str]) -> None:
        """Refuse options that there are not, before those that they were meant to be are missed."""
        known = list(self._option_string_actions)
        for word in takewhile(lambda word: word != "--", given):
            option = word.partition("=")[0]
            if OPTION.fullmatch(option) and option not in known:
                hint = did_you_mean(option.lower(), known)
                self.error(f"unrecognized arguments: {option}{hint and '.'}{hint}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End; the help is written out before, because whoever reads it may have gone."""
        sys.stdout.flush()
        super().exit(status, message)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        known = [str(one) for one in action.choices or ()]
        if known and value not in known:
            hint = did_you_mean(str(value).lower(), known)
            message = f"received '{value}'.{hint} Use one of: {', '.join(known)}"
            raise argparse.ArgumentError(action, message)


def wrapped(text: str, first: str = "", later: str | None = None) -> str:
    """Return a text in lines that fit the terminal."""
    width = shutil.get_terminal_size().columns - 2
    later = first if later is None else later
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    )


def examples_of(examples: Sequence[str]) -> str:
    """Return examples one below the other."""
    return "\n".join(["examples:", *(f"{INDENT}{PROGRAM} {one}" for one in examples)])


def add_params(parser: argparse.ArgumentParser) -> None:
    """Let a command take another parameter file."""
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")


def add_option(parser: argparse.ArgumentParser, what: str = "the scheme") -> None:
    """Let a command take options of the entry that it is about."""
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"an option of {what}, as in params.yaml; may be repeated",
    )


def number(text: str) -> float:
    """Return what a text means.

    Raises:
        argparse.ArgumentTypeError: If it is no number.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"received '{text}'. Use a number, as in 0.5") from None


def whole(text: str) -> int:
    """Return what a text means.

    Raises:
        argparse.ArgumentTypeError: If it is no whole number.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"received '{text}'. Use a whole number") from None


def port(text: str) -> int:
    """Return the number of a port.

    Raises:
        argparse.ArgumentTypeError: If there is no such port.
    """
    if not 0 < (found := whole(text)) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"received {found}. Use 1 to {HIGHEST_PORT}")
    return found
