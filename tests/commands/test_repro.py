"""What `initsweep repro` says of a folder that cannot be written to."""

import os
from argparse import Namespace
from pathlib import Path

import pytest

from initsweep.commands import repro
from initsweep.core.params import load_params
from initsweep.running.folder_lock import LOCK
from tests.conftest import ROOT
from tests.views.mlflow.processes import as_another_user


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    return tmp_path


@pytest.mark.parametrize(
    ("targets", "force", "asked"),
    [([], True, "--force"), (["tune"], False, "tune"), (["tune"], True, "tune --force")],
)
def test_what_would_write_to_a_read_only_folder_is_refused(folder, targets, force, asked):
    load_params(Path("params.yaml"))  # imports codecs, which the other user may not read
    folder.chmod(0o555)
    options = Namespace(targets=targets, force=force)
    said = as_another_user(folder, lambda: repro.run(options))
    folder.chmod(0o755)
    assert said == (
        f"'{folder}' is read-only, and `{asked}` would write to it. Make it writable, or work in a "
        "copy: cp -r . ../copy"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_another_user_s_lock_makes_no_folder_read_only(folder):
    LOCK.parent.mkdir(parents=True)
    LOCK.touch()
    for place in (folder, *LOCK.parents):
        place.chmod(0o777)
    LOCK.chmod(0o600)

    def asks():
        assert repro._writable()

    assert as_another_user(folder, asks) == ""
