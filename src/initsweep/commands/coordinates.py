"""`initsweep coordinates --vary model.width=64,128,256`: the coordinate check from the shell."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from initsweep.commands.batch_files import read_batch, read_inputs
from initsweep.commands.diagnose import load_loss
from initsweep.commands.subjects import Target, load_network, load_schemes
from initsweep.core import artifacts
from initsweep.core.errors import InitsweepError, ParamsError, require, shown
from initsweep.core.name_value import key_and_sizes
from initsweep.core.params import Params, load_params
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Schema
from initsweep.core.registry import did_you_mean
from initsweep.diagnosis.coordinate_places import Vary
from initsweep.diagnosis.coordinate_sizes import FEWEST
from initsweep.diagnosis.coordinates import CoordinateCheck, coordinate_check
from initsweep.diagnosis.few_steps import TORCH_OPTIMIZERS, USUAL
from initsweep.initializers import Initializer
from initsweep.preprocessing.prepared import PreparedData

if TYPE_CHECKING:
    from initsweep.views.figures.coordinates import Column

EXAMPLES = 256
KINDS = (".svg", ".png")


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Check networks of several sizes under some schemes.

    Returns:
        What to print; and 1 if `check` asks for flat ones and there is another verdict. Else 0.

    Raises:
        InitsweepError: If the network, a scheme or the data cannot be used, or the networks' layers
            do not match.
    """
    if options.figure is not None:
        _check_figure(options.figure)
    params = load_params(options.params) if options.params.exists() else None
    schemes = load_schemes(options.schemes, options.params, options.option)
    steps = {name: _Steps.of(options, params, name) for name in schemes}
    found = _checks(options, params, schemes, steps)
    taken = f"{options.steps} steps, {options.seeds} seeds"
    text = "\n\n".join(
        f"{name} ({steps[name].optimizer}, rate {steps[name].rate:g}, {taken})\n{one}"
        for name, one in found.items()
    )
    if options.figure is not None:
        _write(options.figure, found)
        text += f"\n\nwrote {options.figure}"
    return text, int(options.check and any(one.verdict != "flat" for one in found.values()))


class _Steps(NamedTuple):
    """What a scheme's networks take steps by."""

    optimizer: str
    rate: float

    @classmethod
    def of(cls, options: argparse.Namespace, params: Params | None, scheme: str) -> "_Steps":
        """Return what is asked for, else the optimizer that the study trains the scheme by.

        Raises:
            ParamsError: If the check takes no steps of that kind.
        """
        optimizer, said = options.optimizer or "adam", "--optimizer"
        if params is not None and options.optimizer is None:
            optimizer, said = params.engine_optimizer(scheme).name, f"the optimizer of '{scheme}'"
        if optimizer not in TORCH_OPTIMIZERS:
            raise ParamsError(
                f"{said}: received {shown(optimizer)}, whose steps are not checked."
                f"{did_you_mean(optimizer, list(TORCH_OPTIMIZERS))} Give another by --optimizer: "
                f"{', '.join(TORCH_OPTIMIZERS)}; in Python, `coordinate_check` takes a function "
                "that makes the optimizer."
            )
        return cls(optimizer, USUAL[optimizer][0] if options.rate is None else options.rate)


def _checks(
    options: argparse.Namespace,
    params: Params | None,
    schemes: Mapping[str, Initializer],
    steps: Mapping[str, _Steps],
) -> dict[str, CoordinateCheck]:
    """Return the check of each scheme."""
    option, sizes = _varied(options.vary)
    target = Target(
        name=options.model, params=options.params, features=options.features,
        outputs=options.outputs,
    )  # fmt: skip

    def build(size: int) -> nn.Module:
        return load_network(replace(target, given={option: size})).model

    torch.set_num_threads(1)  # several are slower for small tensors, and change bits
    batch, targets = _examples(options, params)
    loss = None if options.loss is None else load_loss(options.loss)
    # A depth changes which layers there are.
    vary: Vary = "width" if _layers(build(min(sizes))) == _layers(build(max(sizes))) else "depth"
    return {
        name: coordinate_check(
            build, sizes, scheme, inputs=batch, targets=targets, loss=loss,
            optimizer=steps[name].optimizer, learning_rate=steps[name].rate, steps=options.steps,
            seeds=options.seeds, vary=vary,
        )
        for name, scheme in schemes.items()
    }  # fmt: skip


def _layers(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_modules()]


def _varied(given: str) -> tuple[str, list[int]]:
    """Return an option of the network and its values.

    Raises:
        ParamsError: If it is not given like that.
    """
    key, values = key_and_sizes(given)
    section, _, option = key.partition(".")
    if section != "model" or not option.isidentifier() or len({*values}) < FEWEST:
        raise ParamsError(
            f"--vary: received {shown(given)}. Name an option of the network and three or more "
            "different whole numbers, as in --vary model.width=64,128,256,512."
        )
    return option, values


def _examples(options: argparse.Namespace, params: Params | None) -> tuple[Any, Any]:
    """Return inputs and targets: as given, else random training rows of the study.

    Raises:
        ParamsError: If there are neither.
    """
    if options.batch:
        given = options.targets
        return read_batch(options.batch), None if given is None else read_inputs(given, "--targets")
    if params is None or options.targets is not None:
        raise ParamsError(
            "coordinates: a network needs examples of its inputs: pass --batch FILE.npy (and "
            "--targets FILE.npy), or run in a study."
        )
    features, targets = _training_rows(params)
    order = numpy_stream("coordinates").permutation(len(targets))[:EXAMPLES]
    return features[order], targets[order]


def _training_rows(params: Params) -> tuple[np.ndarray, np.ndarray]:
    if artifacts.SCHEMA.exists():
        schema = artifacts.read_record(artifacts.SCHEMA, Schema)
        if schema.source == params.data.source:
            return PreparedData(schema).rows("train", seed=0)
    from initsweep.datasets.loading import prepare  # reading data takes the extra `study`

    _, prepared = prepare(params.data)
    return prepared.features[prepared.fitted_on], prepared.targets[prepared.fitted_on]


def _check_figure(path: Path) -> None:
    """Refuse what no picture can be written to, before the work.

    Raises:
        InitsweepError: If it is of another kind, or its folder is missing.
    """
    if path.suffix.lower() not in KINDS:
        raise InitsweepError(f"--figure: received '{path}'. Name a file that ends in .svg or .png.")
    if not path.parent.is_dir():
        raise InitsweepError(
            f"--figure: cannot write '{path}': there is no folder '{path.parent}'. Make it first."
        )
    require("matplotlib")


def _write(path: Path, found: Mapping[str, CoordinateCheck]) -> None:
    """Write the picture.

    Raises:
        InitsweepError: If it cannot be written.
    """
    from initsweep.views.figures import coordinates, style  # matplotlib: an extra

    figure = coordinates.draw([_column(name, one) for name, one in found.items()])
    svg = path.suffix.lower() == ".svg"
    drawn = style.to_svg(figure, "coordinates").encode() if svg else style.to_png(figure)
    try:
        path.write_bytes(drawn)
    except OSError as error:
        raise InitsweepError(
            f"--figure: cannot write '{path}': {error.strerror or error}."
        ) from None


def _column(name: str, check: CoordinateCheck) -> "Column":
    """Return what the picture shows of one scheme."""
    from initsweep.views.figures.coordinates import Column, Line

    lines: dict[str, list[Line]] = {"activations": [], "updates": []}
    for row in check.layers:
        values = check.values(row)
        lines[row.quantity].append(
            Line(layer=row.layer, against=row.against, values=values, step=row.step)
        )
    return Column(
        scheme=name, verdict=check.verdict, vary=check.vary, activations=lines["activations"],
        updates=lines["updates"],
    )  # fmt: skip
