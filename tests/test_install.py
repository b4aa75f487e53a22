"""The installation says in one line what is missing, and picks up what is unfinished or moved.

Python and pip are stood in for by a script that notes what it was called with: the real ones take
minutes, and run in front of every run of the tests.
"""

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT

TOOLS = ("cat", "chmod", "cp", "dirname", "grep", "head", "ls", "mkdir", "rm", "sh", "sleep",
         "touch", "wc")  # fmt: skip
PYTHON = """\
#!/bin/sh
echo "$*" >> "$HOME/calls"
case "$*" in
    *"version_info[:3]"*) echo "${FAKE_VERSION:-3.11.9} $0" ;;
    *"version_info[:2]"*) echo "3.11 $(cd "$(dirname "$0")/.." && pwd -P)" ;;
    *ensurepip*) exit ${FAKE_ENSUREPIP:-0} ;;
    "-m venv .venv")
        mkdir -p .venv/bin .venv/lib/python3.11/site-packages
        cp "$0" .venv/bin/python
        echo "#!$PWD/.venv/bin/python" > .venv/bin/pip
        printf '#!/bin/sh\\necho compiled\\n' > .venv/bin/initsweep
        chmod +x .venv/bin/initsweep ;;
    "-m pip "*) exit ${FAKE_PIP:-0} ;;
esac
"""


class Machine:
    """A folder to install in, and a PATH of few programs."""

    def __init__(self, folder: Path) -> None:
        self.path, self.programs, self.home = folder / "initsweep", folder / "bin", folder
        self.path.mkdir()
        self.programs.mkdir()
        for name in ("Makefile", "install.sh", "pyproject.toml", "constraints.txt", "setup.py"):
            shutil.copy(ROOT / name, self.path)
        for tool in TOOLS:
            (self.programs / tool).symlink_to(shutil.which(tool) or "/nowhere")
        self.put("python3.11")
        for tool in ("git", "g++"):
            self.put(tool, "")

    def put(self, name: str, text: str = PYTHON) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.programs), "HOME": str(self.home), **variables}
        return subprocess.run(
            [str(shutil.which("make")), ".venv/installed", *arguments],
            cwd=self.path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        return (self.home / "calls").read_text().splitlines()

    @property
    def times_made(self) -> int:
        return self.calls.count("-m venv .venv")

    @property
    def times_filled(self) -> int:
        return sum(call.startswith("-m pip install") for call in self.calls)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says why, after which make says that it stopped."""
    ours, makes = done.stderr.splitlines()
    assert done.returncode == 2
    assert done.stdout == ""
    assert makes.startswith("make: ***")
    return ours


def test_it_says_what_it_does_and_does_it_once(machine):
    first = machine.make()
    assert first.returncode == 0
    assert first.stdout.startswith("initsweep: installs into .venv with Python 3.11.9: 2 to 5 min")
    assert "compiled" in first.stdout
    assert first.stdout.splitlines()[-1].startswith("initsweep: installed.")
    assert "is up to date" in machine.make().stdout
    assert (machine.times_made, machine.times_filled) == (1, 1)


def test_without_python_it_says_which_it_needs_and_what_is_there(machine):
    (machine.programs / "python3.11").unlink()
    machine.put("python3", PYTHON.replace("3.11.9", "3.10.4"))
    assert refusal(machine.make()) == (
        "initsweep: needs Python 3.11, 3.12 or 3.13; there is no 'python3.11' that runs, there is "
        "no 'python3.12' that runs, there is no 'python3.13' that runs, 'python3' is Python 3.10.4,"
        " there is no 'python' that runs. Install one (Debian, Ubuntu: apt install python3.11 "
        "python3.11-venv), or name it: make PYTHON=/path/to/python3.11"
    )


def test_a_shim_without_a_python_behind_it_is_none(machine):
    machine.put(
        "python3.11", "#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127"
    )
    assert "there is no 'python3.11' that runs" in refusal(machine.make())
    machine.put("python3")
    assert machine.make().returncode == 0


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (("3.13", "3.12", "3.11"), "3.11"),
        (("3.13", "3.12"), "3.12"),
        (("3.13", "3.14"), "3.13"),
    ],
)
def test_the_first_suitable_python_is_taken_and_told(machine, there, taken):
    (machine.programs / "python3.11").unlink()
    for version in there:
        machine.put(f"python{version}", PYTHON.replace("3.11", version))
    assert f"installs into .venv with Python {taken}.9: " in machine.make().stdout
    assert "is up to date" in machine.make().stdout


@pytest.mark.parametrize("version", ["3.10.13", "3.14.1", "3.1.1", "2.7.18"])
def test_a_python_that_was_asked_for_is_not_replaced_by_another(machine, version):
    machine.put("mine", PYTHON.replace("3.11.9", version))
    assert f"'mine' is Python {version}." in refusal(machine.make("PYTHON=mine"))


@pytest.mark.parametrize(
    ("missing", "variables", "expected"),
    [
        ("", {"FAKE_ENSUREPIP": "1"}, "modules venv and ensurepip, which"),
        ("git", {}, "needs git, which is not installed"),
    ],
)
def test_what_else_is_missing_is_said_before_anything_is_made(
    machine, missing, variables, expected
):
    if missing:
        (machine.programs / missing).unlink()
    assert expected in refusal(machine.make(**variables))
    assert not (machine.path / ".venv").exists()


def test_without_a_compiler_it_goes_on(machine):
    (machine.programs / "g++").unlink()
    done = machine.make()
    assert done.returncode == 0
    assert done.stdout.startswith("initsweep: there is no g++, so the fast training path will not")


def test_a_file_in_the_place_of_the_environment_is_not_deleted(machine):
    (machine.path / ".venv").write_text("mine")
    assert "a file has it" in refusal(machine.make())
    assert (machine.path / ".venv").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_said(machine):
    machine.path.chmod(0o555)
    assert f"cannot write in {machine.path}" in refusal(machine.make())


def moved(machine: Machine) -> None:
    machine.path = machine.path.rename(machine.home / "another place")


def without_its_python(machine: Machine) -> None:
    (machine.path / ".venv/bin/python").unlink()
    (machine.path / ".venv/bin/python").symlink_to("/gone/python3.11")


def of_another_python(machine: Machine) -> None:
    python = machine.path / ".venv/bin/python"
    python.write_text(python.read_text().replace('echo "3.11 ', 'echo "3.10 '))


def without_pip(machine: Machine) -> None:
    (machine.path / ".venv/bin/pip").unlink()


@pytest.mark.parametrize("broken", [moved, without_its_python, of_another_python, without_pip])
def test_an_environment_that_cannot_be_used_is_made_anew(machine, broken):
    machine.make()
    broken(machine)
    (machine.path / ".venv/old").touch()
    done = machine.make()
    assert done.returncode == 0
    assert "makes .venv anew" in done.stdout
    assert not (machine.path / ".venv/old").exists()
    assert (machine.times_made, machine.times_filled) == (2, 2)
    assert "is up to date" in machine.make().stdout


def test_what_failed_or_was_stopped_goes_on_where_it_was(machine):
    failed = machine.make(FAKE_PIP="1")
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-2].startswith("initsweep: the installation did not finish;")
    modules = machine.path / ".venv/lib/python3.11/site-packages"
    for name in ("whole", "cut_short"):
        (modules / f"{name}-1.0.dist-info").mkdir()
    (modules / "whole-1.0.dist-info/INSTALLER").touch()
    assert machine.make().returncode == 0
    assert [file.name for file in modules.iterdir()] == ["whole-1.0.dist-info"]
    assert (machine.times_made, machine.times_filled) == (1, 2)


def test_other_requirements_are_installed_into_what_is_there(machine):
    machine.make()
    os.utime(machine.path / ".venv/installed", (0, 0))
    assert machine.make().returncode == 0
    assert (machine.times_made, machine.times_filled) == (1, 2)
    first, last = (call for call in machine.calls if call.startswith("-m pip"))
    assert ("--quiet" in first, "--quiet" in last) == (False, True)
    assert machine.calls[-1].startswith("-m compileall")


def test_an_update_that_failed_is_not_taken_for_an_environment(machine):
    machine.make()
    os.utime(machine.path / ".venv/installed", (0, 0))
    assert machine.make(FAKE_PIP="1").returncode == 2
    assert "is up to date" not in machine.make().stdout


def test_help_needs_no_python(machine):
    (machine.programs / "python3.11").unlink()
    done = subprocess.run(
        ["make", "help"], cwd=machine.path, capture_output=True, text=True, check=True
    )
    assert "run the study" in done.stdout


def test_every_pin_can_be_installed_with_the_python_of_debian():
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    asked = {
        name: metadata.metadata(name).get("Requires-Python") or ""
        for name, version in pins.items()
        if _installed(name) == version.split("+")[0]
    }
    assert len(asked) > 150
    assert {name: need for name, need in asked.items() if "3.11.2" not in SpecifierSet(need)} == {}


def _installed(name: str) -> str:
    try:
        return metadata.version(name).split("+")[0]
    except metadata.PackageNotFoundError:  # of another system
        return ""
