"""The scripts that make a study and time it ask for the same, and pass on what goes wrong."""

import importlib
import sys
from pathlib import Path

import pytest

from benchmarks import timed_study
from tests.conftest import ROOT

SCRIPTS = {
    "benchmarks.estimate": ["--examples"],
    "examples.make_packets": [],
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["image"], "the example 'image' needs --mnist, the folder with"),
        (["image", "--mnist", "nowhere"], "--mnist: there is no file /"),
        (["imgae"], "no such example: imgae; known: classification, deep"),
    ],
)
def test_what_is_missing_is_said_at_once(script, asked, expected, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [script, *SCRIPTS[script], *asked])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        importlib.import_module(script).main()
    assert end.value.code == 2
    assert expected in capsys.readouterr().err


def test_why_init_fails_is_passed_on(capfd):
    with (
        pytest.raises(SystemExit, match=r"`initsweep init study --data gone\.csv` ended with"),
        timed_study.timed_study(timed_study.Asked(more=["--data", "gone.csv"])),
    ):
        pass
    assert "there is no file 'gone.csv'" in capfd.readouterr().err


def test_a_study_is_timed_while_it_is_there(monkeypatch):
    ran = []

    def run(command, folder):
        ran.append((command[3:], folder.name))
        said = "Estimate: about 1.5 minutes." if command[3] == "init" else ""
        return said, timed_study.Timing(wall=80.0, cpu=100.0)

    monkeypatch.setattr(timed_study, "timed", run)
    with timed_study.timed_study(timed_study.Asked(more=["--data", "wine"])) as study:
        assert study.folder.parent.is_dir()
    assert (study.estimate, study.estimated, study.timing.wall) == ("1.5 minutes", 90.0, 80.0)
    assert [command for command, _ in ran] == [["init", "study", "--data", "wine"], ["repro"]]
    assert ran[1][1] == "study"
    assert not study.folder.parent.exists()


def test_seconds_are_counted_by_stage(tmp_path, capfd):
    code = (
        "import sys, time; print('the verdict')\n"
        "for n, name in enumerate(('tune a', 'tune b, about 2 seconds left', 'report')):\n"
        "    print(f'stage {n} of 9: {name}', file=sys.stderr, flush=True); time.sleep(0.05)"
    )
    said, timing = timed_study.timed([sys.executable, "-c", code], tmp_path)
    assert said == "the verdict\n"
    assert capfd.readouterr().err.count("stage") == 3
    assert list(timing.stages) == ["start", "tune", "report"]
    assert timing.stages["tune"] > 0.1
    assert sum(timing.stages.values()) == pytest.approx(timing.wall)


def test_a_changed_parameter_file_finds_its_data_and_code(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "params.yaml").write_text("tune:\n  grid: {points: 9}  # of rates\nown_code: own\n")
    seen = []

    def run(command, folder):
        given = Path(command[command.index("--params") + 1]) if "--params" in command else None
        if given is not None:
            seen.extend([given.read_text(), (given.parent / "data").is_dir()])
        return "Estimate: about 2 seconds.", timed_study.Timing(wall=1.0, cpu=1.0)

    monkeypatch.setattr(timed_study, "timed", run)
    file = tmp_path / "params.yaml"
    asked = timed_study.Asked(params=file, changes={"tune.grid.points": 3})
    with timed_study.timed_study(asked):
        pass
    assert seen == ["tune:\n  grid: {points: 3}  # of rates\nown_code: own\n", True]
