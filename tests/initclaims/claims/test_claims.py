"""Every claim keeps the contract: stated in full, judged by its criterion alone, drawn."""

import json
import re
import shutil

import numpy as np
import pytest
from ruamel.yaml import YAML

from initclaims.claims import CLAIMS
from initclaims.laboratory.claim import ANSWERS, Judgement
from initclaims.laboratory.lab import Lab
from initclaims.laboratory.pictures import draw
from initclaims.laboratory.table import Measurement, Table
from initclaims.page import files, render
from initsweep.commands import main as cli
from initsweep.core import artifacts
from initsweep.views.figures.style import to_png
from tests.conftest import ROOT

NAMES = CLAIMS.names()
# Measured here, each in a few seconds at the quick budget; `initsweep claims --quick` runs all.
FAST = (
    "glorot2010_jacobian",
    "hanin_fluctuation",
    "high_variance_saturates",
    "initialization_costs",
    "signals_are_exponential_in_depth",
    "two_he_formulas_variance",
    "xavier_keeps_both_variances",
    "zero_weights_stay_symmetric",
)


def yaml(path: str) -> dict:
    return YAML(typ="safe", pure=True).load((ROOT / path).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_lives_in_the_file_of_its_name_and_is_stated_in_full(name):
    claim = CLAIMS.get(name)
    assert (ROOT / f"src/initclaims/claims/{name}.py").is_file()
    for text in (claim.statement, claim.experiment, claim.criterion):
        assert text.endswith(".")
        assert "  " not in text
    assert claim.source
    assert not claim.source.endswith(".")
    assert len(claim.title) <= 60


def test_dvc_knows_every_claim():
    assert sorted(files.settings().names) == NAMES


def test_the_time_left_knows_what_every_claim_costs():
    assert sorted(files.costs()) == NAMES


def test_measurements_are_missing_before_they_are_made(capsys, monkeypatch, tmp_path):
    shutil.copytree(ROOT / "claims", tmp_path / "claims")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["claims", "page", "--quick"]) == 2
    assert "csv' is missing: run `initsweep claims --quick`" in capsys.readouterr().err


def test_the_quick_pipeline_is_the_full_one_with_another_budget():
    full, quick = ((ROOT / f"claims/{path}dvc.yaml").read_text() for path in ("", "quick/"))
    plain = re.sub(r"^#.*\n", "", quick, flags=re.MULTILINE)
    plain = plain.replace(" --quick", "").replace("claims-quick", "claims")
    plain = plain.replace("../../", "../").replace(" at the quick budget", "")
    assert plain == re.sub(r"^#.*\n", "", full, flags=re.MULTILINE)


@pytest.mark.parametrize("name", FAST)
def test_a_claim_is_measured_judged_and_drawn(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    claim = CLAIMS.get(name)
    rows = claim.measure(Lab(name, "quick", code_sha="test", claim_sha=""))
    assert rows == claim.measure(Lab(name, "quick", code_sha="other code", claim_sha=""))
    artifacts.write_rows(files.measurements_file(name, "quick"), rows, Measurement)
    table = files.read_table(name, "quick")
    judgement = claim.judge(table)
    assert judgement.answer in ANSWERS
    assert judgement.effects
    assert judgement.reading.endswith(".")
    for effect in judgement.effects:
        assert effect.value.low <= effect.value.estimate <= effect.value.high
    assert to_png(draw(claim.picture, table)).startswith(b"\x89PNG")


def test_the_page_shows_every_answer(tmp_path, monkeypatch):
    name = "zero_weights_stay_symmetric"
    claim = CLAIMS.get(name)
    monkeypatch.chdir(tmp_path)
    rows = claim.measure(Lab(name, "quick", code_sha="test", claim_sha=""))
    monkeypatch.setattr(files, "read_table", lambda *_: Table(rows))
    monkeypatch.setattr(files, "settings", lambda: files.Settings(mnist=None, names=[name]))
    found = render.write([name], "quick")
    page = (tmp_path / "reports/claims-quick.html").read_text()
    assert claim.title in page
    assert "not corrected for the number of claims" in page
    assert "<code>initsweep claims run NAME</code>" in page
    assert "ran on MNIST" not in page
    assert "supported" in page
    assert "http" not in re.sub(r"http://www.w3.org/\S+", "", page)
    answers = json.loads((tmp_path / "reports/claims-quick/answers.json").read_text())
    assert answers[name]["answer"] == found[0].judgement.answer
    assert claim.statement in (tmp_path / "reports/claims-quick.md").read_text()


def test_the_page_says_on_what_an_answer_depends_and_that_it_ran_on_mnist(tmp_path, monkeypatch):
    name = "high_variance_saturates"
    monkeypatch.chdir(tmp_path)
    rows = [
        Measurement(arm=arm, quantity="share of saturated units", setting=at, seed=0, value=share)
        for arm, high in (("tanh", 0.9), ("sigmoid", 0.1))
        for at, share in ((0.03, 0.0), (1.0, high))
    ]
    monkeypatch.setattr(files, "read_table", lambda *_: Table(rows))
    monkeypatch.setattr(files, "settings", lambda: files.Settings(mnist="raw", names=[name]))
    (found,) = render.write([name], "full")
    assert found.tags["answer"] == "depends"
    assert found.tags["on"] == "the activation"
    for suffix in ("html", "md"):
        page = (tmp_path / f"reports/claims.{suffix}").read_text()
        assert page.count("± depends on the activation") == 1 + (suffix == "html")
        assert "10 000 test images" in page
    assert "\n               on the activation\n" in render.summary([found])


@pytest.mark.parametrize(("answer", "on"), [("depends", ""), ("supported", "depth")])
def test_a_judgement_says_on_what_exactly_if_it_depends(answer, on):
    with pytest.raises(ValueError, match="says on what exactly if its answer is 'depends'"):
        Judgement(answer=answer, effects=[], reading="Read.", on=on)


def test_the_list_has_the_order_of_the_page(capsys):
    assert cli.main(["claims", "list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == files.settings().names


def test_a_claim_can_fail():
    """The criterion is applied to what was measured, whatever that is."""
    rows = [
        Measurement(
            arm=arm, quantity="distinct units after training", setting=0.0, seed=0, value=64.0
        )
        for arm in ("zeros", "constant value=0.1", "xavier_normal")
    ]
    assert CLAIMS.get("zero_weights_stay_symmetric").judge(Table(rows)).answer == "refuted"


def test_values_are_ordered_by_setting_and_seed():
    rows = [
        Measurement(arm="a", quantity="q", setting=at, seed=seed, value=10 * at + seed)
        for seed in (1, 0)
        for at in (2.0, 1.0)
    ]
    np.testing.assert_array_equal(Table(rows).values("q", "a"), [10, 11, 20, 21])
    with pytest.raises(KeyError):
        Table(rows).values("q", "b")
