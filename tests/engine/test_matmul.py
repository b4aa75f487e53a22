"""Whether oneDNN may multiply, and whether a lane's products depend on the others."""

import pytest
import torch

from initsweep.engine import matmul, stacked_path
from initsweep.engine.lanes import Lane
from initsweep.engine.matmul import LinearShape, onednn_is_exact, onednn_matmul, smallest_stack
from initsweep.engine.train_lanes import train_lanes

pytestmark = pytest.mark.skipif(
    not hasattr(torch.backends.mkldnn, "matmul"), reason="this torch has no switch for oneDNN"
)
SHAPES = [LinearShape(33, 64, 128), LinearShape(128, 128, 10), LinearShape(7, 1, 3)]


def setting():
    return torch.backends.mkldnn.matmul.fp32_precision


def test_the_switch_is_put_back_even_after_an_error():
    before = setting()

    @onednn_matmul()
    def broken():
        assert setting() == "bf16"
        raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert setting() == before
    with onednn_matmul(enabled=False):
        assert setting() == before
    assert torch.get_float32_matmul_precision() == "highest"


def multiplied_in(dtype):
    """Products as of a processor that multiplies float32 in this type, whatever this one does."""
    product = torch.bmm

    def multiply(a, b):
        allowed = setting()
        torch.backends.mkldnn.matmul.fp32_precision = "ieee"  # "bf16" is bfloat16 on AMX units
        try:
            kind = torch.float64 if a.dtype == torch.float64 else dtype
            return product(a.to(kind), b.to(kind)).to(a.dtype)
        finally:
            torch.backends.mkldnn.matmul.fp32_precision = allowed

    return multiply


@pytest.mark.parametrize(("dtype", "exact"), [(torch.float32, True), (torch.bfloat16, False)])
@pytest.mark.parametrize("shape", [*SHAPES, LinearShape(128, 2000, 50)])
def test_float32_passes_and_bfloat16_does_not(monkeypatch, dtype, exact, shape):
    monkeypatch.setattr(torch, "bmm", multiplied_in(dtype))
    assert onednn_is_exact([shape], lanes=2) == exact


def test_one_inexact_layer_is_enough(monkeypatch):
    exact, inexact = multiplied_in(torch.float32), multiplied_in(torch.bfloat16)
    monkeypatch.setattr(torch, "bmm", lambda a, b: (inexact if a.shape[-1] == 10 else exact)(a, b))
    assert not onednn_is_exact(SHAPES, lanes=2)


@pytest.mark.parametrize(("odd", "smallest"), [(1, 2), (2, 3), (4, 5)])
def test_company_is_found_to_matter(monkeypatch, odd, smallest):
    product = torch.bmm
    monkeypatch.setattr(torch, "bmm", lambda a, b: product(a, b) * (1 + 1e-6 * (len(a) == odd)))
    shape = LinearShape(128, 64, 32)
    assert smallest_stack([shape], lanes=5) == smallest
    assert smallest_stack([shape], lanes=1) == 1


@pytest.fixture
def train(make_problem, training, optimizer, runtime):
    def run(**changes):
        return train_lanes(
            make_problem(),
            [Lane(learning_rate=0.01, seed=seed) for seed in range(3)],
            training=training(),
            optimizer=optimizer(),
            runtime=runtime(**changes),
        )

    return run


def test_an_inexact_onednn_is_not_used_and_the_record_says_so(monkeypatch, train):
    used = []
    bmm = torch.bmm
    monkeypatch.setattr(torch, "bmm", lambda *a, **k: used.append(setting()) or bmm(*a, **k))
    before = setting()
    for exact, name in ((True, "torch (oneDNN matmul)"), (False, "torch")):
        found = matmul.Findings(onednn=exact, smallest_stack=2)
        monkeypatch.setattr(stacked_path, "findings", lambda *_, f=found: f)
        used.clear()
        assert train().engine == f"{name} on {torch.backends.cpu.get_cpu_capability()}"
        assert set(used[-20:]) == {"bf16" if exact else before}
    assert setting() == before


def test_where_company_matters_stacks_keep_their_size(monkeypatch, train):
    sizes = []
    init = stacked_path.PlannedStack.__init__
    monkeypatch.setattr(
        stacked_path.PlannedStack,
        "__init__",
        lambda self, plan, parameters, *rest: (
            sizes.append(len(next(iter(parameters.values()))))
            or init(self, plan, parameters, *rest)
        ),
    )
    for smallest, size in ((2, 5), (6, 6), (8, 8)):  # two are spared, as 16 is half a vector
        found = matmul.Findings(onednn=True, smallest_stack=smallest)
        monkeypatch.setattr(stacked_path, "findings", lambda *_, f=found: f)
        sizes.clear()
        train(lanes_per_chunk=8)
        assert sizes[1:] == [size]  # after the two lanes of the check


@pytest.mark.parametrize(
    ("width", "batch", "lanes"), [(16, 128, 32), (64, 128, 32), (128, 128, 16), (1024, 128, 1)]
)
def test_wide_layers_share_a_stack_with_fewer(
    make_problem, training, optimizer, runtime, width, batch, lanes
):
    job = stacked_path.Job(
        problem=make_problem(n=batch, n_features=64, width=width, n_outputs=10),
        training=training(batch_size=batch),
        optimizer=optimizer(),
        runtime=runtime(lanes_per_chunk="auto"),
        keep_states=False,
    )
    path = stacked_path.StackedPath(job)
    # However many lanes there are: memory is bounded, and cost is linear.
    many = [Lane(learning_rate=0.1, seed=seed) for seed in range(1000)]
    chunks = path.chunks(many)
    assert max(len(chunk.lanes) for chunk in chunks) <= lanes
    assert len(chunks) <= 1.1 * len(many) / lanes + 1
