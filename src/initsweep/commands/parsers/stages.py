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
    "report": "write the review packet",
    "publish": "replay the result records into MLflow",
}
PER_SCHEME = ("tune", "train")


def _stage(name: str, parser: argparse.ArgumentParser) -> None:
    if name in PER_SCHEME:
        parser.add_argument("--scheme", required=True, help="an entry of `schemes`")
    add_params(parser)


def _versions(parser: argparse.ArgumentParser) -> None:
    """Take nothing."""


COMMANDS = {
    **{
        name: Command(
            text=text,
            examples=(f"{name} --scheme he_normal" if name in PER_SCHEME else name,),
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
