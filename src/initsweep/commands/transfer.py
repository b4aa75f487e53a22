"""`initsweep transfer`: rates for a network too large to sweep, from sweeps of smaller ones."""

import argparse
from pathlib import Path

from initsweep.commands import repro
from initsweep.commands.summary import screen
from initsweep.core import artifacts, sizes
from initsweep.core.errors import ArtifactError, ParamsError, shown
from initsweep.core.name_value import key_and_sizes, whole_numbers
from initsweep.core.params import load_params, parse_params
from initsweep.core.yaml_files import parse_yaml
from initsweep.running.dvc_file import kind_of, read_stages
from initsweep.stages.at_target import sweep
from initsweep.starting.parameters import edited
from initsweep.views.packet import carried
from initsweep.views.terminal.larger_sizes import answers

FILE = Path("params.yaml")
STAGE = "extrapolate"


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Tune at the sizes, predict, and say what is predicted.

    Returns:
        The answer, and the exit status.

    Raises:
        ParamsError: If nothing is asked for, or something that cannot be.
        ArtifactError: If the pipeline of the study has no such stage.
    """
    if options.sizes or options.to or options.along:
        _ask(options)
    params = load_params(FILE)
    if not params.transfer.sizes:
        raise ParamsError(
            "Nothing to predict: params.yaml has no transfer.sizes. Say what grows and how far, "
            "such as `initsweep transfer model.width=32,64,128 --to 512`."
        )
    sizes.check(params)
    if STAGE not in map(kind_of, read_stages(Path("dvc.yaml"))):
        raise ArtifactError(
            f"dvc.yaml has no stage `{STAGE}`: the study was made by an earlier initsweep. Make it "
            "anew from its parameters, `initsweep init NEW --params params.yaml`, or take over the "
            "stages `tune_at` and `extrapolate` from there."
        )
    status = repro.run(argparse.Namespace(targets=[STAGE], force=False))
    if status:
        return "", status
    predictions = carried.of(params)
    said = [answers(predictions, screen())]
    if options.check:
        said += [swept.sentence for one in predictions for swept in sweep(params, one.found)]
    return "\n".join(said), 0


def _ask(options: argparse.Namespace) -> None:
    """Write what is asked for into the parameters, once it can be done; the rest stays as it is.

    Raises:
        ParamsError: If it cannot.
    """
    known, asked = load_params(FILE).transfer, dict[str, object]()
    key, measured, targets = known.keys[0], [*known.sizes], [*known.targets]
    if options.sizes:
        key, measured = key_and_sizes(options.sizes)
        asked["transfer.sizes"] = measured
    if options.sizes or options.along:
        asked["transfer.vary"] = [key, *options.along] if options.along else key
    if options.to:
        asked["transfer.targets"] = targets = whole_numbers(options.to)
    if not (measured and targets):
        received = " ".join(
            [
                *filter(None, [options.sizes, options.to and f"--to {options.to}"]),
                *(f"--along {key}" for key in options.along),
            ]
        )
        raise ParamsError(
            f"transfer: received {shown(received)}; name a key with its sizes, and the size to "
            "predict for, such as `initsweep transfer model.width=32,64,128 --to 512`. What "
            "params.yaml says of either may be left out."
        )
    text = edited(artifacts.read_text(FILE), asked)
    sizes.check(parse_params(parse_yaml(text, str(FILE)), str(FILE)))
    artifacts.write_text(FILE, text)
