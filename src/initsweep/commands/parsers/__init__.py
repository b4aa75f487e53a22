"""The command line: which commands there are, what they take, and what the help says of them.

Nothing heavy is imported here, so that help, versions and mistakes come at once.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

import initsweep
from initsweep.commands.parsers import networks, others, services, stages, study
from initsweep.commands.parsers.parser import (
    INDENT,
    MISTAKE,
    PROGRAM,
    Command,
    Parser,
    examples_of,
    wrapped,
)
from initsweep.core.registry import did_you_mean

GROUPS: Mapping[str, Mapping[str, Command]] = {
    "a study, from the data to the decision": study.COMMANDS,
    "a network or an initializer, without a study": networks.COMMANDS,
    "CI and this machine": services.COMMANDS,
    "stages, run by DVC": stages.COMMANDS,
}
COMMANDS = (
    "init",
    "watch",
    "summary",
    "promote",
    "transfer",
    "fetch",
    "explain",
    "check",
    "coordinates",
    "names",
    "export",
    "gate",
    "cluster",
    "versions",
)
"""Those that are a module of `initsweep.commands` each."""

INSTEAD = {
    "run": "repro",
    "train-all": "repro",
    "start": "repro",
    "new": "init",
    "create": "init",
    "show": "summary",
    "verdict": "summary",
    "serve": "ui",
    "mlflow": "ui",
    "test": "check",
    "version": "--version",
    **{name: f"dvc {name}" for name in ("exp", "status", "pull", "push", "diff", "plots", "dag")},
}
"""What people type who know other tools."""

EXAMPLES = (
    "init my-study --data my.csv --target price",
    "repro",
    "explain my_nets:make_net --scheme he_normal",
    "names he_normal",
    "help init",
)
MORE = (
    "`initsweep help COMMAND` says what a command takes, docs/walkthrough.md in initsweep's "
    "repository how to get from your own data to an answer."
)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Returns:
        What was given.

    Raises:
        SystemExit: If help or the version was asked for, or what is given cannot be used.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parsers(groups("".join(given[:1])))
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    asked = parser
    if given and given[0] in commands:
        asked = commands[given[0]]
        asked.refuse_unknown(given[1:])
    elif given and not given[0].startswith("-"):
        parser.error(_no_command(given[0], list(commands)))
    else:
        parser.refuse_unknown(given[:1])
    options, left = parser.parse_known_args(given)
    if options.version:
        sys.stdout.write(f"{PROGRAM} {initsweep.__version__}\n")
        parser.exit()
    if options.command is None:
        parser.print_help()
        parser.exit(MISTAKE)  # a script whose command got lost should not go on
    if left:
        asked.error(f"unrecognized arguments: {' '.join(left)}")
    return options


def groups(asked: str = "") -> Mapping[str, Mapping[str, Command]]:
    """Return all commands by group; no other package is searched if `asked` is one of ours."""
    if any(asked in commands for commands in GROUPS.values()):
        return GROUPS
    *people, last = GROUPS.items()
    return dict([*people, ("more commands", others.commands()), last])


def _parsers(
    groups: Mapping[str, Mapping[str, Command]],
) -> tuple[Parser, Mapping[str, Parser]]:
    """Return the parser of the whole command line, and those of the commands."""
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND ...",
        example=EXAMPLES[0],
        description=_overview(groups),
        epilog=f"{examples_of(EXAMPLES)}\n\n{wrapped(MORE)}",
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    made = parser.add_subparsers(dest="command", prog=PROGRAM, help=argparse.SUPPRESS)
    for commands in groups.values():
        for name, command in commands.items():
            if name not in made.choices:
                added = made.add_parser(
                    name,
                    example=command.examples[0],
                    description=wrapped(command.text[0].upper() + command.text[1:] + "."),
                    epilog=examples_of(command.examples)
                    + "\n\n"
                    + wrapped(f"more: {command.page}, in initsweep's repository"),
                )
                command.add(added)
                added.set_defaults(run=command.run)
    return parser, made.choices


def _overview(groups: Mapping[str, Mapping[str, Command]]) -> str:
    lines = [wrapped("Which initializer and which learning rate, for this network on this data?")]
    width = max(len(name) for commands in groups.values() for name in commands)
    for title, commands in groups.items():
        lines += ["", f"{title}:"]
        for name, command in commands.items():
            first = f"{INDENT}{name:<{width}}{INDENT}"
            lines.append(wrapped(command.text, first, " " * len(first)))
    return "\n".join(lines)


def _no_command(name: str, known: list[str]) -> str:
    other = INSTEAD.get(name.lower())
    hint = f" Did you mean '{other}'?" if other else did_you_mean(name.lower(), known)
    return f"There is no command '{name}'.{hint} `{PROGRAM} help` lists all"
