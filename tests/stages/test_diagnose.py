import dataclasses
import math
import shutil
import sys

import pytest
import torch
from torch import nn

from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.records import DiagnosisRow, LayerRow
from initsweep.probes import PROBES
from initsweep.probes.averages import LARGEST, RANGES, bounded, diagnosis, layer_table
from initsweep.probes.grounds import Point
from initsweep.probes.mean_field import Prediction
from initsweep.probes.reading import Reading
from initsweep.stages import diagnose, prepare

LAYERS = artifacts.DIAGNOSE / "layers.csv"
SCHEMES = artifacts.DIAGNOSE / "schemes.csv"
PROBE_VALUES = {
    "forward_std": 1.0,
    "backward_std": 1.0,
    "weight_gradient_norm": 1.0,
    "saturated": 0.0,
    "dead": 0.0,
    "distinct_units": 1.0,
    "distinct_after_step": 1.0,
    "effective_rank": 9.0,
    "stable_rank": 3.0,
    "cosine": 0.1,
    "skewed": 0.1,
    "weight_norm": 1.0,
    "closed": 0.0,
}


def reading(
    *,
    predicted: float | None = 1.5,
    loss: float = 2.0,
    sharpness: float | None = 4.0,
    **head: float,
) -> Reading:
    """One hidden layer and a head; `head` replaces what the probes say about the head."""
    prediction = None
    if predicted is not None:
        prediction = (Prediction(forward_std=predicted, backward_std=2 * predicted),) * 2
    return Reading(
        names=["hidden", "head"],
        layers=[dict(PROBE_VALUES), PROBE_VALUES | head],
        predictions=prediction,
        input_scale=1.0,
        input_rank=9.0,
        loss=loss,
        gradient_norm=loss / 2,
        sharpness=sharpness,
        depth_scale=None,
        unseen=(),
        trunk=(point(PROBE_VALUES),),
    )


def point(layer: dict[str, float]) -> Point:
    return Point(
        name="hidden",
        layer="hidden",
        segment=0,
        forward_std=layer["forward_std"],
        backward_std=layer["backward_std"],
    )


def test_rows_hold_mean_lowest_and_highest_seed():
    rows = layer_table("mine", [reading(forward_std=1.0), reading(forward_std=4.0, predicted=2.5)])
    assert [(row.scheme, row.layer, row.name) for row in rows] == [
        ("mine", 0, "hidden"),
        ("mine", 1, "head"),
    ]
    head = rows[1]
    assert (head.forward_low, head.forward_std, head.forward_high) == (1.0, 2.5, 4.0)
    assert (head.backward_low, head.backward_std, head.backward_high) == (1.0, 1.0, 1.0)
    assert (head.forward_predicted, head.backward_predicted) == (2.0, 4.0)


def test_a_prediction_that_some_seed_lacks_is_not_given():
    rows = layer_table("mine", [reading(), reading(predicted=None)])
    assert {row.forward_predicted for row in rows} == {None}
    assert {row.backward_predicted for row in rows} == {None}


@pytest.mark.parametrize("bad", [math.inf, math.nan, sys.float_info.max])
def test_overflow_is_written_as_a_finite_number(bad):
    readings = [reading(forward_std=bad, loss=bad), reading(forward_std=1.0)]
    head = layer_table("mine", readings)[1]
    assert head.forward_high == LARGEST
    assert head.forward_std == pytest.approx(LARGEST / 2)
    row = diagnosis("mine", readings, 2.3)
    assert row.initial_loss == pytest.approx(LARGEST / 2)
    expected = "mildly exploding" if math.isfinite(bad) else "not finite"
    assert (row.verdict, row.first_bad_layer) == (expected, "head")


def test_losses_norms_and_curvature_come_with_their_range_over_seeds():
    readings = [reading(loss=2.0), reading(loss=4.0, sharpness=12.0), reading(sharpness=None)]
    row = diagnosis("mine", readings, 2.3)
    assert (row.initial_loss_low, row.initial_loss_high) == (2.0, 4.0)
    assert (row.gradient_norm_low, row.gradient_norm_high) == (1.0, 2.0)
    assert (row.sharpness_low, row.sharpness, row.sharpness_high) == (4.0, 8.0, 12.0)
    assert row.rate_ceiling == pytest.approx(2 / 8)
    assert row.ceiling_reliable


def test_a_ceiling_is_marked_where_it_cannot_be_relied_on():
    assert not diagnosis("mine", [reading(sharpness=None)], 2.3).ceiling_reliable
    deep = dataclasses.replace(
        reading(), names=[str(i) for i in range(8)], layers=[dict(PROBE_VALUES)] * 8
    )
    assert not diagnosis("mine", [deep], 2.3).ceiling_reliable


def test_bounded_keeps_sign_and_ordinary_numbers():
    assert bounded(-math.inf) == -LARGEST
    assert bounded(-1.5) == -1.5


def test_every_measured_column_has_its_probe():
    columns = {field.name for field in dataclasses.fields(LayerRow)}
    derived = {f"{stem}_{what}" for stem in RANGES for what in ("low", "high")}
    derived |= {"forward_predicted", "backward_predicted"}
    assert columns - derived - {"scheme", "layer", "name"} <= set(PROBES.names())


@pytest.fixture
def prepared(small_params, tmp_path, monkeypatch):
    """Parameters of a small study whose prepare stage has run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def build(replacements=None):
        params = small_params(replacements)
        prepare.run(params)
        return params

    return build


def all_finite(rows) -> bool:
    cells = [value for row in rows for value in dataclasses.astuple(row)]
    return all(math.isfinite(value) for value in cells if isinstance(value, float))


def test_run_writes_one_row_per_layer_and_one_per_scheme(prepared):
    threads = torch.get_num_threads()
    diagnose.run(prepared({"model.depth": 2}))
    layers = artifacts.read_rows(LAYERS, LayerRow)
    schemes = artifacts.read_rows(SCHEMES, DiagnosisRow)
    names = ["hidden.0.linear", "hidden.1.linear", "head"]
    assert [(r.scheme, r.name) for r in layers] == [
        (s, n) for s in ("zeros", "he_normal") for n in names
    ]
    assert {row.scheme: row.verdict for row in schemes} == {
        "zeros": "symmetric",
        "he_normal": "healthy",
    }
    he = [row for row in layers if row.scheme == "he_normal"]
    assert all(row.forward_low < row.forward_std < row.forward_high for row in he)
    assert all(row.forward_predicted == pytest.approx(row.forward_std, rel=0.5) for row in he)
    assert {row.forward_predicted for row in layers if row.scheme == "zeros"} == {None}
    assert torch.get_num_threads() == threads


def test_results_depend_on_nothing_but_data_and_parameters(prepared):
    params = prepared()
    diagnose.run(params)
    first = LAYERS.read_bytes() + SCHEMES.read_bytes()
    shutil.rmtree(artifacts.DIAGNOSE)
    torch.manual_seed(123)
    diagnose.run(params)
    assert LAYERS.read_bytes() + SCHEMES.read_bytes() == first

    rows = set(artifacts.read_rows(LAYERS, LayerRow))
    diagnose.run(params.model_copy(update={"schemes": params.schemes[::-1]}))
    assert set(artifacts.read_rows(LAYERS, LayerRow)) == rows


@pytest.mark.parametrize("validation", ["fixed", "rotating"])
def test_the_batch_is_capped_at_the_training_rows_and_comes_from_them(prepared, validation):
    def experiment_with(size):
        asked = {"data.validation": validation, "diagnose.batch_size": size}
        return diagnose.load_experiment(prepared(asked))

    experiment = experiment_with(10**6)
    features, targets = diagnose.probe_batch(experiment, 1)
    rows = experiment.split("train", [0, 1]).of(1).features
    assert features.shape == rows.shape
    assert torch.equal(features.sort(dim=0).values, rows.sort(dim=0).values)
    few, few_targets = diagnose.probe_batch(experiment_with(5), 1)
    assert torch.equal(few, features[:5])
    assert torch.equal(few_targets, targets[:5])
    assert not torch.equal(few, rows[:5])
    other, _ = diagnose.probe_batch(experiment, 0)
    assert torch.equal(other, features) == (validation == "fixed")


@pytest.mark.parametrize(("depth", "std"), [(30, 1.0), (12, 1e30)])
def test_exploding_schemes_stay_finite_in_the_tables(prepared, depth, std):
    """At depth 30 float32 squares overflow; the second case overflows even float64."""
    params = prepared(
        {
            "model.depth": depth,
            "model.width": 64,
            "schemes": ["hot"],
            "initializers.hot": {"name": "random_normal", "std": std},
        }
    )
    diagnose.run(params)
    layers = artifacts.read_rows(LAYERS, LayerRow)
    (row,) = artifacts.read_rows(SCHEMES, DiagnosisRow)
    assert all_finite(layers)
    assert all_finite([row])
    assert row.verdict == "exploding"
    assert row.initial_loss > 1e20
    assert (layers[-1].forward_std == LARGEST) == (std > 1)


def test_regression_is_diagnosed_too(prepared):
    diagnose.run(prepared({"data.source": "diabetes"}))
    rows = {row.scheme: row for row in artifacts.read_rows(SCHEMES, DiagnosisRow)}
    assert rows["he_normal"].verdict == "healthy"
    assert rows["zeros"].initial_loss == pytest.approx(rows["zeros"].constant_loss, rel=0.5)


def test_a_network_without_known_layers_is_named(prepared):
    experiment = diagnose.load_experiment(prepared())

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.scale * x[:, :3]

    batch = diagnose.probe_batch(experiment, 0)
    with pytest.raises(ParamsError, match=r"model\.name: 'mlp' has no layer .* Linear"):
        diagnose.read_network(experiment, Scaled(), {"scale": torch.ones(1)}, *batch)
