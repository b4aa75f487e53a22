"""A run whose last word has been heard may clean up before its process is ended."""

import time
from multiprocessing.util import Finalize
from pathlib import Path

import torch

from initsweep.loops.pool import Pool
from initsweep.loops.spec import RunSpec


def train(run):
    # Named semaphores, such as joblib's, are removed like this.
    Finalize(None, leave, args=(run.folder,), exitpriority=0)
    run.initialize(torch.nn.Linear(2, 1))
    run.example_batch(torch.ones(1, 2), lambda outputs, batch: outputs.sum())


def leave(folder):
    time.sleep(0.3)
    (folder / "left").touch()


def look(spec, model, batch, loss):
    return 1


def test_a_run_that_was_looked_at_cleans_up(tmp_path):
    spec = RunSpec(
        function="test_pool_leaving:train", options={}, own_code=str(Path(__file__).parent),
        scheme="he_normal", initializer="he_normal", initializer_options={}, optimizer={},
        learning_rate=0.1, seed=0, final=False, baseline=1.0, folder=str(tmp_path),
    )  # fmt: skip
    with Pool(workers=1, look=look) as pool:
        [(_, found)] = pool.run([spec])
    assert found == 1, found
    assert (tmp_path / "files/left").exists()
