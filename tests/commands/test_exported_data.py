"""Raw rows and targets in a file that `initsweep export` writes."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from initsweep.architectures import build_model
from initsweep.core import artifacts
from initsweep.core.params import load_params
from initsweep.core.records import Schema
from initsweep.preprocessing.transform import Preprocessing
from tests.commands.export_fixture import columns_of, study_of


def trained(start, inputs, targets, loss):
    """Train the study's network at the exported rate; return the first and the last loss."""
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    model = load_params(Path("params.yaml")).model
    sizes = {"n_features": schema.n_features, "n_outputs": schema.n_outputs}
    network = start["initialize"](build_model(model.name, model.options, **sizes))
    optimizer = torch.optim.SGD(network.parameters(), start["LEARNING_RATE"], momentum=0.9)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        value = loss(network(inputs), targets)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses[0], losses[-1]


@pytest.mark.parametrize("validation", ["fixed", "rotating"])
def test_raw_columns_and_targets_train_at_the_exported_rate(command, with_params, validation):
    rows = columns_of(3)
    prices = [250_000 + 20 * area + 50_000 * tax for area, tax, _ in rows]
    lines = [",".join(map(str, [*row, price])) for row, price in zip(rows, prices, strict=True)]
    study_of(with_params, ["area,tax,age,y", *lines], data__validation=validation)
    status, out, _ = command("export", "--output", "start.py")
    assert (status, out.split(". ", 1)[1]) == (
        0, "Use: from start import initialize; initialize(model), on data from standardize_inputs "
        "and standardize_targets\n",
    )  # fmt: skip
    start = runpy.run_path("start.py")
    assert start["COLUMNS"] == ["area", "tax", "age"]
    x, y = torch.tensor(rows), torch.tensor(prices)  # a plain column, not a matrix of one
    inputs, targets = start["standardize_inputs"](x), start["standardize_targets"](y)
    before, after = trained(start, inputs, targets, functional.mse_loss)
    assert after < 0.5 * before < 5
    assert not trained(start, x, y[:, None], functional.mse_loss)[1] < 1e30  # NaN, too
    torch.testing.assert_close(start["in_target_units"](targets), y)
    whose = "training" if validation == "fixed" else "training and validation"
    said = (with_params.parent / "start.py").read_text().replace("\n# ", " ")
    assert f"for inputs and targets standardized by the means and standard deviations of the " \
           f"study's {whose} rows" in said  # fmt: skip
    # Pasted, the two lines do the same.
    for line in ("x = (x - MEAN) / SCALE", "y = (y - TARGET_MEAN) / TARGET_SCALE"):
        assert f"    {line}\n" in said
    assert not (with_params.parent / "start_preprocessing.json").exists()


def test_many_raw_columns_train_at_the_exported_rate(command, with_params):
    rows = columns_of(40)
    classes = ["large" if row[0] > 3e4 else "small" for row in rows]
    lines = [",".join(map(str, [*row, name])) for row, name in zip(rows, classes, strict=True)]
    study_of(with_params, [",".join([*(f"c{i}" for i in range(40)), "y"]), *lines])
    status, out, _ = command("export", "--output", "start.py")
    assert status == 0
    assert out.startswith("Wrote start.py and start_preprocessing.json. Use: ")
    source = (with_params.parent / "start.py").read_text()
    assert str(Preprocessing.load(artifacts.PREPROCESSING).mean[0]) not in source
    start = runpy.run_path("start.py")
    assert start["COLUMNS"] == [f"c{i}" for i in range(40)]
    x = torch.tensor(rows, dtype=torch.float64)
    targets = torch.tensor([["large", "small"].index(name) for name in classes])
    inputs = start["standardize_inputs"](x)
    before, after = trained(start, inputs, targets, functional.cross_entropy)
    assert after < 0.5 * before
    # Raw ones: the units die, or NaN.
    assert not trained(start, x.float(), targets, functional.cross_entropy)[1] < 0.6
    assert "TARGET_MEAN" not in start
    # Without a file of its own it reads that of the study.
    (with_params.parent / "shown.py").write_text(command("export")[1])
    shown = runpy.run_path("shown.py")
    torch.testing.assert_close(shown["standardize_inputs"](x), inputs)


def test_where_columns_are_encoded_the_file_that_does_it_is_named(command, with_params):
    lines = [f"{i % 7 or ''},{['red', 'blue'][i % 3 == 0]},{i % 4}.5,{i % 2}" for i in range(60)]
    study_of(with_params, ["age,colour,size,y", *lines])
    assert command("export", "--output", "start.py")[0] == 0
    said = (with_params.parent / "start.py").read_text().replace("\n# ", " ")
    assert (
        'Before that, gaps are filled and marked ("age") and categories are encoded ("colour"). '
        "This does all of it for raw columns, as does the model that `initsweep promote` registers:"
        " initsweep.preprocessing.transform.Preprocessing.load(FILE).apply(columns)\n" in said
    )
    start = runpy.run_path("start.py")
    fitted = Preprocessing.load(start["FILE"])
    raw = fitted.apply({"age": [None, 3], "colour": ["red", "blue"], "size": [0.5, 1.5]})
    assert start["COLUMNS"] == ["age", "size", "age is missing", "colour = blue", "colour = red"]
    encoded = torch.tensor([[fitted.fill[0], 0.5, 1, 0, 1], [3, 1.5, 0, 1, 0]]).double()
    torch.testing.assert_close(start["standardize_inputs"](encoded), torch.from_numpy(raw))


def test_many_encoded_columns_are_named_in_their_order(command, with_params):
    lines = [f"a{i % 36},{i}.5,{i % 2}" for i in range(360)]
    study_of(with_params, ["code,size,y", *lines])
    assert command("export", "--output", "start.py")[0] == 0
    names = Preprocessing.load(artifacts.PREPROCESSING).feature_names
    assert len(names) == 37
    assert runpy.run_path("start.py")["COLUMNS"] == list(names)


@pytest.fixture
def start(command, with_params):
    """Return what the file of a regression on three columns defines."""
    rows = columns_of(3)
    lines = [",".join(map(str, [*row, row[0] + 5])) for row in rows]
    study_of(with_params, ["area,tax,age,y", *lines])
    assert command("export", "--output", "start.py")[0] == 0
    return runpy.run_path("start.py")


def test_raw_rows_and_targets_may_be_held_by_anything(start):
    rows = np.array(columns_of(3, rows=5))
    table = pd.DataFrame(rows, columns=["area", "tax", "age"])
    shuffled = table[["age", "area", "tax"]].assign(note="text")
    expected = (torch.tensor(rows) - start["MEAN"]) / start["SCALE"]
    backwards = rows[::-1].copy()[::-1]  # of negative strides, which torch refuses
    held = [torch.tensor(rows), rows, backwards, rows.astype(object), rows.tolist(), table]
    for x in [*held, shuffled, table.convert_dtypes()]:
        torch.testing.assert_close(start["standardize_inputs"](x), expected.float())
    y = rows[:, 0]
    expected = (torch.tensor(y) - start["TARGET_MEAN"]) / start["TARGET_SCALE"]
    columns = [y, y[:, None], y.tolist(), torch.tensor(y), table["area"], table[["area"]]]
    for column in columns:
        targets = start["standardize_targets"](column)
        torch.testing.assert_close(targets, expected.float()[:, None])
    for predictions in (targets, targets[:, 0], targets[:1]):
        back = start["in_target_units"](predictions)
        torch.testing.assert_close(back, torch.tensor(y[: len(back)]).float())


def test_raw_rows_and_targets_of_another_width_are_refused(start):
    for shape in [(5, 1), (5, 4), (3,), (5, 1, 3), ()]:
        with pytest.raises(ValueError, match=r"shape \(rows, 3\), with .*; received shape"):
            start["standardize_inputs"](np.ones(shape))
    table = pd.DataFrame(np.ones((5, 3)), columns=["area", "tax", "years"])
    with pytest.raises(ValueError, match=r"lacks 1 of 3 columns: \['age'\]"):
        start["standardize_inputs"](table)
    twice = pd.DataFrame(np.ones((5, 4)), columns=["area", "tax", "age", "age"])
    with pytest.raises(ValueError, match=r"received shape \(5, 4\)"):
        start["standardize_inputs"](twice)
    for shape in [(1, 5), (5, 2), (5, 1, 1), ()]:
        with pytest.raises(ValueError, match="one number per row"):
            start["standardize_targets"](np.ones(shape))
    with pytest.raises(RuntimeError):
        start["in_target_units"](torch.ones(5, 2))


def test_inputs_that_are_not_scaled_go_in_as_they_are(command, with_params):
    lines = [f"{i / 60},{-i / 60},{i % 2}" for i in range(60)]
    study_of(with_params, ["a,b,y", *lines], data__scaling="none")
    _, out, _ = command("export")
    assert "# Inputs go in as they are (`data.scaling: none`).\n" in out
    assert "standardize" not in out
