"""What `init` says to type, typed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from initsweep.commands.main import main
from initsweep.core.params import load_params
from initsweep.starting import folder, timing
from initsweep.starting.settings import SAID_OTHERWISE, as_options, values_of

ROWS = [f"n{i},{'-' if i % 5 == 0 else i},{'N,D' if i % 3 == 0 else i * 2}" for i in range(150)]
ENDS = [f"{i % 4};{'ab'[i % 2] if i % 9 else ''}" for i in range(150)]
PAIRS = zip(ROWS, ENDS, strict=True)
LINES = ["id;x;z;3;y", *(f"{row.replace(',', ';', 2)};{end}" for row, end in PAIRS)]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder in which nothing is timed for long and nothing versioned."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(timing, "ENOUGH", 0.0)
    monkeypatch.setattr(folder, "start_versioning", lambda data: ["nothing"])
    return tmp_path


def test_one_refusal_names_everything_and_what_it_says_to_type_works(here, capsys):
    (here / "my table.csv").write_text("\n".join([*LINES, "in all: 150"]))
    assert main(["init", "study", "--data", "my table.csv", "--drop", "3"]) == 2
    said = capsys.readouterr().err
    assert "5 faults" in said
    told = re.findall(r"`(.*?)`", said)
    commands = [one for one in told if one.startswith("sed")]
    options = [one for one in told if one.startswith("--")]
    assert len(commands) == 1
    subprocess.run(["sh", "-c", commands[0]], check=True, cwd=here)
    typed = shlex.split(" ".join(options))
    assert main(["init", "study", "--data", "clean.csv", *typed]) == 0
    out, noticed = capsys.readouterr()
    assert out.splitlines()[0].endswith("features, 2 classes of 'y'.")
    assert "init: Target: 'y', classification, 2 classes (a, b)." in noticed
    assert "init: Numbers: 2 columns: x, z." in noticed
    assert "rows without a target 'y' are left out" in noticed
    table = load_params(here / "study/params.yaml").data.table
    assert table.missing == ("-", "N,D")
    assert table.drop_missing_target
    assert table.drop == (3, "id")


def test_a_command_names_a_file_as_a_shell_reads_it(here, capsys):
    (here / "it's mine.csv").write_text("\n".join([*LINES, "in all: 150"]))
    assert main(["init", "study", "--data", "it's mine.csv"]) == 2
    command = next(one for one in re.findall(r"`(.*?)`", capsys.readouterr().err) if "sed" in one)
    subprocess.run(["sh", "-c", command], check=True, cwd=here)
    assert (here / "clean.csv").read_text().splitlines() == LINES


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ('set `data.table.missing: ["-", "N,D"]`', """set `--missing='-,"N,D"'`"""),
        ('set `data.table.missing: ["empty"]`', "set `--missing empty,`"),
        ('data.table.missing: "empty"', "--missing empty"),
        ('set `data.table.drop: ["a b", -2]`', "set `--drop 'a b,-2'`"),
        ("set `data.table.drop_missing_target: true`", "set `--drop-missing-target`"),
        ('data.table.quote: "none", data.table.decimal: ","', "--quote none, --decimal ,"),
        ("set data.table.header: true, or auto", "set --header true, or auto"),
    ],
)
def test_values_are_said_as_they_are_typed(said, typed):
    assert as_options(said, SAID_OTHERWISE) == typed


def test_lists_are_taken_apart_as_they_are_said():
    given = {"missing": '-,"N,D"', "drop": "-2,a b", "drop_missing_target": "true"}
    assert values_of(given) == {
        "data.table.missing": ["-", "N,D"],
        "data.table.drop": [-2, "a b"],
        "data.table.drop_missing_target": True,
    }
    assert values_of({"missing": "empty"}) == {"data.table.missing": "empty"}
    assert values_of({"missing": "empty,"}) == {"data.table.missing": ["empty"]}


def test_a_folder_of_images_becomes_a_study(here, capsys):
    import numpy as np
    from PIL import Image

    for i in range(60):
        place = here / "pets" / ("cat", "dog")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 6), i, "u1")).save(place / f"{i}.png")
    assert main(["init", "study", "--data", "pets"]) == 0
    params = load_params(here / "study/params.yaml")
    assert (params.data.source, params.model.name) == ("images:data/raw/pets", "cnn")
    assert (here / "study/data/raw/pets/cat/0.png").exists()


def test_without_words_of_its_own_a_message_stays_as_it_is():
    assert as_options("Target: 'y'. Set data.task: regression", {}) == (
        "Target: 'y'. Set data.task: regression"
    )
