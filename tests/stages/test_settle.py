"""The stage that trains more fresh seeds."""

from dataclasses import replace

import numpy as np
import pytest

from initsweep.core import artifacts
from initsweep.core.records import Confirmation, LookRow, RunRow, SchemeRow
from initsweep.stages import compare, confirming, prepare, settle, train, tune
from initsweep.stages.experiment import Experiment

MOST = 7
CLOSE = ("he_normal", "xavier_normal")


@pytest.fixture
def study(tmp_path, monkeypatch, small_params):
    """Return a function that runs a study with some schemes, up to `settle`."""
    monkeypatch.chdir(tmp_path)

    def run(*schemes: str, **replacements):
        changes = {k.replace("__", "."): v for k, v in replacements.items()}
        params = small_params({"schemes": list(schemes), "decide.most_seeds": MOST, **changes})
        if not artifacts.SCHEMA.exists():
            prepare.run(params)
        for scheme in schemes:
            if not artifacts.train_folder(scheme).exists():
                tune.run(params, scheme)
                train.run(params, scheme)
        settle.run(params)
        return params

    return run


def runs(folder):
    return artifacts.read_rows(folder / "runs.csv", RunRow)


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_those_that_may_be_recommended_get_more_and_the_others_keep_what_they_have(study):
    params = study(*CLOSE, "zeros")
    for scheme in CLOSE:
        folder = artifacts.settle_folder(scheme)
        assert artifacts.fresh_folder(scheme) == folder
        found = runs(folder)
        assert [run.seed for run in found] == [*params.confirm.seeds, *params.more_seeds]
        assert found[:3] == runs(artifacts.train_folder(scheme))
        assert all(run.test_loss is not None for run in found)
        record = artifacts.read_record(folder / "record.json", Confirmation)
        assert record.seeds == [run.seed for run in found]
        assert len(artifacts.read_array(folder / "test_rows.npy")) == MOST
    assert artifacts.fresh_folder("zeros") == artifacts.train_folder("zeros")
    blocks = artifacts.read_rows(artifacts.LOOKS, LookRow)
    assert [(row.scheme, row.seeds) for row in blocks if row.scheme == "he_normal"] == [
        ("he_normal", 6), ("he_normal", 7),
    ]  # fmt: skip
    compare.run(params)
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    assert {row.scheme: row.runs for row in rows} == dict.fromkeys(CLOSE, MOST) | {"zeros": 3}


def test_a_seed_is_the_same_in_a_later_block_as_among_the_first(study, small_params):
    params = study(*CLOSE)
    later = runs(artifacts.settle_folder("he_normal"))[-1]
    experiment = Experiment(params, artifacts.read_record(artifacts.SCHEMA, compare.Schema))
    alone = confirming.confirm(experiment, "he_normal", later.learning_rate, [later.seed])[0]
    rows = artifacts.read_array(artifacts.settle_folder("he_normal") / "test_rows.npy")
    assert alone.runs[0].test_loss == pytest.approx(later.test_loss, rel=1e-6)
    np.testing.assert_allclose(alone.test_rows[0], rows[-1], rtol=1e-5)


def test_adding_a_scheme_trains_no_seed_of_the_others_again(study, monkeypatch):
    study(*CLOSE)
    before = content(artifacts.settle_folder("he_normal"))
    trained, confirm = [], confirming.confirm

    def noting(experiment, scheme, *args):
        trained.append(scheme)
        return confirm(experiment, scheme, *args)

    monkeypatch.setattr(confirming, "confirm", noting)
    study(*CLOSE)
    assert trained == []
    study(*CLOSE, "lecun_normal")
    assert set(trained) == {"lecun_normal"}
    assert content(artifacts.settle_folder("he_normal")) == before


def test_a_law_is_trained_once_whatever_its_names(study, monkeypatch):
    trained, confirm = [], confirming.confirm

    def noting(experiment, scheme, *args):
        trained.append(scheme)
        return confirm(experiment, scheme, *args)

    schemes = ("orthogonal", "lecun_normal", "he_textbook_variant")
    study(*schemes, decide__most_seeds=0)
    monkeypatch.setattr(confirming, "confirm", noting)
    study(*schemes)
    assert set(trained) == {"orthogonal", "lecun_normal"}
    first, second = (runs(artifacts.settle_folder(name)) for name in schemes[1:])
    assert [replace(run, scheme="") for run in first] == [replace(run, scheme="") for run in second]
    assert {run.scheme for run in second} == {"he_textbook_variant"}


def test_runs_of_other_inputs_are_trained_again_and_of_removed_schemes_removed(study, monkeypatch):
    study(*CLOSE)
    folder = artifacts.settle_folder("xavier_normal")
    before = content(folder)
    (folder / "curves.csv").write_text("damaged")
    study(*CLOSE)
    assert content(folder) == before
    study("he_normal", "zeros")
    assert not folder.exists()


def test_no_more_seeds_than_the_first_writes_no_runs(study):
    params = study(*CLOSE, decide__most_seeds=0)
    assert params.more_seeds == ()
    assert [path.name for path in artifacts.SETTLE.iterdir()] == ["looks.csv"]
    compare.run(params)


def test_more_seeds_avoid_those_of_tuning(small_params):
    params = small_params({"decide.most_seeds": 6, "tune.seeds": [0, 13], "tune.retunes": 1})
    assert params.more_seeds == (14, 15, 16)
