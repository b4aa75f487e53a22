"""What a quick look says is out of date."""

import dataclasses
from pathlib import Path

import pytest

from initsweep.answer import freshness
from initsweep.statistics.champion import challenge
from tests.statistics.test_champion import TERMS, candidate, decision

LOCK = """\
schema: '2.0'
stages:
  train@zeros:
    params: {params.yaml: {model: {depth: 3}, optimizer: {epsilon: 1e-08}}}
  train@gone:
    params: {params.yaml: {model: {depth: 9}}}
  publish:
    params: {params.yaml: {tracking: {uri: one}}}
"""
PARAMS = "schemes: [zeros]\nmodel: {depth: 3}\noptimizer: {epsilon: 1.0e-8}\ntracking: {uri: two}\n"


def edited(tmp_path: Path, old: str = "", new: str = "") -> list[str]:
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "params.yaml").write_text(PARAMS.replace(old, new) if old else PARAMS)
    return freshness.edited_parameters(tmp_path / "dvc.lock", tmp_path / "params.yaml")


def test_equal_values_former_schemes_and_the_place_of_publishing_count_as_no_edit(tmp_path):
    assert edited(tmp_path) == []


def test_edited_parameters_are_named(tmp_path):
    assert edited(tmp_path, "depth: 3", "depth: 4") == ["model.depth"]
    assert edited(tmp_path, "depth: 3", "depth: 3, norm: none") == ["model.norm"]


@pytest.mark.parametrize("content", [None, "", "stages: 3", "{"])
def test_a_lock_that_says_nothing_is_no_reason_to_complain(content, tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMS)
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    assert freshness.edited_parameters(tmp_path / "dvc.lock", tmp_path / "params.yaml") == []


def test_a_decision_made_since_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = challenge(None, candidate(), TERMS)
    assert freshness.notices(before, None) == []
    (said,) = freshness.notices(before, decision())
    assert "do not know the last decision yet. Run `initsweep repro`" in said
    seen = challenge(decision(), candidate(), TERMS)
    assert freshness.notices(seen, decision()) == []
    assert freshness.notices(seen, dataclasses.replace(decision(), when="2031-01-01")) != []
