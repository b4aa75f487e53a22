"""The verdict is printed whole, or one line says which file is damaged."""

import hashlib
import json

import pytest

from initsweep.commands import main as cli
from initsweep.core import artifacts
from initsweep.views.terminal import answer
from tests.made_study import make_study

FILES = ("verdict.json", "schemes.csv", "response.csv", "champion.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    make_study().write(folder)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_tables_that_are_cut_short_anywhere(name, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert cli.main(["summary"]) == 0
    expected, file = capsys.readouterr().out, artifacts.COMPARE / name
    whole = file.read_bytes()
    lines = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    cuts = sorted({*lines, *range(0, len(whole), len(whole) // 25 + 1)})
    told = 0
    for cut in cuts:
        file.write_bytes(whole[:cut])
        status, shown = cli.main(["summary"]), capsys.readouterr()
        if status:
            assert (status, shown.out) == (2, "")
            assert f"{name}'" in shown.err
            assert shown.err.count("\n") == 1
            told += 1
        elif name.endswith(".json"):  # a table of fewer rows is one too: see below
            assert shown.out == expected
    assert told >= 20
    file.write_bytes(whole)


def test_a_cut_between_two_rows_is_noticed_by_the_lock(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    content = sorted(path for path in artifacts.COMPARE.iterdir() if path.is_file())
    listing = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": path.name}
        for path in content
    ]
    md5 = hashlib.md5(json.dumps(listing).encode()).hexdigest()
    out = f"{{path: results/compare, md5: {md5}.dir}}"
    (folder / "dvc.lock").write_text(f"stages: {{compare: {{outs: [{out}]}}}}\n")
    assert cli.main(["summary"]) == 0
    assert "is not what dvc.lock recorded" not in capsys.readouterr().out
    file = artifacts.COMPARE / "response.csv"
    whole = file.read_text()
    file.write_text("\n".join(whole.splitlines()[:-3]) + "\n")
    assert cli.main(["summary"]) == 0
    assert "'results/compare' is not what dvc.lock recorded: edited, cut short" in " ".join(
        capsys.readouterr().out.split()
    )
    file.write_text(whole)
    (folder / "dvc.lock").unlink()


def test_a_study_that_names_nobody_needs_no_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    file = artifacts.COMPARE / "verdict.json"
    whole = file.read_text()
    nobody = json.loads(whole) | {"recommended": None, "best_on_validation": None}
    file.write_text(json.dumps(nobody))
    assert answer.read().verdict.recommended is None
    file.write_text(whole)
