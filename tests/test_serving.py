"""The served model gives on raw rows what the train stage saw on prepared ones."""

import numpy as np
import pytest
import torch
from safetensors.torch import save

from initsweep import artifacts
from initsweep.datasets import DATASETS
from initsweep.errors import ArtifactError
from initsweep.experiment import load_experiment
from initsweep.records import Confirmation
from initsweep.serving import served_model
from initsweep.stages import prepare
from initsweep.tracking.model import save as save_model
from tests.statistics.study_builder import PROVENANCE
from tests.tracking.models import answers_without_initsweep


@pytest.fixture(params=["wine", "diabetes"])
def kept(request, small_params, tmp_path, monkeypatch):
    """A prepared data set and a network of it, kept as the train stage keeps one."""
    monkeypatch.chdir(tmp_path)
    params = small_params({"data.source": request.param, "model.norm": "batch"})
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


def test_raw_rows_give_what_prepared_rows_gave(kept, tmp_path):
    params, experiment, state = kept
    model = served_model(params, "he_normal")
    dataset = DATASETS.get(params.data.source)()
    names = list(dataset.feature_names)
    raw = [dict(zip(names, map(float, row), strict=True)) for row in dataset.features]
    answers = answers_without_initsweep(save_model(model, tmp_path), raw)
    network = experiment.model()
    network.load_state_dict(state, strict=False)
    features = (dataset.features - experiment.schema.feature_mean) / np.array(
        experiment.schema.feature_scale
    )
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
    assert len(example) == 3
    for row in example:
        assert tuple(float(f"{value:.5g}") for value in row.values()) in rows


def test_a_scheme_that_kept_no_model_is_named(kept):
    params, *_ = kept
    file = artifacts.train_folder("he_normal") / "record.json"
    artifacts.write_text(file, file.read_text().replace('"median_seed": 10', '"median_seed": null'))
    with pytest.raises(ArtifactError, match="every run of he_normal diverged"):
        served_model(params, "he_normal")
