"""The rows of a seed: drawn, scaled and measured by itself, and the same whoever asks."""

import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from initsweep.core import artifacts
from initsweep.core.errors import DataError, ParamsError
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Schema
from initsweep.datasets import DATASETS
from initsweep.datasets.loading import load
from initsweep.datasets.splitting import FEW_VALIDATION_ROWS, split_rows
from initsweep.preprocessing.prepared import PreparedData, draw
from initsweep.stages import prepare

HEADER = "size,kind,odd,answer"


@pytest.fixture
def study(tmp_path, monkeypatch, small_params):
    """Prepare a study, of wine or of the lines of a CSV file; return its schema and rows."""
    monkeypatch.chdir(tmp_path)

    def run(replacements=None, lines=()):
        changes = {"data.validation": "rotating", **(replacements or {})}
        if lines:
            changes |= {"data.source": "csv:data/raw/my.csv"}
            (tmp_path / "data/raw").mkdir(parents=True, exist_ok=True)
            (tmp_path / "data/raw/my.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        prepare.run(small_params(changes), lambda _: None)
        schema = artifacts.read_record(artifacts.SCHEMA, Schema)
        return schema, PreparedData(schema)

    return run


def table(rows=80):
    """Mixed columns: gaps, a category of a single row, and a number that one row alone has."""
    return [
        f"{'' if row % 9 == 4 else row % 7},{'rare' if row == 18 else 'xy'[row % 2]},"
        f"{5 if row == 33 else 0},{('no', 'yes')[row % 4 == 0]}"
        for row in range(rows)
    ]


def files(folder=artifacts.PREPARED):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("count", [1, 7, 24, 40, 97])
def test_every_class_has_its_share_of_a_draw_and_keeps_a_row(count):
    classes = np.repeat([0, 1, 2], [60, 39, 1])
    drawn = draw(classes, count, numpy_stream("x", 1))
    found = np.bincount(classes[drawn], minlength=3)
    assert found.sum() == count
    assert found[2] == 0
    assert np.abs(found[:2] - count * np.array([0.6, 0.39])).max() <= 1
    other = draw(classes, count, numpy_stream("x", 2))
    assert not np.array_equal(drawn, other)


def test_draws_take_every_row_equally_often():
    classes = np.repeat([0, 1], [30, 10])
    often = sum(draw(classes, 10, numpy_stream("x", seed)).astype(int) for seed in range(4000))
    # A quarter each; the standard deviation of a share is 0.007.
    assert often / 4000 == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("source", ["wine", "diabetes"])
def test_the_test_rows_stay_and_the_others_are_drawn_by_each_seed(study, source, small_params):
    schema, prepared = study({"data.source": source})
    settings = small_params({"data.source": source}).data
    dataset = load(settings)
    fixed = split_rows(source, dataset, settings)
    assert schema.rows == {name: len(rows) for name, rows in fixed.items()}
    development = np.sort(np.concatenate([fixed["train"], fixed["validation"]]))
    seen = []
    for seed in (0, 1, 10):
        own = prepared.preprocessing(seed)
        raw = {
            name: prepared.rows(name, seed)[0] * np.array(own.scale) + np.array(own.mean)
            for name in ("train", "validation", "test")
        }
        assert {name: len(rows) for name, rows in raw.items()} == schema.rows
        assert raw["test"] == pytest.approx(dataset.features[fixed["test"]], rel=1e-5, abs=1e-4)
        together = np.concatenate([raw["train"], raw["validation"]])
        # Rows in any order: as numbers that differ from row to row.
        mixed = np.random.default_rng(0).normal(size=together.shape[1])
        expected = np.sort(dataset.features[development] @ mixed)
        assert np.sort(together @ mixed) == pytest.approx(expected, rel=1e-4, abs=1e-3)
        seen.append(raw["validation"])
        if schema.task == "classification":
            shares = np.bincount(prepared.rows("validation", seed)[1]) / schema.rows["validation"]
            assert shares == pytest.approx(
                np.array(schema.class_counts) / len(development), abs=0.03
            )
    assert not np.array_equal(seen[0], seen[1])


def test_rows_are_the_seed_s_and_no_one_else_s(study):
    _, prepared = study()
    first, _ = prepared.rows("validation", 4)
    _, again = study({"tune.seeds": [4, 9], "schemes": ["he_normal"], "model.depth": 2})
    assert np.array_equal(again.rows("validation", 4)[0], first)
    _, moved = study({"data.split_seed": 1})
    assert not np.array_equal(moved.rows("validation", 4)[0], first)


@pytest.mark.parametrize("encoding", ["onehot", "ordinal"])
def test_numbers_are_fitted_on_the_seed_s_training_rows(study, encoding):
    schema, prepared = study({"data.table.encoding": encoding}, table())
    raw, _, _ = (np.load(artifacts.PREPARED / f"development_{x}.npy") for x in prepared_files())
    for seed in range(4):
        held_out = prepared._drawn(seed)[0]
        own = prepared.preprocessing(seed)
        imputer = SimpleImputer(strategy="median").fit(raw[~held_out])
        filled = imputer.transform(raw)
        scaler = StandardScaler().fit(filled[~held_out])
        assert own.fill == tuple(imputer.statistics_)
        assert own.mean[0] == scaler.mean_[0]
        expected = scaler.transform(filled).astype(np.float32)[:, 0]
        assert np.array_equal(prepared.rows("train", seed)[0][:, 0], expected[~held_out])
        assert np.array_equal(prepared.rows("validation", seed)[0][:, 0], expected[held_out])
        assert own.feature_names == prepared.preprocessing(seed + 1).feature_names
        assert len(own.feature_names) == schema.n_features


def prepared_files():
    return ("numbers", "codes", "targets")


def test_what_the_training_rows_of_a_seed_never_show_is_0_for_it_everywhere(study):
    schema, prepared = study({}, table())
    rare = schema.feature_names.index("kind = rare")
    odd = schema.feature_names.index("odd")
    learned, hidden = 0, 0
    for seed in range(12):
        train, validation = (prepared.rows(name, seed)[0] for name in ("train", "validation"))
        for feature in (rare, odd):
            if np.ptp(train[:, feature]):
                learned += 1
            else:
                hidden += 1
                assert not train[:, feature].any()
                assert not validation[:, feature].any()
        own, raw = prepared.preprocessing(seed), {"size": [3], "kind": ["rare"], "odd": [5]}
        answer = own.apply(raw)[0]
        assert bool(answer[rare]) == bool(train[:, rare].any())
        assert bool(answer[odd]) == bool(train[:, odd].any())
    assert learned
    assert hidden


def test_pixels_scaled_by_channel_stay_as_they_are(study, tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (90, 4, 4)).astype(np.uint8)
    images[:, 0] = 7
    images[3, 0, 0] = 200
    np.savez(tmp_path / "my.npz", features=images, targets=np.arange(90) % 3)
    schema, prepared = study({"data.source": "npz:my.npz", "data.watch": "my.npz"})
    assert schema.scaling == "channel"
    for seed in range(3):
        features, _ = prepared.rows("train", seed)
        assert features.mean() == pytest.approx(0, abs=1e-5)
        assert features.std() == pytest.approx(1, abs=1e-5)
        assert features[:, 1].min() < -1


def test_constants_counts_and_units_are_those_of_the_development_rows(study):
    schema, prepared = study({"task.class_weights": "balanced"})
    known = np.load(artifacts.PREPARED / "development_targets.npy")
    counts = np.bincount(known)
    assert schema.class_counts == counts.tolist()
    assert schema.class_weights == pytest.approx(len(known) / (3 * counts), rel=1e-6)
    schema, _ = study()
    shares = counts / counts.sum()
    assert schema.constant_validation_loss == pytest.approx(-(shares * np.log(shares)).sum())
    assert schema.constant_validation_score == pytest.approx(shares.max())
    schema, prepared = study({"data.source": "diabetes"})
    raw = DATASETS.get("diabetes")().targets
    targets = np.concatenate([prepared.rows(name, 5)[1] for name in ("train", "validation")])
    assert targets.mean() == pytest.approx(0, abs=1e-6)
    assert targets.std() == pytest.approx(1, abs=1e-6)
    assert schema.constant_validation_loss == pytest.approx(1, abs=1e-6)
    test = prepared.rows("test", 5)[1] * schema.target_scale + schema.target_mean
    assert np.isin(np.round(test), raw).all()


def test_preparing_depends_on_no_seed_and_repeats_to_the_byte(study):
    study()
    first = files()
    study({"data.validation": "fixed"})
    study({"tune.seeds": [7], "confirm.seeds": [8, 9], "diagnose.seeds": [1]})
    assert files() == first


def test_what_seeds_draw_is_part_of_the_data_s_hash(study):
    hashes = {
        study(changes)[0].data_sha
        for changes in (
            {},
            {"data.validation_fraction": 0.21},
            {"data.split_seed": 1},
            {"data.scaling": "none"},
            {"data.validation": "fixed"},
        )
    }
    assert len(hashes) == 5


@pytest.mark.parametrize(
    ("rows", "kind"), [(FEW_VALIDATION_ROWS - 1, "rotating"), (FEW_VALIDATION_ROWS, "fixed")]
)
def test_auto_rotates_where_validation_rows_are_few(study, rows, kind):
    lines = [f"{row % 7},x,{row % 11},{row * 0.5}" for row in range(5 * rows)]
    schema, _ = study({"data.validation": "auto", "data.task": "regression"}, lines)
    assert schema.rows["validation"] == rows
    assert schema.validation == kind


def named(word):
    return [
        f"{row % 7},{kind},{row % 5},{('no', 'yes')[row % 3 > 1]}"
        for row, kind in enumerate(["train", "train", word, "test"] * 20)
    ]


def test_validation_rows_that_the_data_name_are_kept(study):
    column = {"data.table.split_column": "kind"}
    schema, _ = study({"data.validation": "auto", **column}, named("validation"))
    assert schema.validation == "fixed"
    with pytest.raises(DataError, match=r"data.validation: rotating .* Set data.validation: fixed"):
        study(column, named("validation"))
    schema, _ = study({"data.validation": "auto", **column}, named("train"))
    assert schema.validation == "rotating"
    assert schema.rows["test"] == 20


def test_an_unknown_kind_is_refused_by_name(study):
    with pytest.raises(ParamsError, match=r"data\.validation.*'rolling'"):
        study({"data.validation": "rolling"})


def test_the_profile_and_its_limits_are_about_development_rows(study):
    schema, _ = study({}, [*table(), *table()])
    profile = json.loads((artifacts.PREPARED / "profile.json").read_text())
    shared = profile["rows_also_in_train"]
    assert profile["rows"] == {"development": 128, "test": 32}
    (limit,) = schema.caveats
    assert limit.startswith(
        f"{shared['development']} of 128 development and {shared['test']} of 32 test rows have "
        "the same features as another development row"
    )
