"""The contracts on who imports whom refuse what they are there to refuse."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FORBIDDEN = {
    "Rooms import downwards only": ("statistics/grid.py", "from initsweep.commands import main"),
    "Files of the core import downwards only": (
        "core/spelling.py",
        "from initsweep.core import params",
    ),
    "Views import downwards only": (
        "views/figures/marks.py",
        "from initsweep.views import terminal",
    ),
    "The study knows nothing of the paper": ("stages/compare.py", "import initclaims"),
    "Only tuning imports optuna": ("statistics/grid.py", "import optuna"),
    "Only the view of MLflow imports mlflow": ("commands/repro.py", "import mlflow"),
    "Only its adapter imports lightning": ("adapters/rates.py", "import lightning"),
    "Only its adapter imports transformers": ("adapters/rates.py", "import transformers"),
}


def contracts(folder: Path) -> str:
    """Return what the linter says of the sources in a folder."""
    program = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the sources and of the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    return tmp_path


def test_forbidden_imports_are_refused(copy: Path) -> None:
    for file, line in FORBIDDEN.values():
        path = copy / "src/initsweep" / file
        path.write_text(path.read_text("utf-8") + f"\n\ndef _late() -> None:\n    {line}\n")
    said = contracts(copy)
    for contract, (_, line) in FORBIDDEN.items():
        assert f"{contract} BROKEN" in said, line


def test_a_room_that_no_contract_knows_is_refused(copy: Path) -> None:
    (copy / "src/initsweep/attic.py").write_text('"""Loose."""\n')
    assert "Rooms import downwards only BROKEN" in contracts(copy)


def test_nothing_imports_an_adapter(copy: Path) -> None:
    path = copy / "src/initsweep/commands/check_loop.py"
    path.write_text(path.read_text("utf-8") + "\nfrom initsweep.adapters import rates\n")
    assert "Rooms import downwards only BROKEN" in contracts(copy)
