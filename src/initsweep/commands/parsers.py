"""What the commands take on the command line. Nothing heavy is imported here."""

import argparse
from pathlib import Path

COMMANDS = {
    "explain": "say what law each weight of a network has now, and under a scheme",
    "names": "say what other frameworks call a law, and where a name means two",
    "export": "write a scheme as plain PyTorch",
    "check": "test an initializer or a network of your own",
    "claims": "put every claim about initialization to the test",
}


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the command line."""
    made = {
        name: commands.add_parser(name, help=text, description=text)
        for name, text in COMMANDS.items()
    }
    made["explain"].add_argument("model", nargs="?", help=_MODEL)
    made["explain"].add_argument("--scheme", help="a scheme to compare with")
    made["explain"].add_argument(
        "--batch", type=Path, help="its inputs, a .npy file, for a scheme that measures signals"
    )
    made["explain"].add_argument("--json", action="store_true", help="for scripts")
    made["names"].add_argument("name", nargs="?", help="a name in any framework (default: all)")
    made["export"].add_argument(
        "scheme", nargs="?", help="a scheme (default: the one that the study recommends)"
    )
    made["export"].add_argument("--model", help=_MODEL)
    made["export"].add_argument("--output", type=Path, help="file to write (default: print)")
    made["check"].add_argument("entry", help="package.module:attribute, or a registered name")
    _add_claims(made["claims"])
    for name in ("explain", "export"):
        made[name].add_argument(
            "--option",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="an option of the scheme, as in params.yaml; may be repeated",
        )
    for name in ("explain", "export", "check"):
        _add_network(made[name])


_MODEL = "package.module:make_net or a registered name (default: the network of the parameters)"


def _add_claims(parser: argparse.ArgumentParser) -> None:
    actions = ("all", "run", "page", "publish", "list")
    parser.add_argument("action", nargs="?", default="all", choices=actions)
    parser.add_argument("names", nargs="*", help="for `run`: the claim")
    parser.add_argument("--quick", action="store_true", help="a few minutes, less certain")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--features", type=int, help="inputs per example (default: the data's)")
    parser.add_argument("--outputs", type=int, help="outputs per example (default: the data's)")
