"""What is recorded of the compiled path is the same whatever torch's and the kernels' vectors."""

import os
import subprocess
import sys
from functools import partial

import pytest
import torch

from initsweep.engine.kernels.library import load_library
from initsweep.engine.kernels.recorded import recorded_loss
from initsweep.engine.train_lanes import train_lanes
from initsweep.metrics import METRICS, recorded

CLASSES, ROWS = 5, 77
WEIGHTS = (0.3, 1.0, 2.0, 0.7, 1.3)
LOSSES = [name for name, metric in METRICS if metric.role == "loss"]


def exact(name):
    metric = METRICS.get(name)
    if metric.needs is None:
        return recorded(metric)
    function = partial(metric.function, class_weights=WEIGHTS)
    return lambda outputs, targets: function(outputs.double(), targets).float()


def examples(name, *lanes):
    generator = torch.Generator().manual_seed(3)
    if METRICS.get(name).task == "classification":
        outputs = 4 * torch.randn(*lanes, ROWS, CLASSES, generator=generator)
        return outputs, torch.randint(0, CLASSES, (ROWS,), generator=generator)
    outputs = 2 * torch.randn(*lanes, ROWS, 1, generator=generator)
    return outputs, torch.randn(ROWS, generator=generator)


@pytest.fixture
def kernels_alone():
    """Return losses as they are recorded, without torch to fall back on."""

    def make(name):
        weights = WEIGHTS if METRICS.get(name).needs else ()
        return recorded_loss(name, lambda *_: pytest.fail("the kernels do not serve"), weights)

    return make


@pytest.mark.parametrize("name", LOSSES)
def test_is_the_loss_in_float64_rounded(name, kernels_alone):
    outputs, targets = examples(name, 2, 3)
    found = kernels_alone(name)(outputs, targets)
    assert found.shape == (2, 3)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact(name)(outputs, targets), rtol=1.2e-7, atol=0.0)
    own = torch.stack([torch.stack([targets.roll(3 * i + j) for j in range(3)]) for i in range(2)])
    torch.testing.assert_close(
        kernels_alone(name)(outputs, own), exact(name)(outputs, own), rtol=1.2e-7, atol=0.0
    )
    rows = kernels_alone(name)(outputs[0, 0][:, None], targets[:, None])
    torch.testing.assert_close(
        rows, exact(name)(outputs[0, 0][:, None], targets[:, None]), rtol=1.2e-7, atol=0.0
    )


@pytest.mark.parametrize("classes", [2, 1023, 5000])
def test_any_number_of_classes(classes, kernels_alone):
    generator = torch.Generator().manual_seed(0)
    outputs = 100 * torch.randn(9, classes, generator=generator)
    targets = torch.randint(0, classes, (9,), generator=generator)
    found = kernels_alone("cross_entropy")(outputs, targets)
    torch.testing.assert_close(found, exact("cross_entropy")(outputs, targets), rtol=1.2e-7, atol=0)


@pytest.mark.parametrize(
    "row", [[0, torch.inf, 1], [0, -torch.inf, 1], [torch.nan, 0, 1], [0, torch.nan, 1]]
)
@pytest.mark.parametrize("target", range(3))
def test_what_is_not_finite_is_what_torch_says(row, target, kernels_alone):
    outputs, targets = torch.tensor([row], dtype=torch.float32), torch.tensor([target])
    found, expected = (
        f(outputs, targets) for f in (kernels_alone("cross_entropy"), exact("cross_entropy"))
    )
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_torch_serves_where_the_kernels_do_not():
    own = METRICS.get("cross_entropy").function
    assert recorded_loss("another", own) is own
    loss = recorded_loss("cross_entropy", own)
    outputs, targets = examples("cross_entropy")
    assert torch.equal(loss(outputs.double(), targets), own(outputs.double(), targets))
    with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
        loss(outputs, targets + CLASSES)


TRAINED = """
import hashlib, sys
from functools import partial
import numpy as np, torch
from initsweep.architectures import build_model
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.engine.devices import pin_matmul
from initsweep.engine.kernels import library
from initsweep.engine.kernels.recorded import recorded_loss
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initial_states, make_initializer
from initsweep.metrics import METRICS, recorded

library.BUILDS = dict.fromkeys(["DEFAULT", "AVX2", "AVX512"], (sys.argv[1],))
pin_matmul()
torch.set_num_threads(1)
weights = (0.3, 1.0, 2.0, 0.7, 1.3)
generator = np.random.default_rng(0)
features = torch.from_numpy(generator.standard_normal((170, 6))).float()
wanted = torch.from_numpy(generator.standard_normal((170, 5)) + features.numpy()[:, :5]).float()
schemes = {"he_normal": {}, "xavier_uniform": {}, "orthogonal": {"gain": 1.0},
    "truncated_normal": {"std": 0.05}}
for loss in [name for name, metric in METRICS if metric.role == "loss"]:
    metric = METRICS.get(loss)
    classes = metric.task == "classification"
    own = {"class_weights": weights} if metric.needs else {}
    exact = lambda o, t: metric.function(o.double(), t, **own).float()
    targets = wanted.argmax(-1) if classes else wanted[:, 0] / 3
    scores = [m for _, m in METRICS if m.role == "score" and m.task == metric.task]
    known = {"rarest_class": {"rarest_class": 1}}
    score = lambda o, t: sum(
        m.function(o.double(), t, **known.get(m.needs, {})) for m in scores
    )
    model = build_model("mlp", {"depth": 2, "width": 20, "activation": "gelu", "norm": "batch",
        "residual": False}, n_features=6, n_outputs=5 if classes else 1)
    digest = hashlib.sha256()
    for scheme, options in schemes.items():
        problem = Problem(
            model=model,
            initial_state=initial_states(model, make_initializer(scheme, options, scheme=scheme)),
            train=Split(features=features[:100], targets=targets[:100]),
            validation=Split(features=features[100:], targets=targets[100:]),
            loss=lambda o, t: metric.function(o, t, **own), loss_name=loss,
            recorded_loss=recorded_loss(loss, exact, own.get("class_weights", ())),
            class_weights=own.get("class_weights", ()), score=score, constant_loss=1.5,
        )
        found = train_lanes(
            problem, [Lane(learning_rate=0.1, seed=0), Lane(learning_rate=0.003, seed=1)],
            training=Training(function=None, epochs=4, batch_size=20, schedule="cosine",
                warmup_fraction=0.0, gradient_clip=None),
            optimizer=Optimizer(name="adam", momentum=0.0, nesterov=False, beta1=0.9, beta2=0.99,
                epsilon=1e-8, weight_decay=0.0),
            runtime=Runtime(device="cpu", engine="compiled", threads=1, lanes_per_chunk="auto",
                workers=1, keep_every_minutes=5.0),
            keep_states=True,
        )
        for seed in (0, 1):
            for name, value in sorted(problem.initial_state(seed).items()):
                digest.update(value.numpy().tobytes())
            for name, value in sorted(found.final_states[seed].items()):
                digest.update(value.numpy().tobytes())
        for column in ("train_loss", "validation_loss", "validation_score"):
            digest.update(getattr(found, column).tobytes())
    print(loss, library.load_library()[0], digest.hexdigest())
"""
WAYS = [("avx2", "avx2"), ("default", "avx2"), ("avx512", "avx512"), ("default", "avx512")]
"""What torch is told to use, and the build of the kernels."""


@pytest.fixture(scope="module")
def trained():
    """Return by loss and way what trainings under several schemes come to, to the last bit."""
    ways = [way for way in WAYS if way[1] == "avx2" or load_library()[0] == "avx512"]
    if load_library()[0] == "portable":
        pytest.skip("this processor has no fused multiply-add of vectors")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINED, build],
            env={**os.environ, "ATEN_CPU_CAPABILITY": capability},
            stdout=subprocess.PIPE,
            text=True,
        )
        for capability, build in ways
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(ways)
    found = {}
    for way, text in zip(ways, said, strict=True):
        for loss, build, digest in map(str.split, text.splitlines()):
            assert build == way[1]
            found.setdefault(loss, {})[way] = digest
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_no_bit_follows_the_width_of_vectors(loss, trained):
    assert len(trained[loss]) in (2, 4)
    assert len(set(trained[loss].values())) == 1


def test_records_name_the_vectors_where_bits_follow_them(
    make_problem, training, optimizer, runtime, lanes_of
):
    def engine(name):
        settings = {"training": training(), "optimizer": optimizer()}
        lanes = lanes_of((0.01, 0))
        return train_lanes(make_problem(), lanes, runtime=runtime(engine=name), **settings).engine

    vectors = torch.backends.cpu.get_cpu_capability()
    assert engine("torch").endswith(f" on {vectors}")
    if load_library()[0] != "portable":
        assert engine("compiled") == "compiled"
