"""The files that count are those of DVC, whatever they are called and wherever they lie."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from initsweep.core.counted import counted, dvc_hash

pytestmark = pytest.mark.pipeline

FILES = """\
results/he_normal/a
results/he_normal-2/a
results/he_normal.json
results/HE/[a]
results/ä b/#c
own/.git/HEAD
own/.hg/store
own/__pycache__/net.pyc
own/lib/.git
own/lib/net.py
data/raw/a.tmp
data/raw/keep.tmp
data/raw/cache/x
data/raw/old/x
data/raw/part/old
data/raw/part/cache/x
project/.dvc/config
project/a
left/a/b
../shared/.git/HEAD
../shared/__pycache__/net.pyc
../shared/net.py
"""
IGNORED = {
    ".dvcignore": "__pycache__\n/left\n*.tmp\n",
    "data/.dvcignore": "# of data\n\n  !keep.tmp\nold/\nraw/cache\n",
}
DEPS = ["results", "own", "own/lib", "data/raw", "data/raw/a.tmp", "project", "left/a", "../shared"]
COUNTED = {
    "own": ["own/lib/net.py"],
    "data/raw": ["data/raw/keep.tmp", "data/raw/part/cache/x", "data/raw/part/old"],
    "data/raw/a.tmp": ["data/raw/a.tmp"],
    "left/a": [],
    "../shared": ["../shared/net.py"],  # Python leaves its cache there while a stage runs
}


@pytest.fixture(autouse=True)
def study(tmp_path, monkeypatch):
    (tmp_path / "study/.dvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "study")
    for name in FILES.splitlines():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    Path("own/link").symlink_to("lib")
    Path("results/link").symlink_to("he_normal.json")
    for name, text in IGNORED.items():
        Path(name).write_text(text)


def test_hashes_are_those_of_dvc():
    stages = {"stages": {"all": {"cmd": "true", "deps": DEPS}}}
    YAML().dump(stages, Path("dvc.yaml"))
    Path(".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = true\n")
    subprocess.run([sys.executable, "-m", "dvc", "repro"], check=True, capture_output=True)
    lock = YAML(typ="safe").load(Path("dvc.lock"))["stages"]["all"]["deps"]
    assert {dep: dvc_hash(Path(dep)) for dep in DEPS} == {one["path"]: one["md5"] for one in lock}


def test_what_counts_is_what_dvc_counts_and_nothing_that_is_made_where_it_has_no_say():
    assert {dep: [file.as_posix() for file in counted(Path(dep))] for dep in COUNTED} == COUNTED
