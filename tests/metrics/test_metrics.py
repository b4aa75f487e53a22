"""What holds for every metric, and the oracles of each."""

import math
from functools import partial

import numpy as np
import pytest
import sklearn.metrics
import torch
from torch.nn import functional

from initsweep.core.errors import DataError, ParamsError
from initsweep.core.params import Fractions
from initsweep.datasets import DATASETS
from initsweep.datasets.splitting import constant_loss, split_rows, standardize
from initsweep.metrics import METRICS, balanced_weights, loss_of, score_of

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


WEIGHTS = (0.5, 2.0, 1.0, 3.0, 0.7)
NEEDS = {"class_weights": WEIGHTS, "rarest_class": 3, "target_scale": 4.0}


def call(metric, outputs, targets):
    keywords = {metric.needs: NEEDS[metric.needs]} if metric.needs else {}
    return metric.function(outputs, targets, **keywords)


ORACLES = {
    "average_precision": lambda o, t: sklearn.metrics.average_precision_score(
        functional.one_hot(t, 5), functional.softmax(o, -1), average="macro"
    ),
    "balanced_accuracy": lambda o, t: sklearn.metrics.balanced_accuracy_score(t, o.argmax(-1)),
    "minority_recall": lambda o, t: sklearn.metrics.recall_score(
        t, o.argmax(-1), labels=[3], average="macro"
    ),
    "weighted_cross_entropy": lambda o, t: (
        functional.cross_entropy(o, t, torch.tensor(WEIGHTS, dtype=torch.float64), reduction="sum")
        / len(t)
    ).item(),
    "mean_absolute_error": lambda o, t: functional.l1_loss(o.squeeze(-1), t).item(),
    "huber": lambda o, t: functional.huber_loss(o.squeeze(-1), t).item(),
    "rmse_original_units": lambda o, t: (
        4 * sklearn.metrics.root_mean_squared_error(t, o.squeeze(-1))
    ),
    "mae_original_units": lambda o, t: 4 * sklearn.metrics.mean_absolute_error(t, o.squeeze(-1)),
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
        assert metric.role == "measure" or metric.higher_is_better == (metric.role == "score")
        assert (metric.constant is None) == (metric.role == "measure")

    def test_equals_an_independent_implementation(self, metric):
        for seed in range(5):
            outputs, targets = example(metric.task, seed=seed)
            expected = ORACLES[metric.name](outputs, targets)
            value = call(metric, outputs, targets)
            assert value.shape == ()
            assert value.item() == pytest.approx(expected, rel=1e-12)

    def test_leaves_lane_dimensions_alone(self, metric):
        outputs, targets = example(metric.task, 2, 3)
        values = call(metric, outputs, targets)
        assert values.shape == (2, 3)
        for i in range(2):
            for j in range(3):
                assert values[i, j] == call(metric, outputs[i, j], targets)

    def test_takes_targets_per_lane(self, metric):
        outputs, targets = example(metric.task, 2)
        own = torch.stack([targets, targets.roll(1)])
        values = call(metric, outputs, own)
        assert values.shape == (2,)
        assert values[0] == call(metric, outputs[0], targets)
        assert values[1] == call(metric, outputs[1], targets.roll(1))
        assert values[0] != values[1]

    def test_works_under_vmap(self, metric):
        outputs, targets = example(metric.task, 4)
        mapped = torch.func.vmap(partial(call, metric), in_dims=(0, None))(outputs, targets)
        torch.testing.assert_close(mapped, call(metric, outputs, targets))

    def test_keeps_the_dtype_of_the_outputs_unless_it_counts(self, metric):
        outputs, targets = example(metric.task)
        targets = targets.float() if metric.task == "regression" else targets
        counts = metric.task == "classification" and metric.role != "loss"
        expected = torch.float64 if counts else torch.float32
        assert call(metric, outputs.float(), targets).dtype == expected


@pytest.mark.parametrize("metric", [p for p in CASES if p.values[0].role == "loss"])
def test_losses_have_the_right_gradient(metric):
    outputs, targets = example(metric.task, 2, n=6)
    outputs.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda o: call(metric, o, targets), (outputs,))


@pytest.mark.parametrize("metric", [p for p in CASES if p.values[0].constant])
def test_no_constant_prediction_beats_the_constant_predictor_where_it_was_fitted(metric):
    _, targets = example(metric.task, n=200)
    known = targets.numpy()
    weights = np.array(NEEDS["class_weights"] if metric.needs == "class_weights" else [1.0] * 5)
    if metric.task == "regression":
        known = (known - known.mean()) / known.std()
        weights, guesses = np.ones(0), torch.linspace(-1, 1, 401).double()
        outputs = guesses[:, None, None].expand(-1, 200, 1)
    else:
        guesses = torch.randn(400, 5, generator=torch.Generator().manual_seed(1)).double()
        shares = np.bincount(known, minlength=5) * weights
        guesses = torch.cat([torch.tensor(shares).log()[None], guesses])
        outputs = guesses[:, None].expand(-1, 200, 5)
    values = call(metric, outputs, torch.tensor(known))
    best = values.max() if metric.higher_is_better else values.min()
    assert metric.constant(known, known, weights) == pytest.approx(best.item(), abs=1e-4)


def test_the_constant_predictor_knows_nothing_of_the_other_rows():
    train, other = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    ones = np.ones(2)
    value = {name: metric.constant for name, metric in METRICS if metric.constant}
    assert value["accuracy"](train, other, ones) == 0.25
    assert value["balanced_accuracy"](train, other, ones) == 0.5
    assert value["average_precision"](train, other, ones) == 0.75
    exact = -(np.log(0.75) + 3 * np.log(0.25)) / 4
    assert value["cross_entropy"](train, other, ones) == pytest.approx(exact)
    # Balanced: the constant predictor says half and half, and each class counts the same.
    balanced = balanced_weights(np.array([3, 1]))
    assert balanced.tolist() == [4 / 6, 4 / 2]
    exact = np.log(2) * (4 / 6 + 3 * 2) / 4
    assert value["weighted_cross_entropy"](train, other, balanced) == pytest.approx(exact)
    train, other = np.array([0.0, 0.0, 9.0]), np.array([1.0, 3.0])
    assert value["mean_absolute_error"](train, other, np.ones(0)) == pytest.approx(2.0)


def test_of_two_classes_average_precision_is_that_of_the_rarer_one_ties_included():
    function = METRICS.get("average_precision").function
    outputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    targets = torch.tensor([1, 0, 1, 0, 0])
    for rare in (0, 1):
        odds = outputs[:, rare] - outputs[:, 1 - rare]
        expected = sklearn.metrics.average_precision_score(targets == rare, odds)
        assert function(outputs, targets, rarest_class=rare).item() == pytest.approx(expected)
    equal = function(torch.zeros(5, 2), targets, rarest_class=1)
    assert equal.item() == pytest.approx(0.4)


def test_a_class_that_is_not_there_counts_for_nothing():
    outputs, targets = torch.eye(4), torch.tensor([0, 1, 1, 0])
    assert METRICS.get("balanced_accuracy").function(outputs, targets).item() == 0.5
    value = METRICS.get("average_precision").function(outputs, targets, rarest_class=2)
    expected = sklearn.metrics.average_precision_score(
        functional.one_hot(targets), outputs[:, :2], average="macro"
    )
    assert value.item() == pytest.approx(expected)
    assert METRICS.get("minority_recall").function(outputs, targets, rarest_class=2).isnan()


@pytest.mark.parametrize(
    ("task", "loss", "score"),
    [
        ("classification", "cross_entropy", "accuracy"),
        ("regression", "mean_squared_error", "r_squared"),
    ],
)
def test_each_task_has_its_own_loss_and_score(task, loss, score):
    assert loss_of(task).name == loss
    assert score_of(task).name == score
    for role in ("loss", "score"):
        defaults = [m for _, m in METRICS if m.task == task and m.role == role and m.default]
        assert len(defaults) == 1


def test_losses_and_scores_can_be_chosen_and_mistakes_are_named():
    assert loss_of("regression", "huber").name == "huber"
    assert loss_of("classification", "auto", "balanced").name == "weighted_cross_entropy"
    assert score_of("classification", "average_precision").name == "average_precision"
    for choose, parts in (
        (lambda: loss_of("regression", "hubr"), ["task.loss", "'hubr'", "mean 'huber'"]),
        (lambda: loss_of("classification", "huber"), ["task.loss", "Use auto, cross_entropy."]),
        (lambda: score_of("regression", "accuracy"), ["task.score", "Use auto, r_squared."]),
        (lambda: loss_of("regression", "auto", "balanced"), ["task.class_weights", "none"]),
    ):
        with pytest.raises(ParamsError) as caught:
            choose()
        assert all(part in str(caught.value) for part in parts)
    with pytest.raises(DataError, match=r"task\.class_weights: class 1 has no training row"):
        balanced_weights(np.array([3, 0]))


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


@pytest.mark.parametrize("source", ["wine", "diabetes"])
def test_the_data_sets_own_constant_loss_is_that_of_the_task_s_loss(source):
    dataset = DATASETS.get(source)()
    fractions = Fractions(validation_fraction=0.2, test_fraction=0.2, split_seed=0)
    prepared = standardize(dataset, split_rows(source, dataset, fractions))
    for split in ("validation", "test"):
        ones = np.ones(len(dataset.class_names))
        value = loss_of(dataset.task).constant(
            prepared.targets["train"], prepared.targets[split], ones
        )
        assert value == pytest.approx(constant_loss(dataset, prepared, split), rel=1e-8)
