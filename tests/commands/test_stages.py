"""What starts stages lets them make each remark once."""

import sys
from types import SimpleNamespace

import pytest

from initsweep import cli
from initsweep.claim_page import files
from initsweep.commands import claims, stages
from initsweep.progress import first_time
from tests.conftest import ROOT


@pytest.fixture
def said(monkeypatch) -> list[bool]:
    """Whether two stages that were started had something new to say; both then fail."""
    found: list[bool] = []

    def repro(*arguments: str) -> int:
        found.extend(first_time("the same remark") for _ in range(2))
        return 3

    monkeypatch.setattr(stages, "repro", repro)
    return found


def test_the_study_makes_a_remark_once(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own").mkdir()
    (tmp_path / "params.yaml").write_text(
        (ROOT / "params.yaml").read_text().replace("watch: data/raw", "watch: .")
    )
    assert cli.main(["repro"]) == 3
    assert said == [True, False]


def test_the_claims_make_a_remark_once(said, monkeypatch):
    monkeypatch.setattr(claims, "_known_names", list)
    monkeypatch.setattr(files, "pipeline", lambda budget: "claims/dvc.yaml")
    monkeypatch.setattr(files, "budget_of", lambda quick: None)
    assert claims.run(SimpleNamespace(action="all", names=[], quick=True))[1] == 3
    assert said == [True, False]
