"""`initsweep check`: the promises of an initializer, a network or a training function."""

import argparse
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from torch import nn

from initsweep.architectures import ARCHITECTURES, build_model
from initsweep.checks.batches import batch_promises
from initsweep.checks.initializers import initializer_promises
from initsweep.checks.loops import loop_promises
from initsweep.checks.network_under_test import Subject
from initsweep.checks.networks import network_promises
from initsweep.checks.outcome import Note, Promise, outcomes
from initsweep.commands.batch_files import read_batch
from initsweep.commands.check_loop import is_loop, loop_under_test
from initsweep.commands.diagnose import load_loss
from initsweep.commands.subjects import (
    Target,
    called,
    load_network,
    name_and_options,
    sizes,
    takes_nothing,
)
from initsweep.core.errors import ParamsError, UnknownNameError, unheard
from initsweep.core.name_value import network_values, single_values
from initsweep.core.options import check_arguments
from initsweep.core.params import Optimizer, Params, Runtime, Training, load_params
from initsweep.core.records import ModelOption, SchemeOption
from initsweep.graph.kinds import is_a, weight_name
from initsweep.graph.vocabulary import WEIGHTED
from initsweep.initializers import INITIALIZERS, Initializer, is_kind, make_initializer
from initsweep.initializers.laws.fans import compute_fans
from initsweep.probes.passing import Loss

_TRAINING = {
    "epochs": 2, "batch_size": 32, "schedule": "constant", "warmup_fraction": 0.0,
    "gradient_clip": None,
}  # fmt: skip
_OPTIMIZER = {
    "name": "sgd", "momentum": 0.9, "nesterov": False, "beta1": 0.9, "beta2": 0.999,
    "epsilon": 1e-8, "weight_decay": 0.0,
}  # fmt: skip
_RUNTIME = {
    "device": "cpu", "engine": "auto", "threads": 1, "lanes_per_chunk": 2, "workers": 1,
    "keep_every_minutes": 5.0,
}  # fmt: skip


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return one line per promise, and 1 if one of them is broken.

    Raises:
        InitsweepError: If there is no such entry or it cannot be made.
        ParamsError: If there is a loss without a batch.
    """
    target = Target(
        name=options.entry,
        params=options.params,
        features=options.features,
        outputs=options.outputs,
        given=network_values(options.option),
    )
    loss = None if options.loss is None else load_loss(options.loss)
    if loss is not None and not options.batch:
        raise ParamsError("--loss is about a --batch: give both.")
    with unheard():  # gains are not what is checked here
        if options.batch:
            kind, promises = "a network", _on_batch(target, options.batch, loss)
        elif is_loop(options.entry, target):
            kind, promises = "a training function", loop_promises(loop_under_test(options))
        else:
            kind, promises = _promises(options.entry, target)
        found = list(outcomes(promises))
    failed = sum(one.passed is False for one in found)
    skipped = sum(one.passed is None for one in found)
    notes = sum(one.note for one in found)
    verdict = [f"{failed} of {len(found)} checks failed" if failed else "All checks passed"]
    verdict += [f"{notes} with a note"] if notes else []
    verdict += [f"{skipped} not run"] if skipped else []
    lines = [f"{options.entry}, {kind}", "", *map(str, found), "", f"{', '.join(verdict)}."]
    return "\n".join(lines), 1 if failed else 0


def _promises(name: str, target: Target) -> tuple[str, list[Promise]]:
    params = load_params(target.params) if target.params.exists() else None
    if params is not None and name in params.initializers:
        registered, options = params.initializer(name)
        options = {**options, **single_values(target.given)}
        return "a scheme", initializer_promises(make_initializer(registered, options, scheme=name))
    if _is_initializer(name):
        given = single_values(target.given)
        return "an initializer", initializer_promises(_initializer(name, params, given))
    return "a network", _network(target, params)


def _on_batch(target: Target, batch: Sequence[Path], loss: Loss | None) -> list[Promise]:
    load_network(target)  # raises where it cannot be built at all
    return batch_promises(lambda: load_network(target).model, read_batch(batch), loss)


def _is_initializer(name: str) -> bool:
    """Return whether a name stands for an initializer; otherwise it is a network's.

    Raises:
        UnknownNameError: If there is nothing of this name.
        ParamsError: If it is neither.
    """
    if ":" not in name:
        if name in INITIALIZERS.names():
            return True
        if name in ARCHITECTURES.names():
            return False
        raise UnknownNameError(
            f"'{name}' is no initializer ({', '.join(INITIALIZERS.names())}) and no architecture "
            f"({', '.join(ARCHITECTURES.names())}). Give your own as 'package.module:attribute'."
        )
    entry = _of_either_kind(name)
    if isinstance(entry, type):
        return issubclass(entry, Initializer)
    if isinstance(entry, nn.Module) or not callable(entry):
        raise ParamsError(
            f"'{name}' must be a function (layer, generator, **options) -> Tensor, or a function "
            f"or class that builds a network from (n_features, n_outputs, **options); received "
            f"{entry!r}."
        )
    first = list(inspect.signature(entry).parameters)[:2]
    known = {"layer", "generator", "n_features", "n_outputs"}
    if len(first) == 1 and first[0] not in known and not takes_nothing(entry):
        raise ParamsError(
            f"'{name}' takes ({first[0]}). An initializer is a function (layer, generator) -> "
            "weight, which returns a new tensor of shape `layer.weight_shape` and draws from the "
            "generator alone; a network is built from (n_features, n_outputs), or from nothing."
        )
    return bool(first) and (first[0] == "layer" or "generator" in first)


def _of_either_kind(name: str) -> object:
    try:
        return INITIALIZERS.get(name)
    except UnknownNameError as error:
        message = str(error).replace("initializer", "initializer or network")
        raise UnknownNameError(message.replace("Initializer", "Initializer or network")) from error


def _initializer(
    name: str, params: Params | None, given: Mapping[str, SchemeOption]
) -> Initializer:
    options: Mapping[str, SchemeOption] = {}
    if params is not None:
        schemes = (params.initializer(scheme) for scheme in params.initializers)
        options = next((given for registered, given in schemes if registered == name), {})
    entry = cast(object, INITIALIZERS.get(name))
    if not options and is_kind(entry):
        options = entry.example
    return make_initializer(name, {**options, **given}, scheme=name)


def _network(target: Target, params: Params | None) -> list[Promise]:
    """Return the promises of a network; only the first one if it cannot even be built.

    Raises:
        ParamsError: If its sizes are unknown or it does not take its options.
    """
    name, options = name_and_options(target)
    entry = cast(object, ARCHITECTURES.get(name))
    ready = callable(entry) and not isinstance(entry, nn.Module) and takes_nothing(entry)
    if ready:
        function = cast(Callable[..., object], entry)
        _check_options(function, options)
        entry = partial(function, **options)
    n_features, n_outputs = _own_sizes(target, entry) if ready else sizes(target)

    def build() -> nn.Module:
        if ready:
            return called(cast(Callable[..., object], entry), name)
        return build_model(name, options, n_features=n_features, n_outputs=n_outputs)

    try:
        build()
    except Exception as error:
        if not isinstance(error, ParamsError) or error.__cause__ is not None:
            # What the network itself raises is the outcome of the check.
            building = f"builds a network of {n_features} inputs and {n_outputs} outputs"
            return [(building, _once(build))]
        if options == (params.model.options if params else None):
            raise
        raise ParamsError(_of_options(str(error))) from error
    promises = network_promises(
        Subject(
            build=build,
            n_features=n_features,
            n_outputs=n_outputs,
            training=params.training if params else Training.model_validate(_TRAINING),
            optimizer=params.optimizer if params else Optimizer.model_validate(_OPTIMIZER),
            runtime=params.runtime if params else Runtime.model_validate(_RUNTIME),
        )
    )
    return (
        [*promises, ("a study can build it for its data", _for_a_study(name))]
        if ready
        else promises
    )


def _check_options(function: Callable[..., object], options: Mapping[str, ModelOption]) -> None:
    """Check the options of a function that takes no sizes.

    Raises:
        ParamsError: If it cannot be called with them.
    """
    try:
        check_arguments(function, "", options, "model")
    except ParamsError as error:
        text = _of_options(str(error))
        # What networks are called with has sizes before the options; here nothing is.
        raise ParamsError(
            text.replace("as (, **options) with options", "with options only,")
        ) from error


def _of_options(text: str) -> str:
    """Return an error about the section `model` as one about the command line."""
    missing = re.search(r"missing a required argument: '(\w+)'", text)
    hint = f" Give it as --option {missing[1]}=VALUE." if missing else ""
    return (
        re.sub(r"^model(\.|:)", lambda dot: "--option " if dot[1] == "." else "--option:", text)
        + hint
    )


def _for_a_study(name: str) -> Callable[[], str]:
    attribute = name.rpartition(":")[2]
    return lambda: Note(
        "it takes no sizes, and a study builds networks for its data: for one, write it as "
        f"`def {attribute}(n_features, n_outputs)`"
    )


def _own_sizes(target: Target, entry: object) -> tuple[int, int]:
    """Return the sizes of a network that is built without being told any.

    They are read off its first and last layer where both are linear and nothing else is said.
    """
    if target.features is None and target.outputs is None:
        model = called(cast(Callable[..., object], entry), str(target.name))
        layers = [one for one in model.modules() if is_a(one, WEIGHTED)]
        if layers and is_a(layers[0], (nn.Linear,)) and is_a(layers[-1], (nn.Linear,)):
            first, last = (compute_fans(layers[i], "", weight_name(layers[i])) for i in (0, -1))
            return int(first.fan_in), int(last.fan_out)
    return sizes(target)


def _once(build: Callable[[], nn.Module]) -> Callable[[], str]:
    return lambda: type(build()).__name__
