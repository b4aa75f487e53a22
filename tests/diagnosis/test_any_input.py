"""Networks in the style of those that people train, on batches of the form that each takes."""

import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional

from initsweep import assert_healthy, diagnose, explain, initialize_, make_initializer
from initsweep.core.errors import InitsweepError, InitsweepWarning
from tests.any_networks import CASES

SCHEMES = {"he_normal": {}, "orthogonal": {"gain": 1.0}, "xavier_uniform": {}}


def built(name):
    torch.manual_seed(0)
    return CASES[name].build()


def entropy(case):
    """A loss that takes outputs and anything."""

    def loss(outputs, _):
        scores = case.answer(outputs)
        return functional.cross_entropy(scores.flatten(0, -2), case.targets.flatten())

    return loss


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", CASES)
def test_every_weight_is_filled_and_the_rest_is_listed(name, scheme):
    network, before = built(name), built(name).state_dict()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        initialize_(network, make_initializer(scheme, SCHEMES[scheme]), 0)
    kept = CASES[name].kept
    parameters = dict(network.named_parameters())
    weights = {one for one in parameters if parameters[one].dim() > 1}
    assert {one for one in parameters if torch.equal(before[one], parameters[one])} & weights == {
        one for one in kept if one in weights
    }
    assert [warning.category for warning in caught] == [InitsweepWarning] * bool(kept)
    assert all(f"'{one}'" in str(caught[0].message) for one in kept)


@pytest.mark.parametrize("name", CASES)
def test_a_network_is_explained_with_what_is_passed_over(name):
    case = CASES[name]
    found = explain(built(name), "he_normal")
    assert {*found.unknown, *found.zero} == set(case.kept)
    assert not found.whole
    assert [row.layer for row in found if "qkv[" in row.layer or "c_attn[" in row.layer] == [
        f"{case.packed}[{letter}]" for letter in "qkv" if case.packed
    ]
    assert all(one in str(found) for one in case.kept)


@pytest.mark.parametrize("name", CASES)
def test_a_network_is_diagnosed_without_targets_with_them_and_with_a_loss(name):
    case, network = CASES[name], built(name)
    alone = diagnose(network, case.batch)
    assert ("the network computes itself" in str(alone)) == (name == "gpt2, with labels")
    aimed = diagnose(network, case.batch, case.targets)
    own = diagnose(network, case.batch, case.targets, entropy(case))
    of_batch = diagnose(network, case.batch, loss=entropy(case))
    for found in (alone, aimed, own, of_batch):
        assert found.healthy
        assert [row.name for row in found.layers] == [row.name for row in alone.layers]
    losses = [found.schemes[0].initial_loss for found in (aimed, own, of_batch)]
    assert losses == pytest.approx([losses[0]] * 3)


@pytest.mark.parametrize("name", CASES)
def test_a_test_suite_can_ask_for_health_under_schemes_that_measure_too(name):
    case = CASES[name]
    assert_healthy(case.build, case.batch, seeds=[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = diagnose(case.build, case.batch, schemes=["lsuv", "he_normal"], seeds=[0])
    assert [row.scheme for row in found.schemes] == ["lsuv", "he_normal"]


def test_a_loss_gets_the_whole_batch_and_the_network_what_it_takes():
    case, seen = CASES["grouped queries"], []

    def loss(outputs, batch):
        seen.append(sorted(batch))
        weighed = functional.cross_entropy(outputs, batch["wanted"], reduction="none")
        return (weighed * batch["weights"]).mean()

    batch = {"x": case.batch.numpy(), "wanted": case.targets, "weights": np.ones(8)}
    found = diagnose(built("grouped queries"), batch, loss=loss)
    plain = diagnose(built("grouped queries"), case.batch, case.targets)
    assert found.schemes[0].initial_loss == pytest.approx(plain.schemes[0].initial_loss)
    assert set(map(tuple, seen)) == {("wanted", "weights", "x")}


def test_a_rate_is_tried_and_a_remedy_found_on_a_batch_of_any_form():
    case, network = CASES["nested"], built("nested")
    with torch.no_grad():
        for one in network.parameters():
            one.zero_()
    found = diagnose(network, case.batch, loss=entropy(case), rate=0.1)
    assert not found.healthy
    assert found.cause == "initialization"
    assert found.remedy.startswith("initialize_(model, ")
    deep = torch.nn.Sequential(*(torch.nn.Linear(12, 12) for _ in range(30)))
    found = diagnose(deep, {"input": case.batch[0]["images"][0]})  # which no scheme mends
    assert found.remedy


def test_batches_of_a_loader_are_lists_of_what_network_and_loss_take():
    case = CASES["grouped queries"]
    found = diagnose(built("grouped queries"), [case.batch, case.targets], loss=lambda out, batch: (
        functional.cross_entropy(out, batch[1])))  # fmt: skip
    assert found.healthy
    with pytest.raises(InitsweepError, match="A list is one argument of `forward`"):
        diagnose(built("grouped queries"), [case.batch, case.targets])


def test_an_autoencoder_is_compared_with_its_batch_and_not_told_to_scale_it():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 16))
    rows = 30 * torch.randn(32, 16)
    found = diagnose(network, rows, loss=difference)
    assert (found.healthy, found.findings) == (True, [])
    squashed = torch.nn.Sequential(*network, torch.nn.Sigmoid())
    assert diagnose(squashed, rows, loss=difference).findings == []  # it is not known


def difference(outputs, batch):
    return (outputs - batch).square().mean()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"user": torch.zeros(0, 6).long(), "item": torch.zeros(0, 6).long()}, "hold no examples"),
        ([torch.full((8, 6), torch.nan)], "48 values that are not finite"),
        ({"user": "words"}, "must be a tensor or a NumPy array of numbers"),
    ],
)
def test_examples_that_a_scheme_cannot_measure_are_named(inputs, message):
    with pytest.raises(InitsweepError, match=message):
        initialize_(built("whole numbers"), "lsuv", 0, inputs=inputs)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (functional.cross_entropy, r"A loss needs targets: .* \(outputs, batch\) -> loss"),
        (torch.nn.MSELoss(), "A loss needs targets"),
        (lambda outputs, batch: batch["wanted"], "handed the outputs and the whole batch"),
        (lambda outputs, batch: outputs, r"one real number, received shape \(8, 16\)"),
    ],
)
def test_a_loss_that_does_not_take_the_batch_is_told_what_it_gets(loss, message):
    with pytest.raises(InitsweepError, match=message):
        diagnose(built("nested").image, torch.ones(8, 12).cumsum(1), loss=loss)
