"""Workers, nodes and whole runs are killed at random moments, many times; the bytes are the same.

`make fuzz` does it; tests/cluster/test_cluster.py loses one of each.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.test_cluster import PATIENCE, SCHEME, special, trained, until, written
from tests.faults.fuzzing import ROUNDS

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(ROUNDS == 1, reason="takes minutes: `make fuzz` does it"),
]

RUN = f"""
from pathlib import Path
from initsweep.core import own_code
from initsweep.core.params import load_params
from initsweep.stages import train, tune
params = load_params(Path("params.yaml"))
own_code.use(params.own_code)
tune.run(params, "{SCHEME}")
train.run(params, "{SCHEME}")
"""
HOPELESS = "its worker was lost 3 times"  # by chance ours may be the same one each time


def kill(victim, run, nodes):
    """Kill one of them, if there is one now."""
    if victim == "run":
        run.kill()
    if victim == "node":
        nodes.obey("kill", "add")
    if victim == "worker":
        found = nodes.workers()
        if not found:
            return False
        os.kill(found[0].pid, signal.SIGKILL)
    return True


def played(nodes, moments, killed):
    """Run a study until it ends, or is killed; meanwhile kill.

    Returns:
        Whether it has ended well.
    """
    with Path("said").open("w") as said:
        run = subprocess.Popen([sys.executable, "-c", RUN], stderr=said)
    while killed.total() < ROUNDS:
        try:
            run.wait(moments.uniform(0.5, 12.0))
            break
        except subprocess.TimeoutExpired:
            victim = moments.choice(["worker", "worker", "node", "run"])
            killed[victim] += kill(victim, run, nodes)
    status = run.wait(10 * PATIENCE)
    said = Path("said").read_text()
    assert status in (0, -signal.SIGKILL) or HOPELESS in said, said
    return status == 0


def test_whatever_is_killed_the_bytes_are_the_same(study, nodes):
    made = study({**special(seconds=0.02), "runtime.address": nodes.address})
    expected, moments, killed = trained(made.params), random.Random(0), Counter()
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("executor: local", "executor: ray"))
    while killed.total() < ROUNDS:
        shutil.rmtree("results")
        shutil.rmtree("scratch", ignore_errors=True)
        while not played(nodes, moments, killed):
            until(lambda: not nodes.workers())  # nothing goes on for nobody
        assert written() == expected
