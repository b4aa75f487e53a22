"""What the kernels do not cover is refused by name, never trained wrongly."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import KernelsError, PlanError, StaleKernelsError
from initsweep.engine.choice import choose_path
from initsweep.engine.compiled_path import CompiledPath
from initsweep.engine.kernels import library
from initsweep.engine.kernels.coverage import check_coverage
from initsweep.engine.kernels.verification import check_against_torch
from initsweep.engine.paths import Job
from initsweep.engine.plan import Operation, Plan
from initsweep.engine.plan_reading import read_plan
from initsweep.engine.stacked_path import StackedPath


class Calls(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(self.layers, x)


def image(x):
    return x.view(-1, 1, 4, 4)


NOT_PLANNED = {
    "dropout": nn.Sequential(nn.Linear(16, 4), nn.Dropout(0.5)),
    "approximate": nn.Sequential(nn.Linear(16, 4), nn.GELU("tanh")),
    "control flow": Calls(lambda m, x: m[0](x) if x.sum() > 0 else x, nn.Linear(16, 4)),
    "softmax": nn.Sequential(nn.Linear(16, 4), nn.Softmax(-1)),
    "outside a known layer": Calls(lambda m, x: x @ m[0].weight.T, nn.Linear(16, 4)),
    "different shapes": Calls(lambda m, x: m[0](x) + m[1](x), nn.Linear(16, 4), nn.Linear(16, 1)),
    "with a factor": Calls(lambda m, x: torch.add(m[0](x), m[1](x), alpha=2.0), nn.Linear(16, 4),
                           nn.Linear(16, 4)),
    "it uses pad": Calls(lambda m, x: m[0](image(x)).flatten(1),
                         nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")),
    "pools with dilation": Calls(
        lambda m, x: functional.max_pool2d(m[0](image(x)), 2, 1, dilation=2).flatten(1),
        nn.Conv2d(1, 1, 1)),
    "with_indices": Calls(
        lambda m, x: functional.adaptive_max_pool2d(m[0](image(x)), 1, True)[0].flatten(1),
        nn.Conv2d(1, 1, 1)),
    "divisor of its own": Calls(
        lambda m, x: functional.avg_pool2d(m[0](image(x)), 2, divisor_override=3).flatten(1),
        nn.Conv2d(1, 1, 1)),
    "a mean over": Calls(lambda m, x: m[0](image(x)).mean(1).flatten(1), nn.Conv2d(1, 2, 1)),
    "by running statistics": Calls(lambda m, x: m[1](m[0](image(x))).flatten(1), nn.Conv2d(1, 2, 1),
                                   nn.InstanceNorm2d(2, track_running_stats=True)),
    "over more than one": Calls(
        lambda m, x: functional.rms_norm(m[0](image(x)), (4, 4)).flatten(1), nn.Conv2d(1, 2, 1)),
    "no parameter, as one": Calls(
        lambda m, x: functional.rms_norm(m[0](x), (4,), m[1].running_var), nn.Linear(16, 4),
        nn.BatchNorm1d(4)),
    "takes the result of": Calls(lambda m, x: functional.linear(x, m[0](x)), nn.Linear(16, 16)),
    "no exponential running": nn.Sequential(nn.Linear(16, 4), nn.BatchNorm1d(4, momentum=None)),
    "more than one axis": Calls(lambda m, x: m[0](image(x)).flatten(1), nn.LayerNorm((4, 4))),
}  # fmt: skip

NOT_COVERED = {
    "layer_norm to rows": Calls(lambda m, x: m[0](image(x)).flatten(1), nn.LayerNorm(4)),
    "used twice": Calls(lambda m, x: m[0](m[0](x)), nn.Linear(16, 16)),
    "rows only": Calls(lambda m, x: m[0](image(x)).flatten(1), nn.Linear(4, 4)),
    "give one": Calls(lambda m, x: m[0](image(x)), nn.Conv2d(1, 2, 2)),
}


@pytest.mark.parametrize(("word", "model"), NOT_PLANNED.items(), ids=NOT_PLANNED)
def test_what_cannot_be_planned(word, model):
    with pytest.raises(PlanError, match=word):
        read_plan(model, (16,))


@pytest.mark.parametrize(("word", "model"), NOT_COVERED.items(), ids=NOT_COVERED)
def test_what_the_kernels_lack(word, model):
    plan = read_plan(model, (16,))
    with pytest.raises(PlanError, match=word):
        check_coverage(plan, "cross_entropy", [])


def test_losses_and_frozen_parameters():
    plan = read_plan(nn.Linear(16, 4), (16,))
    with pytest.raises(PlanError, match="loss 'hinge'"):
        check_coverage(plan, "hinge", [])
    with pytest.raises(PlanError, match="'weight' is frozen"):
        check_coverage(plan, "cross_entropy", ["weight"])


def test_a_subclass_that_computes_otherwise_is_no_known_layer():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with pytest.raises(PlanError):
        read_plan(Doubled(16, 4), (16,))


@pytest.mark.parametrize(
    ("layer", "word"), [(nn.Linear(16, 16), "it uses mul"), (nn.BatchNorm1d(16), "hooks")]
)
def test_a_hook_is_seen(layer, word):
    layer.register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(PlanError, match=word):
        read_plan(nn.Sequential(nn.Linear(16, 16), layer), (16,))


def test_reading_a_plan_changes_nothing():
    model = nn.Sequential(nn.Linear(16, 4), nn.BatchNorm1d(4), nn.ReLU()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model[2].eval()
    state = torch.get_rng_state()
    read_plan(model, (16,))
    assert model.training
    assert not model[2].training
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_wrong_plan_is_found_before_training(make_problem):
    problem = make_problem("plain")
    plan = read_plan(problem.model, (6,))
    check_against_torch(problem, plan)
    operations = list(plan.operations)
    at = next(i for i, operation in enumerate(operations) if operation.kind == "activation")
    wrong = operations[at]
    operations[at] = Operation(
        kind="activation", inputs=wrong.inputs, shape=wrong.shape, settings={"name": "silu"}
    )
    with pytest.raises(KernelsError, match="disagree on outputs"):
        check_against_torch(problem, Plan(input_shape=(6,), operations=tuple(operations)))


@pytest.mark.parametrize("kind", ["plain", "batch_norm", "layer_norm", "residual", "sigmoid"])
def test_the_networks_of_the_engine_s_tests_are_covered(make_problem, kind):
    problem = make_problem(kind)
    check_against_torch(problem, read_plan(problem.model, (6,)))


def test_data_of_another_type_are_refused(make_problem, training, optimizer, runtime):
    job = Job(
        problem=make_problem(dtype=torch.float64), training=training(), optimizer=optimizer(),
        runtime=runtime(), keep_states=False,
    )  # fmt: skip
    with pytest.raises(KernelsError, match="float64"):
        CompiledPath(job)


def test_without_a_build_the_reason_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    library.load_library.cache_clear()
    try:
        with pytest.raises(KernelsError, match="not built"):
            library.load_library()
        for build in library.BUILDS["AVX512"]:
            for suffix in library.EXTENSION_SUFFIXES:
                (tmp_path / f"_{build}{suffix}").write_bytes(b"no library")
        with pytest.raises(KernelsError, match="_portable"):
            library.load_library()
    finally:
        library.load_library.cache_clear()


def test_a_build_of_other_sources_is_no_reason_to_train_another_way(
    make_problem, training, optimizer, runtime, monkeypatch
):
    monkeypatch.setattr(library, "sources_sha", lambda: "0123456789abcdef")
    library.load_library.cache_clear()
    job = Job(
        problem=make_problem(), training=training(), optimizer=optimizer(),
        runtime=runtime(engine="torch"), keep_states=False,
    )  # fmt: skip
    try:
        with pytest.raises(StaleKernelsError, match=r"other sources.*make \.venv/installed"):
            choose_path(replace(job, runtime=runtime(engine="auto")))
        assert isinstance(choose_path(job), StackedPath)
        assert "other sources" in library.describe_engines()
    finally:
        library.load_library.cache_clear()
