"""What `dvc metrics`, `dvc exp show` and `dvc plots` show of a study, and of two."""

import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from ruamel.yaml import YAML

from initsweep.core import artifacts
from initsweep.core.records import PredictionRow, Schema, SchemeRow
from initsweep.core.spelling import distinct, embedded
from initsweep.statistics.plot_tables import ConfusionRow, CurvePoint, ResponsePoint, confusion_rows
from tests.conftest import ROOT
from tests.nasty import TEXTS
from tests.pipeline.conftest import STUDY, Project

pytestmark = pytest.mark.pipeline

TABLES = {
    "results/compare/lr_response.csv": ResponsePoint,
    "results/compare/learning_curves.csv": CurvePoint,
    "results/compare/confusion.csv": ConfusionRow,
    "results/compare/schemes.csv": SchemeRow,
}
OURS = ("Learning-rate response", "Tuned against forgiving", "Test loss", "Learning curves")


@pytest.fixture(scope="module")
def two_revisions(computed, tmp_path_factory):
    """A branch with another depth than `main` and enough seeds for a recommendation. Read only."""
    project = Project(tmp_path_factory.mktemp("two") / STUDY)
    shutil.copytree(computed.path, project.path, symlinks=True)
    project.run("git", "checkout", "-qb", "deeper")
    project.set({"model.depth": 2, "confirm.seeds": list(range(10, 20))})
    assert project.initsweep("repro", "report").returncode == 0
    project.commit("Two hidden layers, ten fresh seeds")
    return project


def plots(project, *command: str) -> dict[str, dict]:
    """Return the filled specification of every plot by its name."""
    done = project.run(project.python, "-m", "dvc", "plots", *command, "--json")
    said = json.loads(done.stdout)
    assert "errors" not in said
    return {name: drawn[0]["content"] for name, drawn in said["data"].items() if drawn}


def scales(value: object) -> list[tuple[str, str]]:
    """Return channel and type of every scale in a specification."""
    if isinstance(value, list):
        return [found for one in value for found in scales(one)]
    if not isinstance(value, dict):
        return []
    own = [
        (name, one["scale"]["type"])
        for name, one in value.items()
        if isinstance(one, dict) and isinstance(one.get("scale"), dict) and "type" in one["scale"]
    ]
    return own + [found for one in value.values() for found in scales(one)]


def fields(value: object) -> set[str]:
    """Return the columns that a specification draws."""
    if isinstance(value, list):
        return set().union(*map(fields, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = {value["field"]} if isinstance(value.get("field"), str) else set()
    return own.union(*(fields(one) for name, one in value.items() if name != "data"))


def test_every_plot_is_filled_and_draws_columns_that_are_there(two_revisions):
    shown = plots(two_revisions, "show")
    assert len([name for name in shown if name.startswith(OURS)]) == len(OURS)
    confusion = shown.pop("Confusion of the recommended scheme")
    assert "<DVC_" not in json.dumps(confusion)
    for spec in (spec for name, spec in shown.items() if name.startswith(OURS)):
        assert "<DVC_" not in json.dumps(spec)
        rows = spec["data"]["values"]
        assert rows
        assert fields(spec) <= set(rows[0])
        assert fields(spec) >= {"scheme", "rev"}


def test_the_responses_are_on_a_logarithmic_axis_and_hold_every_point(computed):
    spec = plots(computed, "show")["Learning-rate response"]
    assert ("x", "log") in scales(spec)
    assert ("x", "linear") not in scales(spec)
    assert spec["facet"]["field"] == "scheme"
    table = artifacts.read_rows(computed.path / "results/compare/lr_response.csv", ResponsePoint)
    assert {(row["scheme"], float(row["learning_rate"])) for row in spec["data"]["values"]} == {
        (row.scheme, row.learning_rate) for row in table
    }
    chosen = [row["scheme"] for row in spec["data"]["values"] if row["chosen"] == "true"]
    assert sorted(chosen) == ["he_normal", "zeros"]
    assert '"filter": "datum.chosen == \'true\'"' in json.dumps(spec)


def test_two_revisions_of_every_scheme_can_be_told_apart(two_revisions):
    compared = plots(two_revisions, "diff", "main", "deeper")
    ours = {name: spec for name, spec in compared.items() if name.startswith(OURS)}
    assert len(ours) == len(OURS)
    for name, spec in ours.items():
        rows = spec["data"]["values"]
        seen = {(row["rev"], row["scheme"]) for row in rows}
        expected = {(rev, s) for rev in ("main", "deeper") for s in ("he_normal", "zeros")}
        assert seen == expected, name
        colours = re.findall(r'"domain": (\["[^]]*\]), "range"', json.dumps(spec))
        assert {frozenset(json.loads(found)) for found in colours} == {
            frozenset({"main", "deeper"})
        }


def test_both_revisions_are_drawn_from_their_own_tables(two_revisions):
    spec = plots(two_revisions, "diff", "main", "deeper")["Test loss"]
    drawn = {(row["rev"], row["scheme"]): float(row["test_loss"]) for row in spec["data"]["values"]}
    for row in artifacts.read_rows(two_revisions.path / "results/compare/schemes.csv", SchemeRow):
        assert drawn["deeper", row.scheme] == row.test_loss
    assert drawn["main", "he_normal"] != drawn["deeper", "he_normal"]


def test_metrics_diff_shows_the_headline_and_on_request_every_scheme(two_revisions):
    changed = json.loads(two_revisions.dvc("metrics", "diff", "main", "deeper", "--json"))
    assert list(changed) == ["metrics.json"]
    assert changed["metrics.json"]["decision"] == {"old": "cannot_tell", "new": "winner"}
    assert changed["metrics.json"]["recommended"] == {"old": "none", "new": "he_normal"}
    headline = json.loads((two_revisions.path / "metrics.json").read_text())
    assert changed["metrics.json"]["test_loss"]["new"] == headline["test_loss"]
    file = "results/compare/schemes.json"
    output = two_revisions.dvc("metrics", "diff", "main", "deeper", "--targets", file, "--json")
    assert {"he_normal", "zeros"} <= {key.split(".")[0] for key in json.loads(output)[file]}


def test_a_recommended_scheme_has_its_confusion_by_class_name_and_others_have_none(
    two_revisions, computed
):
    name = "Confusion of the recommended scheme"
    assert name not in plots(computed, "show")
    rows = plots(two_revisions, "show")[name]["data"]["values"]
    schema = json.loads((two_revisions.path / "data/prepared/schema.json").read_text())
    assert {row["actual"] for row in rows} == set(schema["class_names"])
    assert {row["predicted"] for row in rows} <= set(schema["class_names"])


def test_the_table_of_experiments_is_as_wide_as_the_documentation_says(two_revisions):
    page = (ROOT / "docs/dvc.md").read_text()
    command = re.search(r"\$ dvc (exp show .*) --md", page)
    assert command is not None
    words = [word.strip("'") for word in command.group(1).split()]
    done = two_revisions.run(two_revisions.python, "-m", "dvc", *words, "--csv")
    head = done.stdout.splitlines()[0].split(",")
    assert "model.depth" in head
    assert not [name for name in head if "/" in name]
    assert len(head) < 16


def test_plots_in_dvc_yaml_name_columns_and_templates_that_exist():
    declared = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["plots"]
    checked = 0
    for plot in declared:
        for spec in plot.values():
            for file, column in spec["y"].items():
                if file in TABLES:
                    assert {spec["x"], column} <= set(TABLES[file].__dataclass_fields__)
                    checked += 1
            if spec["template"] != "confusion":
                text = (ROOT / f".dvc/plots/{spec['template']}.json").read_text()
                assert "<DVC_METRIC_COLOR>" in text or "datum.rev" in text, "revisions look alike"
                json.loads(text)
    assert checked == 5


class Scripts(HTMLParser):
    """What runs on a page, and what else there is."""

    def __init__(self, page):
        super().__init__()
        self.inside, self.scripts, self.tags = "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        self.tags.append(tag)

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script" and data.strip():
            self.scripts.append(data)


def test_the_page_of_plots_holds_any_name_of_a_class_and_runs_none(computed, tmp_path):
    project = Project(tmp_path / "nasty")
    shutil.copytree(computed.path, project.path, symlinks=True)
    schema = artifacts.read_record(project.path / artifacts.SCHEMA, Schema)
    names = [f"class {place}" for place in range(len(TEXTS))]
    rows = [PredictionRow(example=i, target=i, prediction=i) for i in range(len(TEXTS))]
    found = {}
    for kind, classes in (("plain", names), ("nasty", TEXTS)):
        named = dataclasses.replace(schema, class_names=classes)
        file = project.path / "results/compare/confusion.csv"
        artifacts.write_rows(file, confusion_rows(rows, named), ConfusionRow)
        project.run(project.python, "-m", "dvc", "plots", "show", "-o", f"plots_{kind}")
        found[kind] = Scripts((project.path / f"plots_{kind}/index.html").read_text())
    assert found["nasty"].tags == found["plain"].tags
    assert len(found["nasty"].scripts) == len(found["plain"].scripts)
    script = next(text for text in found["nasty"].scripts if '"actual"' in text)
    spec = json.loads(script.split("var spec = ", 1)[1].split(";\n            vegaEmbed")[0])
    told = {row["actual"] for row in spec["data"]["values"]}
    assert told == set(map(embedded, distinct(TEXTS, 40).values()))
