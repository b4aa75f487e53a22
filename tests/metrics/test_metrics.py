"""What holds for every metric, and the oracles of each."""

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from torch.nn import functional

from initsweep import metrics
from initsweep.errors import DuplicateNameError, UnknownNameError
from initsweep.metrics import METRICS, Metric, loss_of, score_of

CASES = [pytest.param(metric, id=name) for name, metric in METRICS]


def example(task, *lanes, n=37, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if task == "classification":
        return (
            torch.randn(*lanes, n, 5, generator=generator, dtype=torch.float64) * 3,
            torch.randint(0, 5, (n,), generator=generator),
        )
    targets = torch.randn(n, generator=generator, dtype=torch.float64) * 2 + 7
    noise = torch.randn(*lanes, n, 1, generator=generator, dtype=torch.float64)
    return targets.unsqueeze(-1) + noise, targets


ORACLES = {
    "cross_entropy": lambda o, t: functional.cross_entropy(o, t).item(),
    "accuracy": lambda o, t: sklearn.metrics.accuracy_score(t, o.argmax(-1)),
    "mean_squared_error": lambda o, t: functional.mse_loss(o.squeeze(-1), t).item(),
    "r_squared": lambda o, t: sklearn.metrics.r2_score(t, o.squeeze(-1)),
}


@pytest.mark.parametrize("metric", CASES)
class TestEveryMetric:
    def test_is_registered_under_its_own_name_with_a_reference(self, metric):
        assert METRICS.get(metric.name) is metric
        assert metric.reference
        assert metric.higher_is_better == (metric.role == "score")

    def test_equals_an_independent_implementation(self, metric):
        for seed in range(5):
            outputs, targets = example(metric.task, seed=seed)
            expected = ORACLES[metric.name](outputs, targets)
            value = metric.function(outputs, targets)
            assert value.shape == ()
            assert value.item() == pytest.approx(expected, rel=1e-12)

    def test_leaves_lane_dimensions_alone(self, metric):
        outputs, targets = example(metric.task, 2, 3)
        values = metric.function(outputs, targets)
        assert values.shape == (2, 3)
        for i in range(2):
            for j in range(3):
                assert values[i, j] == metric.function(outputs[i, j], targets)

    def test_takes_targets_per_lane(self, metric):
        outputs, targets = example(metric.task, 2)
        own = torch.stack([targets, targets.roll(1)])
        values = metric.function(outputs, own)
        assert values.shape == (2,)
        assert values[0] == metric.function(outputs[0], targets)
        assert values[1] == metric.function(outputs[1], targets.roll(1))
        assert values[0] != values[1]

    def test_works_under_vmap(self, metric):
        outputs, targets = example(metric.task, 4)
        mapped = torch.func.vmap(metric.function, in_dims=(0, None))(outputs, targets)
        torch.testing.assert_close(mapped, metric.function(outputs, targets))

    def test_keeps_the_dtype_of_the_outputs_unless_it_counts(self, metric):
        outputs, targets = example(metric.task)
        targets = targets.float() if metric.task == "regression" else targets
        expected = torch.float64 if metric.name == "accuracy" else torch.float32
        assert metric.function(outputs.float(), targets).dtype == expected


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_losses_have_the_right_gradient(task):
    outputs, targets = example(task, 2, n=6)
    outputs.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda o: loss_of(task).function(o, targets), (outputs,))


@pytest.mark.parametrize(
    ("task", "loss", "score"),
    [
        ("classification", "cross_entropy", "accuracy"),
        ("regression", "mean_squared_error", "r_squared"),
    ],
)
def test_each_task_has_one_loss_and_one_score(task, loss, score):
    assert loss_of(task).name == loss
    assert score_of(task).name == score


def test_unknown_task_and_second_loss_are_refused(monkeypatch):
    with pytest.raises(UnknownNameError, match="task 'ranking'"):
        loss_of("ranking")
    twin = Metric(
        name="twin",
        task="regression",
        function=lambda o, t: o.sum(),
        higher_is_better=False,
        role="loss",
        reference="none",
    )
    doubled = [*METRICS, ("twin", twin)]
    monkeypatch.setattr(metrics, "METRICS", doubled)
    with pytest.raises(DuplicateNameError, match="mean_squared_error, twin"):
        loss_of("regression")


def test_uniform_logits_cost_the_logarithm_of_the_classes():
    value = METRICS.get("cross_entropy").function(torch.zeros(8, 10), torch.arange(8))
    assert value.item() == pytest.approx(math.log(10), rel=1e-6)


def test_huge_logits_stay_finite():
    outputs = torch.tensor([[1e4, -1e4], [1e4, -1e4]])
    value = METRICS.get("cross_entropy").function(outputs, torch.tensor([0, 1]))
    assert value.item() == pytest.approx(1e4)


def test_r_squared_of_constant_targets_is_that_of_scikit_learn():
    function = METRICS.get("r_squared").function
    targets = torch.full((4,), 3.0)
    for prediction in (3.0, 2.0):
        outputs = torch.full((4, 1), prediction)
        expected = sklearn.metrics.r2_score(targets, outputs.squeeze(-1))
        assert function(outputs, targets).item() == expected


def test_the_mean_of_the_targets_scores_zero():
    targets = torch.tensor(np.arange(10.0))
    outputs = targets.mean().expand(10, 1)
    assert METRICS.get("r_squared").function(outputs, targets).item() == 0.0
