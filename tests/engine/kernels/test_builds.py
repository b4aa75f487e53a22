"""Builds with fused multiply-add train every network to the same bits, whatever their width."""

import subprocess
import sys

import pytest

from initsweep.engine.kernels.library import load_library


def normalized(width):
    hidden = f"nn.LayerNorm({width}), nn.ReLU(), nn.Linear({width}, "
    return f"nn.Linear(9, {width}), {hidden}{width}), {hidden}5)"


NETWORKS = {
    **{f"layer norm of {width}": normalized(width) for width in (17, 64, 130)},
    "rows": "nn.Linear(9, 33), nn.LayerNorm(33), nn.GELU(), nn.RMSNorm(33), nn.Linear(33, 50), "
    "nn.BatchNorm1d(50), nn.Softplus(), nn.Linear(50, 5)",
    "images": "nn.Linear(9, 162), nn.Unflatten(1, (2, 9, 9)), nn.Conv2d(2, 20, 3, 2, 2), "
    "nn.GroupNorm(5, 20), nn.SiLU(), nn.Conv2d(20, 20, 3, 1, 1, groups=20), nn.AvgPool2d(3, 1), "
    "nn.Conv2d(20, 40, 2, groups=4), nn.InstanceNorm2d(40), nn.MaxPool2d(2, 1), nn.Flatten(), "
    "nn.Linear(160, 5)",
}
TRAINED = """
import hashlib, itertools, sys
import numpy as np, torch
from torch import nn
from initsweep.core.multipliers import Multipliers
from initsweep.core.params import Optimizer
from initsweep.engine.kernels import library
from initsweep.engine.kernels.kernel_trainer import Trainer
from initsweep.engine.plan_reading import read_plan

library.BUILDS = dict.fromkeys(["DEFAULT", "AVX2", "AVX512"], (sys.argv[1],))
assert library.load_library()[0] == sys.argv[1]
torch.set_num_threads(1)
for layers in sys.argv[2:]:
    digest = hashlib.sha256()
    for seed, (name, rate) in itertools.product(range(3), dict(sgd=0.05, adam=0.01).items()):
        torch.manual_seed(seed)
        model = eval(f"nn.Sequential({layers})")
        optimizer = Optimizer(name=name, momentum=0.9, nesterov=False, beta1=0.9, beta2=0.99,
            epsilon=1e-8, weight_decay=0.01)
        factors = {name: Multipliers(1 + seed * k / 7, 1 + seed * k / 3)
            for k, (name, _) in enumerate(model.named_parameters())}
        trainer = Trainer(read_plan(model, (9,)), batch=20, loss="cross_entropy",
            optimizer=optimizer, clip=0.5, multipliers=factors)
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        trainer.start(state)
        features, targets = torch.randn(100, 9), torch.randint(0, 5, (100,))
        order = torch.randperm(100).repeat(4)
        losses = trainer.train(features, targets, order, np.full(20, rate), np.inf)
        assert np.isfinite(losses).all()
        digest.update(losses.tobytes())
        for value in trainer.state(state, batches=20).values():
            digest.update(value.detach().numpy().tobytes())
    print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def trained():
    """Return, for both builds, by network what trainings come to, to the last bit."""
    if load_library()[0] != "avx512":
        pytest.skip(f"this processor runs {load_library()[0]} only")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINED, build, *NETWORKS.values()],
            stdout=subprocess.PIPE,
            text=True,
        )
        for build in ("avx512", "avx2")
    ]
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return [dict(zip(NETWORKS, digests, strict=True)) for digests in said]


@pytest.mark.parametrize("network", NETWORKS)
def test_losses_and_weights_are_the_same(network, trained):
    wide, narrow = trained
    assert wide[network] == narrow[network]
