"""The served model gives on raw rows what the train stage saw on prepared ones."""

import numpy as np
import pytest
import torch
from safetensors.torch import save

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.records import Confirmation
from initsweep.datasets import DATASETS
from initsweep.stages import prepare
from initsweep.stages.experiment import load_experiment
from initsweep.stages.serving import served_model
from initsweep.views.mlflow.model import save as save_model
from tests.statistics.study_builder import PROVENANCE
from tests.views.mlflow.models import answers_without_initsweep


def keep(params):
    """Prepare a data set and keep a network of it, as the train stage keeps one."""
    prepare.run(params)
    experiment = load_experiment(params)
    state = experiment.initial_state("he_normal", 0)
    folder = artifacts.train_folder("he_normal")
    artifacts.write_bytes(folder / "model.safetensors", save(state))
    record = Confirmation(
        scheme="he_normal",
        initializer="he_normal",
        options={},
        learning_rate=0.1,
        seeds=[10],
        median_seed=10,
        engine="torch",
        provenance=PROVENANCE,
    )
    artifacts.write_json(folder / "record.json", record)
    return params, experiment, state


@pytest.fixture(params=["wine", "diabetes"])
def kept(request, small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return keep(small_params({"data.source": request.param, "model.norm": "batch"}))


@pytest.mark.parametrize("encoding", ["onehot", "ordinal"])
def test_rows_of_a_mixed_table_are_answered_as_they_were_prepared(
    encoding, small_params, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    lines = [f"{i % 7 or ''},{['red', '', 'blue'][i % 3]},{i % 4}.5,{i % 2}" for i in range(60)]
    file = tmp_path / "data/raw/mixed.csv"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["age,colour,size,y", *lines]))
    params, experiment, state = keep(
        small_params({"data.source": "csv:data/raw/mixed.csv", "data.table.encoding": encoding})
    )
    model = served_model(params, "he_normal")
    raw = [
        {"age": i % 7 or None, "colour": ["red", None, "blue"][i % 3], "size": i % 4 + 0.5}
        for i in range(60)
    ]
    raw.append({"age": 3, "colour": "never seen", "size": 1.5, "more": "is ignored"})
    answers = answers_without_initsweep(save_model(model, tmp_path), raw)
    frame = {name: [row[name] for row in raw] for name in ("age", "colour", "size")}
    features = experiment.prepared.preprocessing(10).apply(frame)
    network = experiment.model()
    network.load_state_dict(state, strict=False)
    with torch.no_grad():
        shares = torch.softmax(network.eval()(torch.from_numpy(features)).double(), dim=-1)
    found = [[answer["probability_0"], answer["probability_1"]] for answer in answers]
    assert np.array(found) == pytest.approx(shares.numpy(), rel=1e-5)
    assert len({row[0] for row in found}) > 12
    known = {tuple(row[name] for name in model.example) for row in raw}
    assert set(zip(*model.example.values(), strict=True)) <= known


def test_images_are_answered_in_the_shape_of_the_raw_data(small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params, experiment, state = keep(small_params({"data.source": "digits"}))
    model = served_model(params, "he_normal")
    dataset = DATASETS.get("digits")()
    images = dataset.features[:20].reshape(20, 8, 8)
    folder = save_model(model, tmp_path)
    answers = answers_without_initsweep(folder, images.tolist(), "array")
    features = experiment.prepared.preprocessing(10).transform(dataset.features[:20], [])
    network = experiment.model()
    network.load_state_dict(state, strict=False)
    with torch.no_grad():
        labels = network.eval()(torch.from_numpy(features)).argmax(dim=-1)
    assert [answer["label"] for answer in answers] == [str(label) for label in labels.tolist()]
    assert model.example.shape == (3, 8, 8)
    assert {image.tobytes() for image in model.example} <= {
        image.tobytes() for image in dataset.features
    }


def test_raw_rows_give_what_prepared_rows_gave(kept, tmp_path):
    params, experiment, state = kept
    model = served_model(params, "he_normal")
    dataset = DATASETS.get(params.data.source)()
    names = list(dataset.feature_names)
    raw = [dict(zip(names, map(float, row), strict=True)) for row in dataset.features]
    answers = answers_without_initsweep(save_model(model, tmp_path), raw)
    network = experiment.model()
    network.load_state_dict(state, strict=False)
    own = experiment.prepared.preprocessing(10)
    features = (dataset.features - own.mean) / np.array(own.scale)
    with torch.no_grad():
        outputs = network.eval()(torch.tensor(features, dtype=torch.float32))
    if experiment.schema.task == "classification":
        expected = [experiment.schema.class_names[i] for i in outputs.argmax(dim=-1)]
        assert [answer["label"] for answer in answers] == expected
        total = sum(value for name, value in answers[0].items() if name != "label")
        assert total == pytest.approx(1.0)
    else:
        values = (
            outputs.squeeze(-1) * experiment.schema.target_scale + experiment.schema.target_mean
        )
        found = [answer["prediction"] for answer in answers]
        assert found == pytest.approx(values.tolist(), rel=1e-4)
        assert np.std(found) > 1  # in the target's own unit, not in standard deviations


def test_the_example_rows_are_raw(kept):
    params, *_ = kept
    example = served_model(params, "he_normal").example
    dataset = DATASETS.get(params.data.source)()
    rows = {tuple(float(f"{value:.5g}") for value in row) for row in dataset.features}
    shown = list(zip(*example.values(), strict=True))
    assert len(shown) == 3
    for row in shown:
        assert tuple(float(f"{value:.5g}") for value in row) in rows


def test_a_scheme_that_kept_no_model_is_named(kept):
    params, *_ = kept
    file = artifacts.train_folder("he_normal") / "record.json"
    artifacts.write_text(file, file.read_text().replace('"median_seed": 10', '"median_seed": null'))
    with pytest.raises(ArtifactError, match="every run of he_normal diverged"):
        served_model(params, "he_normal")
