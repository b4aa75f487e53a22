import dataclasses
import random
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML
from torch.nn import functional

from initsweep import artifacts
from initsweep.architectures import build_model
from initsweep.params import load_params
from initsweep.preprocessing import Preprocessing
from initsweep.records import Schema, Verdict
from initsweep.stages import prepare
from tests.conftest import replace_keys
from tests.stages.study_fixture import PROVENANCE

SIZES = ("--model", "mine:net", "--features", "10", "--outputs", "4")


def test_the_file_runs_without_us(command, tmp_path):
    status, out, _ = command("export", "he_uniform", *SIZES, "--output", "start.py")
    assert (status, out) == (0, "Wrote start.py. Use: from start import initialize; "
                                "initialize(model)\n")  # fmt: skip
    code = (
        "import sys; sys.modules['initsweep'] = None; import mine, start; "
        "print(start.initialize(mine.net(10, 4), 1)[0].weight.std().item())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) == pytest.approx((2 / 10) ** 0.5, rel=0.1)


def test_schemes_of_the_parameters(command, with_params):
    status, out, _ = command("export", "random_normal_small")
    assert status == 0
    assert "mlp-3x128-relu" in out
    assert 'put("head.weight", nn.init.normal_, std=0.01)' in out


def test_the_recommended_scheme_of_a_study(command, with_params):
    prepare.run(load_params(with_params))
    verdict = _verdict(recommended="he_normal")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    status, _, _ = command("export", "--output", "start.py")
    assert status == 0
    source = (with_params.parent / "start.py").read_text()
    assert "`he_normal` for mlp" in source
    assert max(map(len, source.splitlines())) <= 100
    namespace = runpy.run_path("start.py")
    assert (namespace["LEARNING_RATE"], namespace["USABLE_RATES"]) == (0.1, (0.01, 1.0))
    assert "mean cross entropy was within 0.05" in source.replace("\n# ", " ")
    # Another scheme, network or option is not what the rate was tuned for.
    assert "LEARNING_RATE" in command("export", "he_normal")[1]
    for other in (["he_uniform"], ["he_normal", "--option", "slope=0.1"], ["--model", "mine:net"]):
        status, out, _ = command("export", *other)
        assert status == 0
        assert "LEARNING_RATE" not in out
    none = dataclasses.replace(verdict, recommended=None)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", none)
    status, _, err = command("export")
    assert status == 2
    assert "recommends no scheme: So it is." in err


def test_the_rate_lies_in_the_range_that_is_written_beside_it(command, with_params):
    prepare.run(load_params(with_params))
    verdict = _verdict(recommended="he_normal")
    refined = dataclasses.replace(verdict, learning_rate=0.00892, usable_rates=(0.01, 0.01))
    artifacts.write_json(artifacts.COMPARE / "verdict.json", refined)
    assert "USABLE_RATES = (0.00892, 0.01)\n" in command("export")[1]


def study_of(params, lines, **changes):
    """Prepare a study of a table whose last column is called y."""
    table = params.parent / "data/raw/my.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(lines))
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(params)
    replace_keys(
        content,
        {
            "data.source": "csv:data/raw/my.csv",
            "data.table.target": "y",
            **{key.replace("__", "."): value for key, value in changes.items()},
        },
    )
    yaml.dump(content, params)
    prepare.run(load_params(params))
    verdict = dataclasses.replace(_verdict(recommended="he_normal"), learning_rate=0.01)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)


def columns_of(count, rows=120):
    """Return rows of raw columns, the first of which has the largest numbers."""
    draw = random.Random(0)
    scales = [1e4, 0.01, *[50.0] * (count - 2)]
    return [[draw.gauss(3 * scale, scale) for scale in scales] for _ in range(rows)]


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
        value = loss(network(inputs).squeeze(-1), targets)
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
    x, y = torch.tensor(rows, dtype=torch.float64), torch.tensor(prices, dtype=torch.float64)
    inputs, targets = start["standardize_inputs"](x), start["standardize_targets"](y)
    before, after = trained(start, inputs, targets, functional.mse_loss)
    assert after < 0.5 * before < 5
    assert not trained(start, x.float(), y.float(), functional.mse_loss)[1] < 1e30  # NaN, too
    torch.testing.assert_close(start["in_target_units"](targets), y.float())
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
    assert "COLUMNS" not in source
    assert str(Preprocessing.load(artifacts.PREPROCESSING).mean[0]) not in source
    assert 'FILE names the columns in their order, under "numeric"' in source
    start = runpy.run_path("start.py")
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
        " initsweep.preprocessing.Preprocessing.load(FILE).apply(columns)\n" in said
    )
    start = runpy.run_path("start.py")
    fitted = Preprocessing.load(start["FILE"])
    raw = fitted.apply({"age": [None, 3], "colour": ["red", "blue"], "size": [0.5, 1.5]})
    assert start["COLUMNS"] == ["age", "size", "age is missing", "colour = blue", "colour = red"]
    encoded = torch.tensor([[fitted.fill[0], 0.5, 1, 0, 1], [3, 1.5, 0, 1, 0]]).double()
    torch.testing.assert_close(start["standardize_inputs"](encoded), torch.from_numpy(raw))


def test_inputs_that_are_not_scaled_go_in_as_they_are(command, with_params):
    lines = [f"{i / 60},{-i / 60},{i % 2}" for i in range(60)]
    study_of(with_params, ["a,b,y", *lines], data__scaling="none")
    _, out, _ = command("export")
    assert "# Inputs go in as they are (`data.scaling: none`).\n" in out
    assert "standardize" not in out


def test_a_rate_without_what_it_holds_for_is_not_exported(command, with_params):
    verdict = _verdict(recommended="he_normal")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    status, out, err = command("export")
    assert (status, out) == (2, "")
    assert "is missing, or of other data than 'params.yaml' names: by what the study stand" in err
    # Another network's inputs are its own affair.
    assert command("export", "he_normal", "--model", "mine:net", *SIZES[2:])[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("export",), "no study here"),
        (("export", "he_nrmal", *SIZES), "Did you mean 'he_normal'?"),
        (("export", "lsuv", *SIZES), "it measures signals of examples"),
        (("export", "mine:good", *SIZES), "a function of your own"),
        (("export", "--option", "slope=1"), "a scheme that is named"),
        (("export", "random_normal", *SIZES), "--option std: missing"),
        (("export", "zeros", *SIZES, "--output", "mine.py/x.py"), "Cannot write"),
    ],
)
def test_mistakes_are_one_message(command, arguments, expected):
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert expected in err


def _verdict(*, recommended):
    values = {
        "decision": "winner", "statement": "So it is.", "recommended": recommended,
        "learning_rate": 0.1, "usable_rates": (0.01, 1.0), "best_on_validation": "he_normal",
        "tie_set": [], "undecided": [], "repicked": 1.0, "firm": True, "picks": {}, "other": None,
        "untrainable": [], "rule": [], "caveats": [], "margin": 0.01,
        "basin_tolerance": 0.05, "constant_loss": 2.3, "loss_name": "cross_entropy",
        "score_name": "accuracy", "seeds": 10, "provenance": PROVENANCE,
    }  # fmt: skip
    return Verdict(**values)
