"""Rates for a larger network: tuned at sizes, predicted, shown, and swept after all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from initsweep.core import artifacts, own_code
from initsweep.core.errors import ArtifactError, ParamsError
from initsweep.core.params import parse_params
from initsweep.core.records import RunRow, Selection, SizeResponse
from initsweep.core.results import Results
from initsweep.core.spelling import prose
from initsweep.stages import at_target, extrapolate, prepare, tune_at
from initsweep.stages.publish import publication
from initsweep.statistics.transfer_results import Transfer
from initsweep.views.figures import style
from initsweep.views.mlflow import publish
from initsweep.views.mlflow.commentary import commentary, experiment_note
from initsweep.views.packet import carried, first_screen, render
from initsweep.views.packet.figures_shown import looks_of, pictures_of
from initsweep.views.packet.sections import sections_of
from initsweep.views.terminal.larger_sizes import answers
from initsweep.views.terminal.screen import Screen
from tests.conftest import SMALL_STUDY, replace_keys
from tests.made_study import make_study
from tests.views.mlflow import synthetic_study

SIZES, TARGET = (4, 8, 16), 32
SCHEMES = ["torch_default", "he_normal"]
ASKED = {
    "schemes": SCHEMES,
    "training.epochs": 8,
    "tune.seeds": [0, 1, 2],
    "tune.grid": {"low": 0.001, "high": 1.0, "points": 7},
    "transfer": {"vary": "model.width", "sizes": list(SIZES), "targets": [TARGET]},
}


def tuned(params):
    prepare.run(params)
    for size in params.transfer.sizes:
        for scheme in params.schemes:
            tune_at.run(params, size, scheme)


@pytest.fixture(scope="module")
def done(tmp_path_factory, params_file):
    """A prediction from real trainings."""
    content = json.loads(json.dumps(params_file))
    replace_keys(content, {**SMALL_STUDY, **ASKED})
    params, folder = parse_params(content), tmp_path_factory.mktemp("transfer")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tuned(params)
        extrapolate.run(params, TARGET)
    return params, folder


@pytest.fixture
def here(done, monkeypatch):
    monkeypatch.chdir(done[1])
    return done[0]


def test_each_scheme_is_tuned_at_each_size_as_in_the_study(here):
    found = [
        artifacts.read_record(artifacts.size_folder(size, scheme) / "selection.json", Selection)
        for size in SIZES
        for scheme in SCHEMES
    ]
    assert {one.grid[0] for one in found} <= {0.001, 0.0001}
    assert len({one.provenance.params_sha for one in found}) == len(found)
    assert len({one.mean_loss for one in found}) == len(found)


def test_what_is_predicted_rests_on_all_runs(here):
    folder = artifacts.target_folder(TARGET)
    found = artifacts.read_record(folder / "prediction.json", Transfer)
    assert (found.target, found.sizes) == (TARGET, SIZES)
    assert [one.scheme for one in (*found.schemes, *found.omitted)]
    rows = artifacts.read_rows(folder / "responses.csv", SizeResponse)
    runs = [
        run
        for size in SIZES
        for scheme in SCHEMES
        for run in artifacts.read_rows(artifacts.size_folder(size, scheme) / "runs.csv", RunRow)
    ]
    assert sum(row.seeds for row in rows) == len(runs)
    assert all(row.best_loss <= row.mean_loss <= row.worst_loss for row in rows)
    before = (folder / "prediction.json").read_bytes()
    extrapolate.run(here, TARGET)
    assert (folder / "prediction.json").read_bytes() == before


def test_the_terminal_says_rate_loss_and_cost(here):
    said = answers(carried.of(here), Screen(width=60))
    (one,) = carried.of(here)
    assert said.splitlines()[0].startswith("For model.width 32 ")
    assert all(f"\n{scheme}" in said for scheme in SCHEMES)
    assert f"{sum(row.seeds for row in one.responses)} trainings" in said
    assert "would take 54" in said.replace("\n", " ")  # 2 schemes, 9 rates, 3 seeds
    assert max(map(len, said.splitlines())) <= 60
    assert answers(carried.of(here), Screen(encoding="ascii")).isascii()


def test_ties_and_what_is_not_compared_are_said(here, tmp_path):
    (one,) = carried.of(here)
    first, second = one.found.schemes
    ahead = replace(first, trusted=True)

    def said(trusted, tied):
        schemes = (ahead, replace(second, trusted=trusted))
        found = replace(one.found, schemes=schemes, recommended=ahead.scheme, tied=tied)
        artifacts.write_json(tmp_path / "prediction.json", found)
        artifacts.write_rows(tmp_path / "responses.csv", one.responses, SizeResponse)
        return carried.Carried(params=here, folder=tmp_path)

    tie = said(True, (first.scheme, second.scheme))
    assert tie.standing.endswith(f"lose more than the margin against it: {second.scheme}.")
    assert tie.standing in " ".join(answers([tie], Screen(width=60)).split())
    assert said(False, (first.scheme,)).standing.endswith(f"can be trusted: {second.scheme}.")
    assert said(True, (first.scheme,)).standing == ""
    assert "(95 % interval " in tie.sentence


def test_the_packet_shows_it_where_it_was_asked_for(done, tmp_path):
    params, folder = done
    made = make_study(names=["he_normal", "torch_default", "zeros"])
    made.write(tmp_path)
    (tmp_path / artifacts.TRANSFER).symlink_to(folder / artifacts.TRANSFER)
    asked = made.params.model_copy(update={"transfer": params.transfer})
    study = Results(tmp_path, asked)
    (one,) = carried.carried(study)
    assert first_screen.points(study)[0] == ("Larger sizes", one.answer)
    assert "transfer" in {section.name for section in sections_of(study)}
    assert f"| {one.table.rows[0][1][0].text}" in render.markdown(study).replace("**", "")
    for picture in pictures_of(study):
        if picture.applies:
            svg = style.to_svg(picture.draw(study, looks_of(study)), picture.name)
            assert 'data-scheme="he_normal"' in svg
            assert "model.width" in svg
    plain = Results(tmp_path, made.params)
    assert not {"rate_law", "rate_law_responses"} & {one.name for one in pictures_of(plain)}
    assert "Larger sizes" not in dict(first_screen.points(plain))


def test_mlflow_shows_it_where_it_was_asked_for(done, tmp_path, monkeypatch):
    params, folder = done
    made = synthetic_study.make_study([*SCHEMES, "zeros"])
    synthetic_study.write_study(made, tmp_path)
    (tmp_path / artifacts.TRANSFER).symlink_to(folder / artifacts.TRANSFER)
    monkeypatch.chdir(tmp_path)
    assert "Larger sizes" not in experiment_note(publication(made.params))
    study = publication(made.params.model_copy(update={"transfer": params.transfer}))
    (one,) = carried.carried(study)
    assert prose(one.answer) in experiment_note(study)
    assert f"transfer/targets/{TARGET}/prediction.json" in study.attachments
    laws = {law.scheme: law for law in one.found.schemes}
    assert set(laws) < set(study.by_scheme)
    for scheme, results in study.by_scheme.items():
        told = {point.key: point.value for point in commentary(study, results).metrics}
        told = {key: value for key, value in told.items() if f"_at_{TARGET}" in key}
        law = laws.get(scheme)
        assert bool(told) == (law is not None)
        if law is not None:
            assert told[f"lr_at_{TARGET}"] == law.rate
            assert (told[f"lr_at_{TARGET}_low"], told[f"lr_at_{TARGET}_high"]) == law.rate_interval
            assert told[f"validation_loss_at_{TARGET}"] == law.loss
            assert (f"promised_loss_at_{TARGET}" in told) == law.trusted


def test_mlflow_settles_with_a_prediction_and_forgets_it_with_the_question(
    done, tmp_path, monkeypatch
):
    params, folder = done
    made = synthetic_study.make_study(SCHEMES)
    synthetic_study.write_study(made, tmp_path)
    (tmp_path / artifacts.TRANSFER).symlink_to(folder / artifacts.TRANSFER)
    monkeypatch.chdir(tmp_path)
    for asked in (params.transfer, made.params.transfer):
        today = made.params.model_copy(update={"transfer": asked})
        publish(publication(today), today, tmp_path)  # raises while there is anything left to do
        client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
        (experiment,) = client.search_experiments(filter_string="name != 'Default'")
        runs = client.search_runs([experiment.experiment_id], "tags.role = 'scheme'")
        shown = [client.list_artifacts(run.info.run_id, "transfer/targets") for run in runs]
        found = [folder.path for folders in shown for folder in folders]
        assert found == [f"transfer/targets/{target}" for target in asked.targets]


def test_a_sweep_at_the_target_says_how_far_off_it_was(here, monkeypatch):
    (one,) = carried.of(here)
    swept = at_target.sweep(here, one.found)
    assert [each.predicted.scheme for each in swept] == [each.scheme for each in one.found.schemes]
    for each in swept:
        assert abs(each.error) < 1.5
        assert each.kept == (each.lost <= each.predicted.promised_loss)
        assert each.sentence.startswith(f"{each.predicted.scheme}: predicted ")
    monkeypatch.setattr("initsweep.stages.tune.into", None)  # nothing is trained twice
    assert at_target.sweep(here, one.found) == swept


def test_nothing_is_predicted_that_was_not_asked_for(small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"transfer\.sizes is empty"):
        extrapolate.run(small_params(), 64)


DEAF = """
import torch
def net(n_features, n_outputs, *, width):
    return torch.nn.Linear(n_features, n_outputs)
"""


def test_an_option_that_the_network_does_not_read_is_an_error(small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own").mkdir()
    Path("own/deaf_nets.py").write_text(DEAF)
    own_code.use("own")
    params = small_params(
        {**ASKED, "model": {"name": "deaf_nets:net", "width": 8}, "schemes": ["he_normal"]}
    )
    tuned(params)
    with pytest.raises(
        ArtifactError, match=r"model\.width changes nothing: every run .* with 4 as"
    ):
        extrapolate.run(params, TARGET)


def test_an_option_that_the_network_lacks_is_named(small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = small_params(
        {
            **ASKED,
            "model.heads": 2,  # no option of an MLP
            "transfer": {**ASKED["transfer"], "vary": "model.heads"},
        }
    )
    prepare.run(params)
    with pytest.raises(ParamsError, match="heads"):
        tune_at.run(params, 4, "he_normal")


PICKY = """
import torch
def net(n_features, n_outputs, *, width):
    if width == 8:
        raise ValueError("not eight")
    return torch.nn.Linear(n_features, n_outputs)
"""


def test_a_network_that_fails_at_one_size_is_named_with_the_size(
    small_params, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("own").mkdir()
    Path("own/picky_nets.py").write_text(PICKY)
    own_code.use("own")
    model = {"name": "picky_nets:net", "width": 2}
    params = small_params({**ASKED, "model": model, "schemes": ["he_normal"]})
    prepare.run(params)
    tune_at.run(params, 4, "he_normal")
    with pytest.raises(
        ParamsError,
        match=r"net fails with width=8: ValueError: not eight \(picky_nets\.py, line 5\)",
    ):
        tune_at.run(params, 8, "he_normal")
