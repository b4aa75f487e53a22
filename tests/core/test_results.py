"""A finished study is read lazily, each file when it is asked for, from wherever it lies."""

import dataclasses
import json
import math
import re
from typing import get_args, get_type_hints

import numpy as np
import pytest
from ruamel.yaml import YAML

import initsweep
from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, InitsweepError, ParamsError
from initsweep.core.finished import frame
from initsweep.core.records import PairRow, ResponseRow, SchemeRow
from initsweep.core.results import Results
from initsweep.stages import report
from tests.conftest import ROOT, as_recorded
from tests.made_study import RECORDS, SEEDS, TABLES, make_study, with_my_study

TABLES_OF_STUDY = ("schemes", "response", "pairs", "runs", "curves", "measures", "intervals",
                   "diagnosis", "layers")  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return make_study(names=["zeros", "he_normal", "he_uniform", "orthogonal"])


@pytest.fixture(scope="module")
def parent(tmp_path_factory, made):
    """A folder with the study `my-study`."""
    return with_my_study(tmp_path_factory.mktemp("parent"), made)


@pytest.fixture
def study(parent):
    return initsweep.read_study(parent / "my-study")


def test_the_code_of_the_page_runs(parent, monkeypatch):
    monkeypatch.chdir(parent)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/results.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "docs/results.md", "exec"), {})


def test_the_page_explains_every_column_of_the_verdict_table():
    page = (ROOT / "docs/results.md").read_text()
    columns = {field.name for field in dataclasses.fields(SchemeRow)}
    assert {name for name in columns if f"`{name}`" not in page} == set()


def test_the_page_lists_what_a_basin_may_be_censored_at():
    page = (ROOT / "docs/results.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| `basin_censored`"))
    values = get_args(get_type_hints(SchemeRow)["basin_censored"])
    assert {value for value in values if f"`{value}`" not in row} == set()


def test_all_that_was_written_is_read(made, parent):
    read = Results(parent / "my-study", made.params)
    for name in {*RECORDS, *TABLES} - {"schemes"}:
        assert getattr(read, name) == as_recorded(getattr(made, name)), name
    assert read.compared == as_recorded(made.schemes)
    assert [*read.by_scheme] == [*made.params.schemes]
    assert read.curves == as_recorded(made.curves)
    assert read.runs == as_recorded(made.runs)
    assert read.predictions == as_recorded(made.predictions)


def test_nothing_is_read_that_is_not_asked_for(made, parent, monkeypatch):
    opened = []
    real = artifacts.read_text

    def read(path):
        opened.append(path.name)
        return real(path)

    monkeypatch.setattr(artifacts, "read_text", read)
    study = initsweep.read_study(parent / "my-study")
    assert opened == []
    assert study.response.equals(study.response)
    assert opened == ["response.csv"]
    assert str(study) == made.verdict.statement
    assert opened == ["response.csv", "verdict.json"]


def test_a_table_that_was_changed_is_read_as_it_was(study):
    table = study.schemes
    table.loc[0, "scheme"] = "changed"
    assert study.schemes.scheme[0] == "orthogonal"


def test_a_study_stays_where_it_was_when_the_folder_changes(parent, monkeypatch, tmp_path):
    monkeypatch.chdir(parent)
    study = initsweep.read_study("my-study")
    monkeypatch.chdir(tmp_path)
    assert len(study.response) > 0
    assert repr(study).startswith("<Study 'my-study': ")


def test_the_report_reads_nothing_but_what_it_has_declared(made, tmp_path, monkeypatch):
    made.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    opened = []
    real = artifacts.read_text
    monkeypatch.setattr(artifacts, "read_text", lambda path: opened.append(path) or real(path))
    report.run(made.params)
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
    declared = stages["report"]["deps"]
    assert len(opened) > 20
    assert [p for p in opened if not any(p.is_relative_to(place) for place in declared)] == []
    assert len(set(opened)) == len(opened), "a file is read twice"


def test_a_study_needs_no_parameters_to_be_read(made, parent):
    assert [*Results(parent / "my-study").by_scheme] == [*made.params.schemes]


def test_the_table_of_schemes_has_every_column_best_first_and_numbers_as_numbers(study, made):
    table = study.schemes
    assert [*table] == [field.name for field in dataclasses.fields(SchemeRow)]
    assert [*table.scheme] == ["orthogonal", "he_normal", "he_uniform", "zeros"]
    assert table.basin_width.dtype == np.float64
    assert math.isnan(table.basin_width[3])
    row = next(row for row in made.schemes if row.scheme == "orthogonal")
    assert table.test_loss[0] == as_recorded(row.test_loss)
    assert table.trainable.dtype == bool


@pytest.mark.parametrize("name", TABLES_OF_STUDY)
def test_every_table_is_a_frame_with_schemes(study, name):
    table = getattr(study, name)
    assert len(table) > 0
    assert {*table.scheme} <= {"orthogonal", "he_normal", "he_uniform", "zeros"}


def test_runs_are_those_of_tuning_and_the_fresh_ones(study):
    fresh = study.runs.query("kind == 'confirm'")
    assert [*fresh.groupby("scheme").seed.count()] == [len(SEEDS)] * 4


def test_an_empty_table_has_its_columns():
    assert [*frame([], PairRow)] == [field.name for field in dataclasses.fields(PairRow)]


@pytest.mark.parametrize(
    ("present", "told"),
    [
        (None, "is no study: there is no such folder"),
        ([], r"is no study: it has no params\.yaml\. `initsweep init` makes"),
        (["params.yaml"], r"has not run yet: it has no results/compare/verdict\.json\. Run"),
    ],
)
def test_a_folder_without_results_is_one_line(present, told, tmp_path):
    folder = tmp_path / "there"
    for name in present or ():
        folder.mkdir()
        (folder / name).write_text("")
    if present == []:
        folder.mkdir()
    with pytest.raises(ArtifactError, match=told) as caught:
        initsweep.read_study(folder)
    assert "\n" not in str(caught.value)
    assert f"'{folder}'" in str(caught.value)


def test_what_is_no_path_is_refused():
    with pytest.raises(ParamsError, match=r"folder: received 3\. Give the path"):
        initsweep.read_study(3)


@pytest.mark.parametrize("name", ["schemes", "response", "verdict"])
def test_a_damaged_table_is_named_with_its_folder(name, made, tmp_path):
    made.write(tmp_path)
    file = tmp_path / (TABLES[name][0] if name in TABLES else RECORDS[name])
    file.write_bytes(file.read_bytes()[:-30])
    study = initsweep.read_study(tmp_path)
    with pytest.raises(InitsweepError, match=re.escape(f"'{file}'")) as caught:
        getattr(study, name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lost", ["orthogonal", "he_normal", "he_uniform", "zeros"])
def test_a_table_that_lacks_a_scheme_is_refused(lost, made, tmp_path):
    made.write(tmp_path)
    rows = [row for row in made.schemes if row.scheme != lost]
    artifacts.write_rows(tmp_path / artifacts.COMPARE / "schemes.csv", rows, SchemeRow)
    with pytest.raises(ArtifactError, match=f"lacks schemes .* name: {lost}. Run `dvc repro`"):
        _ = initsweep.read_study(tmp_path).schemes


def test_a_table_with_a_scheme_twice_is_refused(made, tmp_path):
    made.write(tmp_path)
    rows = [*made.schemes, made.schemes[0]]
    artifacts.write_rows(tmp_path / artifacts.COMPARE / "schemes.csv", rows, SchemeRow)
    told = f"schemes.csv' has {made.schemes[0].scheme} twice. Run `dvc repro`"
    with pytest.raises(ArtifactError, match=told):
        _ = initsweep.read_study(tmp_path).schemes


def test_runs_of_fewer_seeds_than_were_confirmed_are_refused(made, tmp_path):
    made.write(tmp_path)
    file = tmp_path / artifacts.train_folder("zeros") / "runs.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    study = initsweep.read_study(tmp_path)
    told = (
        rf"'{file}' has runs of the seeds .*, but record\.json beside it names .* Run `dvc repro`"
    )
    with pytest.raises(ArtifactError, match=told):
        _ = study.runs


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"recommended": "nobody"}, r"lacks schemes .* name: nobody\. Run `dvc repro`"),
        ({"learning_rate": None}, "verdict.json' is damaged: it recommends .* at learning rate No"),
        ({"learning_rate": math.nan}, "it recommends orthogonal at learning rate nan. Run `dvc"),
    ],
)
def test_a_verdict_that_cannot_be_meant_is_refused(change, told, made, tmp_path):
    made.write(tmp_path)
    file = tmp_path / RECORDS["verdict"]
    file.write_text(json.dumps(artifacts.read_json(file) | change))
    with pytest.raises(ArtifactError, match=told):
        _ = initsweep.read_study(tmp_path).schemes


def test_a_table_of_another_version_is_refused(made, tmp_path):
    made.write(tmp_path)
    file = tmp_path / TABLES["response"][0]
    artifacts.write_rows(file, [], SchemeRow)
    columns = [field.name for field in dataclasses.fields(ResponseRow)]
    with pytest.raises(ArtifactError, match=f"should have the columns {', '.join(columns)}; "):
        _ = initsweep.read_study(tmp_path).response
