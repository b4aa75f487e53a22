"""Finds the network and the scheme that a command is about."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from initsweep.architectures import ARCHITECTURES, Architecture, build_model, describe
from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, InitsweepError, ParamsError
from initsweep.core.name_value import network_values, single_values
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params, load_params
from initsweep.core.randomness import stream_seed
from initsweep.core.records import ModelOption, Schema
from initsweep.core.registry import in_words
from initsweep.graph.torch_generator import private_draws
from initsweep.initializers import (
    INITIALIZERS,
    Initializer,
    initialize_,
    is_kind,
    make_initializer,
)
from initsweep.preprocessing.prepared import PreparedData


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the command line says about a network.

    Attributes:
        name: package.module:make_net or a registered name; None for the network of the parameters.
        params: The parameter file; it may be missing where it is not needed.
        features: Inputs per example, None for the data's.
        outputs: Outputs per example, None for the data's.
        given: Options of the network; they come before those of the parameters.
    """

    name: str | None
    params: Path
    features: int | None
    outputs: int | None
    given: Mapping[str, ModelOption] = field(default_factory=dict)

    def parameters(self) -> Params | None:
        """Return the parameters, None if there is no file and the network has a name."""
        if self.name and not self.params.exists():
            return None
        params = load_params(self.params)
        if self.name is None and params.model.name == "auto":
            return with_network(params, artifacts.read_record(artifacts.SCHEMA, Schema))
        return params


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A network, what to call it, and whether its values are a stand-in of ours."""

    model: nn.Module
    title: str
    filled: bool


def load_network(target: Target) -> Loaded:
    """Return the network, built on the CPU.

    Our own architectures are built blank, waiting for an initializer; PyTorch's default stands in.

    Raises:
        ParamsError: If the name stands for something else.
        InitsweepError: If there is no such network, it cannot be built, or its sizes are unknown.
    """
    name, options = name_and_options(target)
    entry = cast(object, ARCHITECTURES.get(name))
    if isinstance(entry, nn.Module):
        return Loaded(model=entry, title=name, filled=False)
    if not callable(entry):
        raise ParamsError(
            f"'{name}' must be a network, or a function or class that builds one; received "
            f"{entry!r}."
        )
    if takes_nothing(entry):
        return Loaded(model=called(entry, name), title=name, filled=False)
    n_features, n_outputs = sizes(target)
    model = build_model(name, options, n_features=n_features, n_outputs=n_outputs)
    ours = isinstance(entry, type) and issubclass(entry, Architecture)
    if ours:
        initialize_(model, "torch_default", 0)
    return Loaded(model=model, title=describe(name, options) if ours else name, filled=ours)


def name_and_options(target: Target) -> tuple[str, Mapping[str, ModelOption]]:
    """Return the network's name and options; a registered one not in the parameters is an example.

    Raises:
        ParamsError: If no network is named and there is no parameter file.
    """
    params = target.parameters()
    if params is not None and target.name is None and params.loop is not None:
        raise ParamsError(
            f"The networks of this study are built by its training function, {params.loop.function}"
            ". Name one: package.module:make_net."
        )
    if params is not None and target.name in (None, params.model.name):
        return params.model.name, {**params.model.options, **target.given}
    name = cast(str, target.name)
    entry = cast(object, ARCHITECTURES.get(name))
    ours = isinstance(entry, type) and issubclass(entry, Architecture)
    return name, {**(cast(type[Architecture], entry).example if ours else {}), **target.given}


def sizes(target: Target) -> tuple[int, int]:
    """Return inputs and outputs per example: as given, else those of the data.

    Raises:
        ParamsError: If they are not given and there are no parameters that name data.
    """
    if target.features is not None and target.outputs is not None:
        if (
            min(target.features, target.outputs) < 1
            or max(target.features, target.outputs) >= 2**31
        ):
            raise ParamsError("--features and --outputs must be 1 or more, and below 2**31.")
        return target.features, target.outputs
    if not target.params.exists():
        raise ParamsError(
            f"The network needs its sizes: pass --features and --outputs, or run where there is a "
            f"'{target.params}' that names the data."
        )
    n_features, n_outputs = _sizes_of_data(load_params(target.params))
    return target.features or n_features, target.outputs or n_outputs


def load_scheme(name: str, params: Path, given: Sequence[str] = ()) -> Initializer:
    """Return a scheme: an entry of `initializers` in the parameters, or a registered initializer.

    Args:
        name: Its name.
        params: The parameter file; it may be missing.
        given: Options from the command line, "name=value" each; they come before the file's.

    Raises:
        UnknownNameError: If there is none.
        ParamsError: If it lacks options, or has wrong ones.
    """
    options = single_values(network_values(given))
    if params.exists() and name in (loaded := load_params(params)).initializers:
        registered, written = loaded.initializer(name)
        return make_initializer(registered, {**written, **options}, scheme=name)
    entry = cast(object, INITIALIZERS.get(name))
    try:
        return make_initializer(name, options, scheme=name)
    except ParamsError as error:
        # The key is one of params.yaml, which is not where these options come from.
        text = (
            str(error)
            .replace(f"initializers.{name}.", "--option ")
            .replace(f"initializers.{name}:", "--option:")
        )
        example = entry.example if is_kind(entry) else {}
        shown = " ".join(f"--option {key}={value}" for key, value in example.items())
        hint = f" For example: {shown}" if shown else ""
        raise ParamsError(f"Scheme '{name}': {text}{hint}") from None


def load_schemes(names: str, params: Path, given: Sequence[str] = ()) -> dict[str, Initializer]:
    """Return schemes by their names.

    Args:
        names: The names, with commas between them.
        params: As for `load_scheme`.
        given: As for `load_scheme`.

    Raises:
        InitsweepError: As `load_scheme`; also if options are given, and not one scheme.
    """
    found = names.replace(",", " ").split()
    if given and len(found) != 1:
        raise InitsweepError(
            "--option is about one scheme: name it, and it alone, with --schemes; received "
            f"{', '.join(found) or 'none'}."
        )
    return {name: load_scheme(name, params, given) for name in found}


def training_inputs() -> Tensor:
    """Return the training rows of the prepare stage; of seed 0 where each seed has its own.

    Raises:
        ArtifactError: If it has not run.
    """
    try:
        schema = artifacts.read_record(artifacts.SCHEMA, Schema)
        return torch.from_numpy(PreparedData(schema).rows("train", seed=0)[0])
    except ArtifactError as error:
        raise ArtifactError(
            f"The scheme measures signals and needs examples of the network's inputs: pass --batch "
            f"FILE.npy, or run in a study. {error}"
        ) from None


def _sizes_of_data(params: Params) -> tuple[int, int]:
    if artifacts.SCHEMA.exists():
        schema = artifacts.read_record(artifacts.SCHEMA, Schema)
        if schema.source == params.data.source:
            return schema.n_features, schema.n_outputs
    from initsweep.datasets.loading import prepare  # reading data takes the extra `study`

    dataset, prepared = prepare(params.data)
    classes = len(dataset.class_names)
    width = len(prepared.preprocessing.mean)
    return width, classes if dataset.task == "classification" else 1


def takes_nothing(entry: Callable[..., object]) -> bool:
    """Return whether a network is built by calling this without sizes or anything else."""
    if isinstance(entry, type) and issubclass(entry, Architecture):
        return False
    try:
        parameters = inspect.signature(entry).parameters.values()
    except (TypeError, ValueError):
        return False
    sized = ("n_features", "n_outputs")
    return all(
        one.name not in sized
        and (one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD))
        for one in parameters
    )


def called(entry: Callable[..., object], name: str) -> nn.Module:
    """Return the network that a function without arguments builds.

    Raises:
        InitsweepError: If it fails, or returns something else.
    """
    with private_draws(stream_seed("architecture", name)):
        try:
            model = entry()
        except Exception as error:  # the user's own code may raise anything; it is chained
            raise InitsweepError(f"'{name}' fails: {in_words(error)}") from error
    if not isinstance(model, nn.Module):
        raise InitsweepError(f"'{name}' must return a torch.nn.Module, received {model!r}.")
    return model
