"""The stages of a study, which DVC runs."""

import argparse
from functools import partial

from initsweep.commands.parsers.networks import add_diagnose
from initsweep.commands.parsers.parser import Command, add_params

STAGES = {
    "prepare": "load, check, split and standardize the data",
    "diagnose": "look at every scheme's signals before any training",
    "tune": "tune the learning rate of one scheme",
    "train": "train one scheme at its chosen rate on fresh seeds, and test it once",
    "settle": "train more fresh seeds of the schemes that may still be recommended",
    "compare": "sensitivity, statistics, selection, verdict",
    "tune_at": "tune the learning rate of one scheme at one size of the network",
    "extrapolate": "predict rates for a larger network from those at the sizes",
    "report": "write the review packet",
    "publish": "replay the result records into MLflow",
}
MATRIX = {
    "tune": ("scheme",),
    "train": ("scheme",),
    "tune_at": ("size", "scheme"),
    "extrapolate": ("target",),
}
"""What a stage is told that there is several times, in the order in which DVC names it."""

_TOLD = {
    "scheme": "an entry of `schemes`",
    "size": "one of `transfer.sizes`",
    "target": "one of `transfer.targets`",
}
_EXAMPLES: dict[str, str | int] = {"scheme": "he_normal", "size": 64, "target": 512}


def arguments_of(options: argparse.Namespace) -> list[str | int]:
    """Return what a stage was told, in that order."""
    return [getattr(options, name) for name in MATRIX.get(options.command, ())]


def _stage(name: str, parser: argparse.ArgumentParser) -> None:
    for told in MATRIX.get(name, ()):
        kind = type(_EXAMPLES[told])
        parser.add_argument(f"--{told}", required=True, type=kind, help=_TOLD[told])
    add_params(parser)


def _example(name: str) -> str:
    return " ".join([name, *(f"--{told} {_EXAMPLES[told]}" for told in MATRIX.get(name, ()))])


def _versions(parser: argparse.ArgumentParser) -> None:
    """Take nothing."""


COMMANDS = {
    **{
        name: Command(
            text=text,
            examples=(_example(name),),
            page="docs/study.md, 'What happens'",
            add=add_diagnose if name == "diagnose" else partial(_stage, name),
        )
        for name, text in STAGES.items()
    },
    "versions": Command(
        text="write versions/, on which the stages of a study made by init depend",
        examples=("versions",),
        page="docs/walkthrough.md",
        add=_versions,
    ),
}
