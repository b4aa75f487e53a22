"""What the commands take on the command line. Nothing heavy is imported here."""

import argparse
from pathlib import Path

from initsweep.starting.settings import SETTINGS

COMMANDS = {
    "summary": "print the verdict: a table, JSON or Markdown",
    "gate": "check the verdict against limits, for CI: exit 0 passed, 1 failed, 2 cannot be judged",
    "explain": "say what law each weight of a network has now, and under a scheme",
    "names": "say what other frameworks call a law, and where a name means two",
    "export": "write a scheme as plain PyTorch",
    "check": "test an initializer or a network of your own",
    "claims": "put every claim about initialization to the test",
    "promote": "record the team's decision and let the model be served",
    "fetch": "download public data once into data/raw",
    "init": "make a folder with a study of your own data, and say how long it will take",
    "versions": "write versions/, on which the stages of such a folder depend",
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
    _add_summary(made["summary"])
    _add_gate(made["gate"])
    for name in ("explain", "export"):
        add_option(made[name])
    add_option(made["check"], "the initializer or the network")
    _add_promotion(made["promote"])
    made["fetch"].add_argument(
        "source", help="openml:NAME, openml:NAME@VERSION, openml:NUMBER or sklearn:fetch_NAME"
    )
    _add_init(made["init"])
    for name in ("explain", "export", "check"):
        _add_network(made[name])


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument(
        "--data",
        help="a file (csv, tsv, parquet, npz), several with commas (.npy, IDX), openml:NAME, "
        "sklearn:fetch_NAME, a data set's name, or package.module:load",
    )
    parser.add_argument(
        "--params",
        type=Path,
        help="begin with this parameter file, whose paths start from its folder",
    )
    for setting in SETTINGS:
        parser.add_argument(setting.option, choices=setting.choices, help=setting.help)
    parser.add_argument("--minutes", type=float, help="how long the study may take (default: 10)")
    parser.add_argument(
        "--model",
        help="mlp, cnn, ... or package.module:make_net (default: cnn for images, else mlp)",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the network, as in params.yaml; may be repeated",
    )
    parser.add_argument(
        "--in-place", action="store_true", help="leave the data where they are, and watch them"
    )


def add_option(parser: argparse.ArgumentParser, what: str = "the scheme") -> None:
    """Let a command take options of the entry that it is about."""
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"an option of {what}, as in params.yaml; may be repeated",
    )


def _add_promotion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheme", help="a scheme of the study in this folder")
    parser.add_argument("--by", required=True, metavar="NAME", help="who decided")
    parser.add_argument("--because", required=True, metavar="TEXT", help="why")
    parser.add_argument("--although", metavar="TEXT", help="why in spite of what speaks against it")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")


_MODEL = "package.module:make_net or a registered name (default: the network of the parameters)"


def _add_claims(parser: argparse.ArgumentParser) -> None:
    actions = ("all", "run", "page", "publish", "list")
    parser.add_argument("action", nargs="?", default="all", choices=actions)
    parser.add_argument("names", nargs="*", help="for `run`: the claim")
    parser.add_argument("--quick", action="store_true", help="a shorter form of each, less certain")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--features", type=int, help="inputs per example (default: the data's)")
    parser.add_argument("--outputs", type=int, help="outputs per example (default: the data's)")


def _add_summary(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for scripts; docs/ci.md has the format")
    form.add_argument(
        "--markdown", action="store_true", help="reports/review.md as a comment on a pull request"
    )
    parser.add_argument("--figures", help="with --markdown: the address where the figures are")


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--decision",
        choices=("winner", "tie", "any"),
        default="tie",
        help="the least the study must say: winner, tie (default: a scheme is recommended) or any",
    )
    parser.add_argument(
        "--scheme", help="judge this scheme, which must not be shown to be worse than the best"
    )
    for name, kind, text in (
        ("--rate", float, "a learning rate that must lie in the scheme's basin"),
        ("--max-test-loss", float, "highest mean test loss"),
        ("--min-score", float, "lowest mean test score, such as an accuracy of 0.95"),
        ("--max-regret", float, "highest regret"),
        ("--min-basin", float, "narrowest basin, in decades"),
        ("--max-failed", int, "most failed fresh runs"),
    ):
        parser.add_argument(name, type=kind, help=text)
