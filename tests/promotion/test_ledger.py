from dataclasses import replace

import pytest

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.promotion import ledger
from tests.conftest import as_recorded
from tests.statistics.study_builder import SCHEMA
from tests.statistics.test_champion import decision


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_decision_reads_back_and_all_are_kept():
    assert ledger.last_decision() is None
    first = as_recorded(decision())
    second = as_recorded(decision(scheme="zeros", test_score=None, because="ünlikely"))
    ledger.record(first)
    assert ledger.last_decision() == first
    ledger.record(second)
    assert ledger.last_decision() == second
    lines = ledger.LOG.read_text(encoding="utf-8").splitlines()
    assert ['"he_normal"' in lines[0], '"zeros"' in lines[1], len(lines)] == [True, True, 2]


def test_a_damaged_decision_is_to_be_restored_from_git():
    ledger.record(decision())
    ledger.CHAMPION.write_text('{"scheme": 3}')
    with pytest.raises(ArtifactError, match=r"git checkout decisions/champion\.json"):
        ledger.last_decision()


def test_settings_are_flat(small_params):
    settings = ledger.flat_settings(small_params({"model.depth": 2}), ledger.PROTOCOL)
    assert settings["model.depth"] == "2"
    assert settings["data.source"] == "wine"
    assert float(settings["decide.alpha"]) == 0.05
    assert not any(key.startswith(("runtime", "tracking")) for key in settings)


def test_the_margin_has_the_unit_of_what_is_compared(small_params):
    params = small_params({"task.select_by": "score"})
    schema = replace(SCHEMA, select_by="score", constant_test_score=0.1)
    artifacts.write_json(artifacts.SCHEMA, schema)
    ledger.record(decision(loss_name="cross_entropy"))
    challenge = ledger.challenge_of(params, None, [])
    assert challenge.margin == pytest.approx(params.decide.margin * 0.9)
