"""No file of the current folder or of `own/` is run in the place of a library's."""

import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from initsweep.commands import main as cli
from initsweep.core import own_code
from initsweep.core.errors import ParamsError
from tests.conftest import ROOT

MISSING = (
    *("IPython", "_ruamel_yaml", "_winapi", "bottleneck", "cython", "dill", "lz4", "msvcrt"),
    *("numexpr", "pydot", "pytz", "sitecustomize", "triton", "uarray", "usercustomize"),
)
"""Modules that libraries or Python look for and that are not there."""

TRAP = """
with open({log!r}, "a") as log:
    log.write(__name__ + " ")
raise SystemExit(__name__ + " of the current folder was run")
"""
NET = "from torch import nn\n\n\ndef net():\n    return nn.Linear(3, 2)\n"


def lay_traps(folder: Path, *more: str) -> Path:
    """Write a file for every module that can be imported here; return the log of what ran."""
    log = folder.parent / "log.txt"
    for name in {*(module.name for module in pkgutil.iter_modules()), *more} - {"initsweep"}:
        (folder / f"{name}.py").write_text(TRAP.format(log=str(log)))
    return log


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "study"
    (folder / "own").mkdir(parents=True)
    (folder / "params.yaml").write_text(
        (ROOT / "params.yaml").read_text().replace("watch: data/raw", "watch: params.yaml")
    )
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return folder


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("initsweep summary", 2),
        ("initsweep explain mlp --features 3 --outputs 2", 0),
        ("initsweep check mine:net", 0),
        ("initsweep init other --data wine --minutes 0.01", 0),
        ("python -P -m initsweep prepare", 0),
    ],
)
def test_a_command_runs_nothing_that_lies_in_the_current_folder(here, command, status):
    # Once a command names a module of the folder, libraries could find there what they lack.
    log = lay_traps(here, *(() if ":" in command else MISSING))
    (here / "mine.py").write_text(NET)
    program, *arguments = command.split()
    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not log.exists(), log.read_text()
    assert done.returncode == status, done.stderr


def test_python_itself_runs_files_only_until_initsweep_begins(here):
    """`python -m` without -P puts the folder first; what Python imports before us is few."""
    (here / "torch.py").write_text(TRAP.format(log="log"))
    (here / "socket.py").write_text(TRAP.format(log="log"))
    command = [sys.executable, "-m", "initsweep", "names", "he_normal"]
    subprocess.run(command, check=True, capture_output=True)


def test_every_process_of_the_study_is_told_to_leave_the_folder_out():
    for file in ("dvc.yaml", "claims/dvc.yaml", "claims/quick/dvc.yaml", "MLproject"):
        commands = re.findall(r"(.*)python -m initsweep", (ROOT / file).read_text())
        assert commands
        assert all("PYTHONSAFEPATH=1 " in command for command in commands)


@pytest.mark.parametrize(
    ("command", "file", "library"),
    [
        ("check code:net", "code.py", "Python's own module 'code'"),
        ("check torch:net", "torch.py", "/torch/__init__.py"),
        ("explain pandas:net", "pandas/nets.py", "/pandas/__init__.py"),
        ("export he_normal --model random:net", "random.py", "Python's own module 'random'"),
        ("diagnose types:net --batch x.npy", "types.py", "Python's own module 'types'"),
        ("init other --data wine --model secrets:net", "secrets.py", "own module 'secrets'"),
        ("init other --data numpy:load", "numpy/__init__.py", "/numpy/__init__.py"),
        ("check msvcrt:net", "msvcrt.py", "Python's own module 'msvcrt'"),
        ("check initsweep:net", "initsweep.py", "/initsweep/__init__.py"),
    ],
)
@pytest.mark.parametrize("folder", [".", "own"])
def test_a_module_with_the_name_of_a_library_s_is_refused(
    here, capsys, command, file, library, folder
):
    path = here / folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(NET)
    assert cli.main(command.split()) == 2
    error = capsys.readouterr().err
    assert library in error
    assert str(path.parent if path.name == "nets.py" else path) in error
    assert "Rename it, to 'my_" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("command", ["prepare", "tune --scheme zeros", "repro", "check he_normal"])
def test_a_module_that_only_own_code_imports_is_refused_too(here, capsys, command):
    (here / "own/random.py").write_text("")
    assert cli.main(command.split()) == 2
    assert "own_code: '" in (error := capsys.readouterr().err)
    assert "own/random.py' has the name of Python's own module 'random'" in error


def test_a_name_in_the_parameters_is_refused_with_its_key(here):
    (here / "own/types").mkdir()
    (here / "own/types/nets.py").write_text("")
    own_code.use("own")
    with pytest.raises(ParamsError, match=r"^model.name: 'types.nets:x': '.*own/types' has the"):
        own_code.check("own", [("model.name", "types.nets:x")])


def test_folders_that_are_no_code_and_parts_of_one_package_are_no_twins(here, tmp_path):
    for part, place in (("a", here / "own/shared_space"), ("b", tmp_path / "lib/shared_space")):
        place.mkdir(parents=True)
        (place / f"{part}.py").write_text("")
    sys.path.append(str(tmp_path / "lib"))
    (here / "types").mkdir()
    own_code.use("own")
    own_code.check("own", [("model.name", "shared_space.a:x"), ("data.source", "types:x")])


def test_a_module_that_the_user_has_put_on_python_s_path_is_taken(here):
    (here / "on_the_path.py").write_text(NET)
    sys.path.insert(0, str(here))
    own_code.use_here(["on_the_path:net"])
    assert own_code.place_of("on_the_path:net") == here / "on_the_path.py"


def test_the_current_folder_is_left_out_unless_a_module_is_named(here):
    before = list(sys.path)
    (here / "csv.py").write_text("")
    own_code.use_here(["he_normal", None, ["width=3"], "at 10:30", "csv:my.csv", "see csv:my"])
    assert sys.path == before


@pytest.mark.parametrize("named", ["mine:net", "he_normal,mine:net", "he_normal, mine:net"])
def test_the_current_folder_is_looked_into_for_a_module_that_is_named(here, named):
    before = list(sys.path)
    own_code.use_here([named])
    assert sys.path == [*before, str(here)]
