"""`initsweep claims` belongs to another package, and is found as anybody's command would be."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

import initsweep
from initclaims import command
from initsweep.commands import main as cli
from initsweep.commands.parsers import groups, others
from tests.conftest import ROOT


@pytest.fixture
def installed(monkeypatch):
    """Tell what is installed, beside sources that lie in no tree of their own."""

    def tell(**values: str) -> None:
        points = [EntryPoint(name, value, others.GROUP) for name, value in values.items()]
        monkeypatch.setattr(others, "entry_points", lambda group: points)
        monkeypatch.setattr(initsweep, "project_of_the_tree", dict)

    return tell


def test_a_command_is_found_where_it_is_installed(installed, capsys):
    installed(papers="initclaims.command:COMMAND")
    assert list(groups()["more commands"]) == ["papers"]
    assert cli.main(["papers", "list"]) == 0
    assert "zero_weights_stay_symmetric" in capsys.readouterr().out


def test_without_the_package_there_is_no_such_command(installed, capsys):
    installed()
    with pytest.raises(SystemExit, match="2"):
        cli.main(["claims"])
    assert "There is no command 'claims'." in capsys.readouterr().err


def test_a_source_tree_has_its_own_commands_whatever_is_installed(monkeypatch):
    stale = [EntryPoint("claims", "initsweep.commands.gone:COMMAND", others.GROUP)]
    monkeypatch.setattr(others, "entry_points", lambda group: stale)
    assert others.commands() == {"claims": command.COMMAND}


def test_commands_of_initsweep_search_no_other_package(monkeypatch):
    monkeypatch.setattr(others, "commands", lambda: pytest.fail("searched"))
    assert "more commands" not in groups("repro")


@pytest.mark.parametrize("module", ["scipy", "mlflow"])
def test_what_claims_need_is_named_where_it_is_missing(module, monkeypatch, capsys):
    def refuse(*modules, **extra):
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    monkeypatch.setattr(command, "require", refuse)
    assert cli.main(["claims", "list"]) == 2
    assert capsys.readouterr().err == (
        f"initsweep: This needs '{module}', which is not installed. "
        "Run `pip install 'initsweep[claims]'`.\n"
    )


def test_the_package_runs_by_itself_and_no_file_of_the_folder_does(tmp_path):
    (tmp_path / "torch.py").write_text("raise SystemExit('a file of the folder was run')")
    done = subprocess.run(
        [sys.executable, "-m", "initclaims", "list"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "zero_weights_stay_symmetric" in done.stdout
