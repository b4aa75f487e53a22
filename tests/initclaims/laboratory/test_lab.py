"""The bench: trainings are matrices of rates by seeds, kept under a key that stands for them."""

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.data import (
    IMAGES,
    LABELS,
    content_sha,
    drawn,
    guessing,
    mnist,
    registered,
)
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.signals import BACKWARD, FORWARD, growth_per_layer
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.trained import capped_loss, outputs
from initsweep.core.errors import DataError
from initsweep.engine.lanes import Split


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lab("test", "quick", code_sha="code", claim_sha="")


@pytest.fixture
def setup(lab):
    return Setup(data=lab.data("wine"), network=lab.mlp(1, 8), epochs=3, batch_size=32)


def test_a_training_is_the_same_alone_and_among_others(lab, setup):
    many = lab.train(setup, "he_normal", [0.01, 0.1], range(3))
    one = Lab("other", "quick", code_sha="code", claim_sha="").train(setup, "he_normal", [0.1], [2])
    assert many.final_losses.shape == (2, 3)
    assert many.final_losses[1, 2] == one.final_losses[0, 0]


def test_finished_trainings_are_kept_and_others_are_not_mistaken_for_them(lab, setup, monkeypatch):
    first = lab.train(setup, "he_normal", [0.1], range(2))
    other = Setup(data=setup.data, network=lab.mlp(1, 8), epochs=2, batch_size=32)
    assert lab.train(other, "he_normal", [0.1], range(2)).losses.shape == (1, 2, 3)
    monkeypatch.setattr(
        "initsweep.engine.workers.run_chunks",
        lambda _train, todo, **_: iter(()) if not todo else 1,
    )
    again = lab.train(setup, "he_normal", [0.1], range(2))
    np.testing.assert_array_equal(first.losses, again.losses)


def test_kept_work_is_told_apart_by_law_and_by_a_claim_s_own_code(setup):
    def kept(claim_sha, scheme, setup=setup):
        lab = Lab("test", "quick", code_sha="code", claim_sha=claim_sha)
        return lab._kept(setup, scheme, "test")

    he, twice = (Scheme.named("he_normal", label="one", gain=gain) for gain in (1.0, 2.0))
    assert kept("a", he) == kept("b", he)
    assert kept("a", he) != kept("a", twice)
    own = Scheme(label="one", weights=lambda _: {})
    assert kept("a", own) != kept("b", own)
    built = replace(setup, network=lambda: nn.Linear(2, 2))
    assert kept("a", he, built) != kept("b", he, built)


def test_diverged_runs_count_as_the_constant_predictor(lab, setup):
    runs = lab.train(setup, Scheme.named("random_normal", std=30.0), [1e6], range(2))
    assert runs.diverged.all()
    np.testing.assert_allclose(runs.final_losses, setup.data.constant_loss["validation"])
    counts = np.bincount(setup.data.splits["validation"].targets)
    np.testing.assert_allclose(runs.final_scores, counts.max() / counts.sum())


def test_tuning_uses_validation_rows_and_the_test_gets_fresh_seeds(lab, setup):
    tuned = tune(lab, setup, "he_normal", [1e-4, 0.1, 1e4], seeds=(2, 3))
    assert tuned.rate == 0.1
    assert tuned.fresh.seeds == tuple(range(FRESH_SEED, FRESH_SEED + 3))
    assert tuned.fresh.constant_loss == setup.data.constant_loss["test"]
    table = Table(measured(tuned, "he", 3.0))
    assert table.values("best rate", "he", 3.0) == [0.1]
    assert len(table.values("test loss", "he", 3.0)) == 3


def test_a_scheme_s_label_names_its_options():
    assert Scheme.named("constant", value=0.1).label == "constant value=0.1"
    assert Scheme.named("constant", label="ones", value=1.0).label == "ones"


def test_paired_differences_follow_seeds():
    rows = [
        Measurement(arm=arm, quantity="q", setting=0.0, seed=seed, value=seed + shift)
        for arm, shift in (("a", 1.0), ("b", 0.0))
        for seed in (3, 1, 2)
    ]
    difference = Table(rows).difference("q", "a", "b")
    assert (difference.low, difference.estimate, difference.high) == (1.0, 1.0, 1.0)


def test_a_difference_between_two_settings_is_paired_by_seed():
    rows = [
        Measurement(arm="a", quantity="q", setting=at, seed=seed, value=seed * at)
        for at in (1.0, 2.0)
        for seed in (0, 1, 2)
    ]
    difference = Table(rows).difference("q", "a", "a", 2.0, 1.0)
    assert difference.estimate == 1.0
    assert difference.low < 1.0 < difference.high


@pytest.mark.parametrize(("quantity", "factor"), [(FORWARD, 2.0), (BACKWARD, 0.5)])
def test_growth_per_layer_follows_the_signal(quantity, factor):
    rows = [
        Measurement(arm="a", quantity=quantity, setting=float(at), seed=seed, value=2.0**at)
        for at in range(1, 11)
        for seed in range(2)
    ]
    np.testing.assert_allclose(growth_per_layer(Table(rows), quantity, "a"), [factor, factor])


def test_guessing_costs_what_the_data_s_own_constant_predictor_does(lab):
    data = lab.data("wine")
    assert guessing(data.splits, 3) == pytest.approx(data.constant_loss)


def test_a_trained_network_s_loss_is_that_of_its_training_and_capped(lab, setup):
    runs = lab.train(setup, "he_normal", [0.1], [3], split="test", keep_states=True)
    ((_, state),) = runs.kept(0.1)
    assert capped_loss(setup, state) == pytest.approx(runs.final_losses[0, 0], rel=1e-5)
    assert outputs(setup, state).shape == (len(setup.data.splits["test"].targets), 3)
    large = {name: 1e3 * value for name, value in state.items()}
    assert capped_loss(setup, large) == setup.data.constant_loss["test"]


def test_random_draws_become_a_data_set():
    stream = np.random.default_rng(0)
    data = drawn("noise", "classification", stream.normal(size=(50, 4)), np.arange(50) % 2)
    assert (data.n_features, data.n_outputs) == (4, 2)
    assert abs(float(data.train.features.mean())) < 1e-6


def write_idx(folder, images, labels, *, packed=False):
    for name, array in ((IMAGES, images), (LABELS, labels)):
        header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
            f">{array.ndim}i", *array.shape
        )
        content = header + array.tobytes()
        file = folder / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_where_it_lies(tmp_path, packed):
    stream = np.random.default_rng(0)
    images = stream.integers(0, 255, (60, 5, 5), dtype=np.uint8)
    write_idx(tmp_path, images, np.arange(60, dtype=np.uint8) % 10, packed=packed)
    data = mnist(tmp_path)
    assert data.shape == (5, 5)
    assert data.n_outputs == 10


def test_the_hash_of_data_follows_its_content():
    first, again = registered("wine"), registered("wine")
    assert first is not again
    assert content_sha(first) == content_sha(again)
    train = Split(features=first.train.features + 1e-6, targets=first.train.targets)
    moved = replace(first, splits={**first.splits, "train": train})
    assert content_sha(moved) != content_sha(first)


def test_a_missing_or_damaged_mnist_file_is_named(tmp_path):
    with pytest.raises(DataError, match="holds neither"):
        mnist(tmp_path)
    write_idx(tmp_path, np.zeros((10, 5, 5), np.uint8), np.zeros(10, np.uint8))
    file = tmp_path / IMAGES
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="should have"):
        mnist(tmp_path)
    file.write_bytes(b"no")
    with pytest.raises(DataError, match="not an IDX file"):
        mnist(tmp_path)
