"""Locks that are written one stage at a time are those that DVC writes."""

import random
from types import SimpleNamespace

import pytest
from dvc.stage import cache
from dvc.utils.serialize import dump_yaml, dumps_yaml, modify_yaml, parse_yaml

from initsweep.running.dvc_process import from_known, spliced
from tests.conftest import ROOT

ODD = [1e-08, 0.0001, 1e22, None, True, "a: b", "two\nlines", "1e-4", "yes", "", "#", "word " * 40]


def entry_of(name, number):
    outs = [{"path": f"results/{name}", "md5": f"{number:032x}.dir", "size": number, "nfiles": 3}]
    params = {"params.yaml": {f"key{n}": value for n, value in enumerate([*ODD, [number, {}]])}}
    return {name: {"cmd": f"initsweep {name}", "params": params, "outs": outs}}


def test_a_lock_grows_and_changes_as_by_dvc_itself(tmp_path):
    file = tmp_path / "dvc.lock"
    dump_yaml(file, {"schema": "2.0", "stages": entry_of("prepare", 0)})
    ours = file.read_text()
    names = ["prepare", "tune@he", "train@he", "tune@a-b", "tune"]
    for number in range(1, 30):
        entry = entry_of(random.Random(number).choice(names), number)
        with modify_yaml(file) as data:
            data["stages"].update(entry)
        ours = spliced(ours, dumps_yaml({"stages": entry}))
        assert ours == file.read_text()


@pytest.mark.parametrize("file", ["dvc.lock", "claims/dvc.lock"])
def test_every_entry_of_ours_can_be_put_where_it_is(file):
    text = (ROOT / file).read_text()
    for name, entry in parse_yaml(text, file)["stages"].items():
        assert spliced(text, dumps_yaml({"stages": {name: entry}})) == text


@pytest.mark.parametrize(
    "lock",
    [
        "",
        "schema: '1.0'\nstages:\n  a:\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\ndatasets: []\n",
        "schema: '2.0'\n# mine\nstages:\n  a:\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  a:\n\n    cmd: x\n",
        "schema: '2.0'\nstages: {}\n",
    ],
)
def test_other_forms_are_left_to_dvc(lock):
    assert spliced(lock, dumps_yaml({"stages": entry_of("b", 1)})) is None


def stage_of(**changed):
    dep = {"protocol": "local", "def_path": "data", "hash_info": None, "get_hash": lambda: "new"}
    out = {"protocol": "local", "def_path": "results", "persist": False, "is_in_repo": True}
    stage = {"is_callback": False, "always_changed": False, "cmd": "initsweep tune"}
    known = SimpleNamespace(**{**dep, "hash_info": "known", "get_hash": None})
    deps = [known, SimpleNamespace(**{**dep, **changed.pop("dep", {})})]
    outs = [SimpleNamespace(**{**out, **changed.pop("out", {})})]
    return SimpleNamespace(**{**stage, "deps": deps, "outs": outs, **changed})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"always_changed": True}, False),
        ({"cmd": None}, False),
        ({"deps": []}, False),
        ({"dep": {"get_hash": lambda: None}}, False),
        ({"dep": {"protocol": "s3"}}, False),
        ({"out": {"persist": True}}, False),
    ],
)
def test_what_has_a_hash_is_not_hashed_again_to_tell_whether_a_run_can_be_kept(changed, expected):
    assert from_known(cache._can_hash)(stage_of(**changed)) is expected
