"""The commands for CI and for this machine."""

import argparse

from initsweep.commands.parsers.parser import Command, add_params, number, whole


def _gate(parser: argparse.ArgumentParser) -> None:
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
        ("--rate", number, "a learning rate that must lie in the scheme's basin"),
        ("--max-test-loss", number, "highest mean test loss"),
        ("--min-score", number, "lowest mean test score, such as an accuracy of 0.95"),
        ("--max-regret", number, "highest regret"),
        ("--min-basin", number, "narrowest basin, in decades"),
        ("--max-failed", whole, "most failed fresh runs"),
    ):
        parser.add_argument(name, type=kind, metavar="LIMIT", help=text)


def _bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=whole, default=5, help="how often everything is timed")
    add_params(parser)


def _cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("check",), help="what to do")
    parser.add_argument(
        "--address",
        help="host:port of its head (default: runtime.address of the study here, or RAY_ADDRESS); "
        "`local` starts one of this machine's cores",
    )
    add_params(parser)


COMMANDS = {
    "gate": Command(
        text="check the verdict against limits, for CI: exit 0 passed, 1 failed, 2 cannot be "
        "judged",
        examples=("gate --max-failed 0 --min-basin 0.5", "gate --scheme he_normal --rate 0.01"),
        page="docs/ci.md",
        add=_gate,
    ),
    "bench": Command(
        text="measure the engine on this machine",
        examples=("bench --rounds 3",),
        page="docs/speed.md",
        add=_bench,
    ),
    "cluster": Command(
        text="say what a Ray cluster has, and whether its nodes give the same bits as this machine",
        examples=("cluster check --address 10.0.0.1:6379",),
        page="docs/cluster.md",
        add=_cluster,
    ),
}
