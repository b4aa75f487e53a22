import json

import numpy as np
import pytest

from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.records import Schema
from initsweep.preprocessing.transform import Preprocessing
from initsweep.stages import prepare

ROWS = [f"{row * 0.5},{['x', 'y', ''][row % 3]},7,{('no', 'yes')[row % 2]}" for row in range(60)]


@pytest.fixture
def study(tmp_path, monkeypatch, small_params):
    """Prepare a study of the lines of a CSV file; return its schema and profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw").mkdir(parents=True)

    def run(lines, **replacements):
        (tmp_path / "data/raw/my.csv").write_text("\n".join(lines) + "\n")
        replacements = {
            "data.source": "csv:data/raw/my.csv",
            "data.validation": "fixed",
            **replacements,
        }
        prepare.run(small_params(replacements))
        profile = json.loads((artifacts.PREPARED / "profile.json").read_text())
        return artifacts.read_record(artifacts.SCHEMA, Schema), profile

    return run


def test_what_is_written_fits_together(study, capsys):
    schema, profile = study(["size,kind,same,answer", *ROWS])
    assert schema.class_names == ["no", "yes"]
    assert schema.feature_names == ["size", "kind = x", "kind = y", "kind = (missing)"]
    assert schema.n_features == 4
    assert schema.n_outputs == 2
    assert schema.shape == []
    assert schema.caveats == []
    features = np.load(artifacts.features_file("train"))
    assert features.shape == (schema.rows["train"], 4)
    assert features.dtype == np.float32
    fitted = Preprocessing.load(artifacts.PREPROCESSING)
    assert list(fitted.mean) == pytest.approx(schema.feature_mean, rel=1e-8)
    assert list(fitted.scale) == pytest.approx(schema.feature_scale, rel=1e-8)
    assert profile["dropped_features"] == ["same"]
    assert profile["missing_values"] == 20
    kind = next(one for one in profile["features"] if one["name"] == "kind")
    assert kind["categories"] == 2
    assert kind["missing"] == sum(1 for value in features[:, 3] if value)
    told = capsys.readouterr().err
    assert "prepare: Columns that never vary in the training rows are left out: 'same'" in told
    assert "20 values are missing" in told


def test_a_leak_is_counted_told_and_limits_the_verdict(study, capsys):
    schema, profile = study(["size,kind,same,answer", *ROWS, *ROWS])
    shared = profile["rows_also_in_train"]
    assert shared["test"] > 0
    expected = (
        f"{shared['validation']} of 24 validation and {shared['test']} of 24 test rows have the "
        "same features as a training row"
    )
    assert [caveat.startswith(expected) for caveat in schema.caveats] == [True]
    assert expected in capsys.readouterr().err


def test_a_file_outside_the_watched_folder_is_refused(study):
    with pytest.raises(ParamsError, match=r"does not lie in 'elsewhere'|there is no 'elsewhere'"):
        study(["size,kind,same,answer", *ROWS], **{"data.watch": "elsewhere"})


def test_the_digits_are_images_that_are_scaled_by_pixel(tmp_path, monkeypatch, small_params):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw").mkdir(parents=True)
    prepare.run(small_params({"data.source": "digits"}))
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    assert schema.shape == [1, 8, 8]
    assert len(set(schema.feature_mean)) > 50
