"""What a quick look says is out of date."""

import dataclasses
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from initsweep.promotion.champion import challenge
from initsweep.views.terminal import freshness
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
    (tmp_path / "params.yaml").write_text(PARAMS.replace(old, new) if old else PARAMS)
    lock = YAML(typ="safe", pure=True).load(LOCK)["stages"]
    return freshness.edited_parameters(lock, tmp_path / "params.yaml")


def test_equal_values_former_schemes_and_the_place_of_publishing_count_as_no_edit(tmp_path):
    assert edited(tmp_path) == []


def test_edited_parameters_are_named(tmp_path):
    assert edited(tmp_path, "depth: 3", "depth: 4") == ["model.depth"]
    assert edited(tmp_path, "depth: 3", "depth: 3, norm: none") == ["model.norm"]


CONFLICT = f"<<<<<<< HEAD\n{LOCK}=======\n{LOCK}>>>>>>> other\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ""),
        ("", "'dvc.lock' cannot be read"),
        ("stages: 3", "'dvc.lock' cannot be read"),
        ("{", "'dvc.lock' cannot be read"),
        ("stages: {compare: 3}", "'dvc.lock' cannot be read"),
        (b"\xff\xfe\x00", "'dvc.lock' cannot be read"),
        (CONFLICT, "'dvc.lock' cannot be read: git's conflict marks in line 1. Remove it, `rm "),
    ],
)
def test_a_lock_that_says_nothing_hides_no_verdict(content, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    if content is not None:
        Path("dvc.lock").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = freshness.notices(challenge(None, candidate(), TERMS), None)
    assert len(found) == bool(said)
    assert "".join(found).startswith(said)


def test_a_decision_made_since_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = challenge(None, candidate(), TERMS)
    assert freshness.notices(before, None) == []
    (said,) = freshness.notices(before, decision())
    assert "do not know the last decision yet. Run `initsweep repro`" in said
    seen = challenge(decision(), candidate(), TERMS)
    assert freshness.notices(seen, decision()) == []
    assert freshness.notices(seen, dataclasses.replace(decision(), when="2031-01-01")) != []
