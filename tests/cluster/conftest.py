"""A cluster of two nodes that asks for a token, and studies to be trained on it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML

from initsweep.core import own_code
from initsweep.core.params import Params, load_params
from initsweep.running import cluster, cluster_process
from initsweep.stages import prepare
from tests.conftest import ROOT, SMALL_STUDY, replace_keys

HERE = Path(__file__).parent
TOKEN = "0123456789abcdef" * 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("ray") is None:
        reason = "ray is not installed: pip install 'initsweep[ray]'"
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Nodes:
    """The process that keeps the cluster."""

    process: "subprocess.Popen[str]"
    address: str = ""

    def obey(self, *lines: str) -> None:
        for line in lines:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
            self.address = json.loads(self.process.stdout.readline())

    def workers(self) -> list[psutil.Process]:
        """Return the processes that train here now: there may be other clusters on the machine."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # it has just ended
                found += [process] if "ray::do" in " ".join(process.cmdline()) else []
        return found


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    quiet = {"RAY_DISABLE_IMPORT_WARNING": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    soon = {"period_ms": "1000", "timeout_ms": "2000", "failure_threshold": "3"}  # docs/cluster.md
    seen = {f"RAY_health_check_{name}": value for name, value in soon.items()}
    return {**quiet, **token, **seen, "PYTHONPATH": f"{ROOT / 'src'}"}


@pytest.fixture(scope="session")
def nodes(environment) -> Iterator[Nodes]:
    """Two nodes of one CPU each, beside the head."""
    process = subprocess.Popen(
        [sys.executable, HERE / "nodes.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    with process:
        found = Nodes(process)
        found.obey("add", "add")
        yield found
        process.stdin.close()


@dataclass
class Study:
    """A study in the current folder."""

    params: Params

    def on(self, address: str) -> Params:
        """Return the parameters for the cluster at an address."""
        runtime = {"executor": "ray", "address": address}
        return self.params.model_copy(
            update={"runtime": self.params.runtime.model_copy(update=runtime)}
        )


@pytest.fixture
def study(tmp_path, monkeypatch, environment, params_file) -> Callable[..., Study]:
    """Return what makes a small prepared study in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def make(replacements: dict[str, Any]) -> Study:
        content = json.loads(json.dumps(params_file))
        replace_keys(content, {**SMALL_STUDY, **replacements})
        with Path("params.yaml").open("w") as stream:
            YAML(typ="safe", pure=True).dump(content, stream)
        Path("own").mkdir()
        Path("data/raw").mkdir(parents=True)
        if "cluster_functions" in str(replacements):
            shutil.copy(HERE / "own_functions.py", "own/cluster_functions.py")
        params = load_params(Path("params.yaml"))
        own_code.use(params.own_code)
        prepare.run(params)
        return Study(params)

    yield make
    sys.modules.pop("cluster_functions", None)


@contextmanager
def connected(params: Params) -> Iterator[None]:
    """Lead a run on the cluster of some parameters."""
    with cluster_process.process(params.runtime.address, 1) as variables:
        os.environ |= variables
        try:
            yield
        finally:
            del os.environ[cluster_process.SOCKET]
            cluster.leave()
