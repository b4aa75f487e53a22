"""The commands of a study, in the order in which one meets them."""

import argparse
from pathlib import Path

from initsweep.commands.parsers.parser import Command, add_option, add_params, number, port
from initsweep.starting.settings import SETTINGS


def _init(parser: argparse.ArgumentParser) -> None:
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
        if setting.is_flag:
            parser.add_argument(
                setting.option, action="store_const", const="true", help=setting.help
            )
        else:
            parser.add_argument(setting.option, choices=setting.choices, help=setting.help)
    parser.add_argument("--minutes", type=number, help="how long the study may take (default: 10)")
    parser.add_argument(
        "--model",
        help="mlp, cnn, ... or package.module:make_net (default: cnn for images, else mlp)",
    )
    parser.add_argument(
        "--train", help="your own training loop, package.module:train, which may bring its own data"
    )
    parser.add_argument(
        "--baseline",
        type=number,
        help="with --train: the loss of a model that learned nothing (default: the loop says it)",
    )
    add_option(parser, "the network or the training loop")
    parser.add_argument(
        "--in-place", action="store_true", help="leave the data where they are, and watch them"
    )


def _repro(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", help="stages, as for `dvc repro` (default: all)")
    parser.add_argument("--force", action="store_true", help="run all of it again")


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="show it once")
    parser.add_argument("--every", type=number, default=2.0, help="seconds between two looks")
    add_params(parser)


def _transfer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sizes",
        nargs="?",
        metavar="KEY=SIZES",
        help="what grows, and the sizes at which schemes are tuned, comma-separated "
        "(default: those in params.yaml)",
    )
    parser.add_argument("--to", metavar="SIZES", help="what to predict for, comma-separated")
    parser.add_argument(
        "--along",
        action="append",
        default=[],
        metavar="KEY",
        help="another key that grows in proportion; may be repeated",
    )
    parser.add_argument(
        "--check", action="store_true", help="then tune at the predicted sizes, and compare"
    )


def _summary(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for scripts; docs/ci.md has the format")
    form.add_argument(
        "--markdown", action="store_true", help="reports/review.md as a comment on a pull request"
    )
    parser.add_argument("--figures", help="with --markdown: the address where the figures are")


def _ui(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, default=5000, help="where it serves (default: 5000)")
    add_params(parser)


def _promote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheme", help="a scheme of the study in this folder")
    parser.add_argument("--by", required=True, metavar="NAME", help="who decided")
    parser.add_argument("--because", required=True, metavar="TEXT", help="why")
    parser.add_argument("--although", metavar="TEXT", help="why, where something speaks against it")
    add_params(parser)


def _fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", help="openml:NAME, openml:NAME@VERSION, openml:NUMBER or sklearn:fetch_NAME"
    )


COMMANDS = {
    "init": Command(
        text="make a folder with a study of your own data, and say how long it will take",
        examples=(
            "init my-study --data my.csv --target price --minutes 10",
            "init my-study --data X.npy,y.npy --task classification",
            "init gpt-study --train my_train:train --baseline 4.17",
            "init deep-study --params examples/deep/params.yaml",
        ),
        page="docs/walkthrough.md",
        add=_init,
    ),
    "repro": Command(
        text="run what is out of date, then print the verdict",
        examples=("repro", "repro prepare diagnose", "repro --force"),
        page="README.md and docs/dvc.md",
        add=_repro,
    ),
    "watch": Command(
        text="show how far a study is that runs: scheme by scheme, and each run of an own loop",
        examples=("watch", "watch --once"),
        page="docs/own-loops.md",
        add=_watch,
    ),
    "summary": Command(
        text="print the verdict: a table, JSON or Markdown",
        examples=("summary", "summary --json"),
        page="docs/verdict.md and docs/ci.md",
        add=_summary,
    ),
    "transfer": Command(
        text="predict rates for a network too large to sweep from sweeps of smaller ones",
        examples=(
            "transfer model.width=32,64,128 --to 512",
            "transfer model.width=32,64,128 --along model.rank --to 512,1024",
            "transfer",
        ),
        page="docs/transfer.md",
        add=_transfer,
    ),
    "ui": Command(
        text="serve MLflow with all runs on 127.0.0.1",
        examples=("ui", "ui --port 5050"),
        page="README.md",
        add=_ui,
    ),
    "promote": Command(
        text="record the team's decision and let the model be served",
        examples=('promote he_normal --by "Ann Lee" --because "widest basin"',),
        page="docs/verdict.md",
        add=_promote,
    ),
    "fetch": Command(
        text="download public data once into data/raw",
        examples=("fetch openml:credit-g@1", "fetch sklearn:fetch_california_housing"),
        page="docs/data.md",
        add=_fetch,
    ),
}
