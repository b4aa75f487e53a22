"""The commands that look at a network or an initializer; no study is needed."""

import argparse
from pathlib import Path

from initsweep.commands.parsers.parser import Command, add_option, add_params, number, whole

MODEL = "package.module:make_net or a registered name (default: the network of the parameters)"
STANDARD = "he_normal"


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help=MODEL)
    parser.add_argument("--scheme", help="a scheme to compare with")
    parser.add_argument(
        "--batch",
        type=Path,
        help="its inputs, for a scheme that measures signals: a .npy or .npz file, or "
        "package.module:attribute",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_option(parser)
    _add_sizes(parser)


def add_diagnose(parser: argparse.ArgumentParser) -> None:
    """Let `diagnose` look at a network of the user's; without one it is the stage."""
    parser.add_argument(
        "network",
        nargs="?",
        help="look at this network only: package.module:attribute, a network or what builds one",
    )
    parser.add_argument(
        "--batch",
        type=Path,
        action="append",
        help="its inputs: a .npy file, repeated for a forward of several arguments, a .npz file "
        "whose arrays have the names of arguments, or package.module:attribute, a batch of any "
        "form or what makes one",
    )
    parser.add_argument(
        "--targets",
        type=Path,
        help="its targets: a .npy file, or for a --loss a .npz file (default: random)",
    )
    parser.add_argument(
        "--loss",
        help="package.module:attribute, called with what the network returns and the targets, or "
        "without --targets the batch (default: cross-entropy for classes, squared error for "
        "numbers)",
    )
    parser.add_argument(
        "--task",
        choices=("classification", "regression"),
        help="what the targets are (default: whole numbers are classes)",
    )
    parser.add_argument("--schemes", help="initializers to try, comma-separated")
    add_option(parser)
    parser.add_argument("--optimizer", default="sgd", help="what it will be trained with")
    parser.add_argument("--rate", type=float, help="at which learning rate; it is tried")
    parser.add_argument("--seeds", type=whole, default=5, help="how many draws of the weights")
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 if it is not expected to train; mild verdicts pass",
    )
    parser.add_argument(
        "--strict", action="store_true", help="as --check, and mild verdicts fail too"
    )
    add_params(parser)


def _coordinates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help=MODEL)
    parser.add_argument(
        "--vary",
        required=True,
        metavar="model.OPTION=N,N,N",
        help="an option of the network, a width or a depth, and three or more values",
    )
    parser.add_argument(
        "--schemes", default=STANDARD, help=f"initializers, comma-separated (default: {STANDARD})"
    )
    add_option(parser)
    parser.add_argument(
        "--optimizer", help="what takes the steps, without momentum (default: the study's)"
    )
    parser.add_argument("--rate", type=number, help="learning rate (default: the usual one)")
    parser.add_argument("--steps", type=whole, default=4, help="how many steps to take")
    parser.add_argument("--seeds", type=whole, default=10, help="how many draws of the weights")
    parser.add_argument(
        "--batch", type=Path, action="append", help="inputs, as for `diagnose` (default: the data)"
    )
    parser.add_argument("--targets", type=Path, help="targets, as for `diagnose`")
    parser.add_argument("--loss", help="as for `diagnose`")
    parser.add_argument("--figure", type=Path, help="picture to write: a .svg or .png file")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless all are flat")
    _add_sizes(parser)


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("entry", help="package.module:attribute, or a registered name")
    parser.add_argument(
        "--batch", type=Path, action="append", help="inputs of a network, as for `diagnose`"
    )
    parser.add_argument("--loss", help="of outputs and batch, as package.module:attribute")
    add_option(parser, "the initializer, the network or the training function")
    _add_sizes(parser)
    parser.add_argument("--rate", type=float, help="learning rate for a training function")
    parser.add_argument(
        "--whole", action="store_true", help="train one run of a training function to its end too"
    )


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a name in any framework (default: all)")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scheme", nargs="?", help="a scheme (default: the one that the study recommends)"
    )
    parser.add_argument("--model", help=MODEL)
    parser.add_argument("--output", type=Path, help="file to write (default: print)")
    add_option(parser)
    _add_sizes(parser)


def _list(parser: argparse.ArgumentParser) -> None:
    kinds = ("initializers", "architectures", "datasets", "metrics", "engines")
    parser.add_argument("kind", choices=kinds)


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    add_params(parser)
    parser.add_argument("--features", type=whole, help="inputs per example (default: the data's)")
    parser.add_argument("--outputs", type=whole, help="outputs per example (default: the data's)")


COMMANDS = {
    "explain": Command(
        text="say what law each weight of a network has now, and under a scheme",
        examples=(
            "explain my_nets:make_net --scheme he_normal",
            "explain mlp --features 64 --outputs 10 --option depth=8",
        ),
        page="docs/initializers.md",
        add=_explain,
    ),
    "diagnose": Command(
        text="say from one batch whether an untrained network will train",
        examples=(
            "diagnose my_nets:make_net --batch batch.npy",
            "diagnose my_nets:make_net --batch x.npy --targets y.npy --rate 0.01",
            "diagnose my_nets:make_net --batch batch.npy --schemes he_normal",
            "diagnose nets:net --batch x.npy --targets y.npy --loss nets:loss",
        ),
        page="docs/diagnosis.md",
        add=add_diagnose,
    ),
    "coordinates": Command(
        text="say whether a learning rate carries over to wider or deeper networks",
        examples=(
            "coordinates --vary model.width=64,128,256,512",
            "coordinates --vary model.depth=2,4,8,16 --figure depth.svg",
            "coordinates my_nets:make --vary model.width=8,16,32 --batch x.npy",
        ),
        page="docs/coordinates.md",
        add=_coordinates,
    ),
    "check": Command(
        text="test an initializer, a network or a training function of your own",
        examples=(
            "check my_inits:my_init",
            "check my_nets:make_net --batch my_nets:make_batch",
            "check my_train:train --option epochs=2",
        ),
        page="docs/study.md, 'Bring your own', and CONTRIBUTING.md",
        add=_check,
    ),
    "names": Command(
        text="say what other frameworks call a law, and where a name means two",
        examples=("names he_normal", "names torch.nn.init.kaiming_normal_"),
        page="docs/initializers.md",
        add=_names,
    ),
    "export": Command(
        text="write a scheme as plain PyTorch",
        examples=(
            "export --output start.py",
            "export he_normal --model mlp --features 64 --outputs 10",
        ),
        page="docs/initializers.md",
        add=_export,
    ),
    "list": Command(
        text="show what can be named in params.yaml",
        examples=("list initializers", "list datasets", "list engines"),
        page="docs/initializers.md, docs/networks.md and docs/data.md",
        add=_list,
    ),
}
