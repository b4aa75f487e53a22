"""The package installs with a C++ compiler and without one."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def sources(tmp_path):
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.so"))
    return tmp_path


def build(sources, **environment):
    return subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--build-lib", "built", "--build-temp", "temp"],
        cwd=sources,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_compiler_it_goes_on_and_says_so_in_one_line(sources):
    done = build(sources, CC="/no/compiler", CXX="/no/compiler")
    assert done.returncode == 0
    said = [line for line in done.stderr.splitlines() if line.startswith("initsweep:")]
    assert len(said) == 1
    assert "kernels not built: " in said[0]
    assert "/no/compiler" in said[0]
    assert not list((sources / "built").rglob("*.so"))


def test_the_compiler_finds_nothing_to_warn_about(sources):
    flags = "-Werror -Wall -Wextra -O0"  # without optimizing it is quick
    done = build(sources, CFLAGS=flags, CXXFLAGS=flags)
    assert done.returncode == 0
    assert "initsweep:" not in done.stderr
    assert list((sources / "built").rglob("_portable*.so"))
