"""What `initsweep transfer` refuses, before it changes anything."""

import shutil
from pathlib import Path

import pytest

from initsweep.commands.main import main
from initsweep.core.params import load_params
from tests.conftest import ROOT

SIZES = "model.width=4,8,16"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "Nothing to predict: params.yaml has no transfer.sizes"),
        (["model.width=4,8", "--to", "32"], "any law fits fewer than 3"),
        ([SIZES, "--to", "16"], "beyond the largest of the sizes, 16"),
        ([SIZES], f"received '{SIZES}'; name a key with its sizes, and the size to predict for"),
        (["--to", "32"], "received '--to 32'; name a key"),
        (["--along", "model.depth"], "received '--along model.depth'; name a key"),
        (["model.width", "--to", "16"], "received 'model.width --to 16'"),
        ([SIZES, "--to", "x"], f"received '{SIZES} --to x'"),
        (["model.with=4,8,16", "--to", "32"], "Did you mean 'width'?"),
        (["data.source=4,8,16", "--to", "32"], "'data.source', which cannot grow"),
        ([SIZES, "--to", "32", "--along", "model.depth"], "model.depth would be no whole number"),
    ],
)
def test_what_cannot_be_asked_for_changes_nothing(asked, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, name)
    assert main(["transfer", *asked]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert Path("params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_a_study_of_an_earlier_version_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    Path("dvc.yaml").write_text("stages:\n  tune: {cmd: 'true'}\n")
    assert main(["transfer", SIZES, "--to", "32"]) == 2
    assert "dvc.yaml has no stage `extrapolate`" in capsys.readouterr().err


def test_what_params_say_already_may_be_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    Path("dvc.yaml").write_text("stages: {}\n")  # refused, once the parameters are written

    def asked(*arguments):
        main(["transfer", *arguments])
        assert "dvc.yaml has no stage" in capsys.readouterr().err
        said = load_params(Path("params.yaml")).transfer
        return said.vary, said.sizes, said.targets

    assert asked(SIZES, "--to", "32") == ("model.width", (4, 8, 16), (32,))
    assert asked("--to", "64,128") == ("model.width", (4, 8, 16), (64, 128))
    assert asked("model.width = 8, 16, 32") == ("model.width", (8, 16, 32), (64, 128))
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("  depth: 3 ", "  depth: 16 "))
    assert asked("--along", "model.depth")[0] == ("model.width", "model.depth")
