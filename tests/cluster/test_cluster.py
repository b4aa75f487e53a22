"""A study on a Ray cluster: the same bytes, whatever is lost on the way, and words for the rest."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from operator import sub
from pathlib import Path

import pytest

from initsweep.commands.cluster import _answer
from initsweep.commands.main import main
from initsweep.core.errors import ParamsError, RunError, WorkerMismatchError
from initsweep.running import cluster, cluster_process
from initsweep.stages import experiment, train, tune
from tests.cluster.conftest import connected

pytestmark = pytest.mark.cluster

SCHEME = "he_normal"
BASELINE = {"validation_loss": 4.0, "test_loss": 4.0}
LOOP = {
    "model": None,
    "optimizer": None,
    "training": {"function": "cluster_functions:train", "baseline": BASELINE},
    "data.source": "own",
    "tune.seeds": [0],
    "tune.extension_rounds": 0,
    "tune.refinement_trials": 1,
    "confirm.seeds": [10, 11],
}
CNN = {"name": "cnn", "channels": [3, 4], "kernel": 3, "activation": "relu", "dense": 8}
KINDS = {
    "a regression, by kernels": {"data.source": "diabetes"},
    "a CNN, by kernels": {"data.source": "digits", "model": CNN | {"image": None}},
    "an own network, in stacks": {"model": {"name": "cluster_functions:net"}},
    "an own loop": LOOP,
}


def special(**options):
    """Return a study of a network that is out of the ordinary, each lane a chunk."""
    network = {"name": "cluster_functions:special", **options}
    return {"model": network, "runtime.engine": "reference", "runtime.lanes_per_chunk": 1}


def trained(params):
    """Tune and train a scheme, and return what was written."""
    tune.run(params, SCHEME)
    train.run(params, SCHEME)
    return written()


def written():
    """Return the hash of every file of results."""
    files = sorted(file for file in Path("results").rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_are_those_of_this_machine(kind, study, nodes):
    here = study(KINDS[kind])
    there = here.on(nodes.address)
    with connected(there):
        found = trained(there)
    assert found == trained(here.params)


PATIENCE = 60  # seconds: to tell a hang from a busy machine, which may take five times as long


def until(true, seconds=PATIENCE):
    """Wait for something."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@pytest.fixture
def arrivals(monkeypatch):
    """When units come back."""
    times, run = [], cluster.Cluster.run

    def timed(*arguments):
        for done in run(*arguments):
            times.append(time.monotonic())
            yield done

    monkeypatch.setattr(cluster.Cluster, "run", timed)
    return times


@pytest.mark.parametrize("lost", ["a worker", "a node"])
def test_what_a_lost_worker_did_is_done_by_another(lost, study, nodes, arrivals):
    made = study(special(seconds=0.02))
    expected = trained(made.params)
    shutil.rmtree("results")

    def lose():
        until(lambda: len(arrivals) > 6)  # both have begun: to import torch takes a while
        if lost == "a node":
            nodes.obey("kill")
        else:
            os.kill(until(nodes.workers)[0].pid, signal.SIGKILL)

    loser = threading.Thread(target=lose)
    there = made.on(nodes.address)
    with connected(there):
        loser.start()
        assert trained(there) == expected
        loser.join()
    if lost == "a node":
        nodes.obey("add")
    assert max(map(sub, arrivals[1:], arrivals)) < PATIENCE


ONE_RUN = """
from pathlib import Path
from initsweep.core import own_code
from initsweep.core.params import load_params
from initsweep.stages import tune
params = load_params(Path("params.yaml"))
own_code.use(params.own_code)
tune.run(params, "he_normal")
"""


def test_a_killed_run_goes_on_with_what_was_under_way(study, nodes, monkeypatch):
    here = {"runtime.executor": "ray", "runtime.address": nodes.address}
    made = study({**special(seconds=0.03), **here})
    killed = subprocess.Popen([sys.executable, "-c", ONE_RUN])
    kept = until(lambda: [*Path("scratch/tune").rglob("*.npz")])
    killed.kill()
    killed.wait()
    until(lambda: not nodes.workers(), 10)  # nothing goes on for nobody
    kept, asked = len([*Path("scratch/tune").rglob("*.npz")]), []
    run = cluster.Cluster.run
    monkeypatch.setattr(cluster.Cluster, "run", lambda *all: asked.append(all[-1]) or run(*all))
    with connected(made.params):
        tune.run(made.params, SCHEME)
    assert 0 < kept < 6
    assert len(asked[0]) == 6 - kept


@pytest.mark.parametrize(
    ("wrong", "said", "tries"),
    [
        ("ends", "its worker was lost 3 times .* more memory", 3),
        ("raises", "ValueError: no such thing", 1),
    ],
)
def test_a_training_that_fails_is_named(wrong, said, tries, study, nodes):
    there = study(special(wrong=wrong, marks=str(Path.cwd()))).on(nodes.address)
    with connected(there), pytest.raises(RunError, match=said) as failed:
        experiment.load_experiment(there).run(SCHEME, "grid", [(0, 0.1)], [3])
    assert str(failed.value).startswith("he_normal at rate 0.1, seed 3: ")
    assert len([*Path.cwd().glob("tried *")]) == tries


def test_a_worker_that_would_come_to_other_bits_is_refused(study, nodes, monkeypatch):
    made = study({})
    there = made.on(nodes.address)
    real = experiment.of_training
    monkeypatch.setattr(
        experiment, "of_training", lambda *all, **more: replace(real(*all, **more), code_sha="0")
    )
    with connected(there), pytest.raises(WorkerMismatchError) as refused:
        tune.run(there, SCHEME)
    assert f"The worker on {socket.gethostname()}" in str(refused.value)
    assert re.search("code.code_sha is [0-9a-f]{16}, not 0", str(refused.value))


def test_two_runs_on_one_cluster_do_not_meet(study, nodes):
    made = study({})
    there = made.on(nodes.address)
    with connected(there):
        first = cluster.of(there.runtime)
        with cluster_process.process(nodes.address, 1) as other:
            assert other[cluster_process.SOCKET] != os.environ[cluster_process.SOCKET]
        tune.run(there, SCHEME)  # the end of the other ends nothing of ours
        assert cluster.of(there.runtime) is first


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "nobody answers there"),
        ("ray://127.0.0.1:10001", "write it as host:port"),
        (None, "RAY_ADDRESS is not set"),
    ],
)
def test_without_a_cluster_nothing_is_trained(address, said, study, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    there, start = study({}).on(address), time.monotonic()
    with pytest.raises((RunError, ParamsError), match=said) as refused:
        tune.run(there, SCHEME)
    assert time.monotonic() - start < PATIENCE
    assert "\n" not in str(refused.value)
    assert not Path("results/tune").exists()


def test_a_wrong_token_is_refused(study, nodes, monkeypatch):
    there, start = study({}).on(nodes.address), time.monotonic()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    with pytest.raises(RunError, match="cannot be used") as refused:
        tune.run(there, SCHEME)
    assert time.monotonic() - start < PATIENCE
    assert "\n" not in str(refused.value)


def test_a_look_at_the_cluster_says_what_it_has(study, nodes, capsys):
    study({})
    assert main(["cluster", "check", "--address", nodes.address]) == 0
    said = capsys.readouterr().out
    assert "3 nodes, 2 CPUs, 0 GPUs" in said
    assert said.count(" yes") == 2
    assert "All nodes come to the same bits as this machine." in said
    assert "WARNING" not in said  # it asks for a token


@pytest.mark.parametrize(
    ("differs", "found"),
    [
        ({}, "yes"),
        ({"processor": "DEFAULT"}, "by kernels"),
        ({"torch": "2.6.0"}, "no"),
        ({"kernels": "portable", "processor": "NEON"}, "no"),
    ],
)
def test_a_node_is_compared_with_this_machine(differs, found):
    here = {"code": "c", "torch": "2.13", "numpy": "2", "kernels": "fused", "processor": "AVX2"}
    here["gpu"] = ""
    node = {"about": here | differs}
    assert _answer(node, here) == found
    assert all(name in node["why"] for name in differs)
