import copy
import dataclasses
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML

from initsweep.core.params import Params, parse_params
from initsweep.core.records import rounded
from initsweep.engine.devices import pin_matmul

ROOT = Path(__file__).parent.parent

Change = Callable[..., dict[str, Any]]

# Compute as the command line does, on one thread: two are far slower for small tensors. Here, and
# not in a fixture, as tests that multiply while they are collected would come before it.
torch.set_num_threads(1)
pin_matmul()


def replace_keys(content: dict[str, Any], replacements: dict[str, object]) -> None:
    """Replace values in nested parameters, addressed by dotted keys."""
    for key, value in replacements.items():
        *parents, last = key.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left with it at the end."""
    long = ("pipeline", "cluster")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, long)))


SMALL_STUDY: dict[str, Any] = {
    "data.source": "wine",
    "model.depth": 1,
    "model.width": 16,
    "training.epochs": 3,
    "training.batch_size": 32,
    "schemes": ["zeros", "he_normal"],
    "tune.seeds": [0, 1],
    "tune.grid": {"low": 0.01, "high": 1.0, "points": 3},
    "tune.extension_rounds": 1,
    "tune.refinement_trials": 2,
    "confirm.seeds": [10, 11, 12],
    "decide.most_seeds": 0,
    "diagnose.seeds": [0, 1],
    "diagnose.batch_size": 64,
    "runtime.lanes_per_chunk": 4,
    "runtime.workers": 1,
}
"""Dotted keys of a study that takes seconds."""


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Let Python go from one thread to another after 0.2 ms instead of 5."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-4)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function to a folder that one worker of pytest-xdist fills for all. Only read it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        made = shared / f"made {name}"
        with (shared / f"{name}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not lock.seek(0, os.SEEK_END):  # nothing is written there before all is made
                shutil.rmtree(made, ignore_errors=True)
                made.mkdir()
                fill(made)
                lock.write("made")
        return made

    return folder


@pytest.fixture(scope="session")
def params_file() -> dict[str, Any]:
    """The repository's own params.yaml, as plain data. Nobody may change it."""
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())


@pytest.fixture
def default_content(params_file) -> dict[str, Any]:
    """A test's own copy of the repository's params.yaml."""
    return copy.deepcopy(params_file)


@pytest.fixture
def changed(default_content) -> Change:
    """Return the default parameters with dotted keys replaced: changed({"model.depth": 2})."""

    def change(replacements: dict[str, object]) -> dict[str, Any]:
        content = copy.deepcopy(default_content)
        replace_keys(content, replacements)
        return content

    return change


@pytest.fixture
def small_params(changed) -> Callable[..., Params]:
    """Return parameters of a study that takes seconds, with dotted keys replaced."""

    def build(replacements: dict[str, object] | None = None) -> Params:
        return parse_params(changed({**SMALL_STUDY, **(replacements or {})}))

    return build


def as_recorded(value: Any) -> Any:
    """Return a value, records and all that they hold, with the digits that files keep."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: as_recorded(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if isinstance(value, dict):
        return {key: as_recorded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_recorded(inner) for inner in value)
    return rounded(value) if isinstance(value, float) else value
