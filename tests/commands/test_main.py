import shutil
import subprocess
import sys

import pytest

from initsweep.commands import main as cli
from tests.conftest import ROOT


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "own").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("initializers", ["he_normal", "orthogonal", "torch_default"]),
        ("architectures", ["mlp"]),
        ("datasets", ["digits", "1797 grey images"]),
        ("metrics", ["accuracy", "cross_entropy"]),
        ("engines", ["compiled", "torch", "reference"]),
    ],
)
def test_list_shows_names_and_what_they_are(capsys, kind, expected):
    status, out, _ = run(capsys, "list", kind)
    assert status == 0
    assert all(part in out for part in expected)
    assert all(len(line.split()) > 3 for line in out.splitlines())


@pytest.mark.parametrize("kind", ["initializers", "architectures", "datasets", "metrics"])
def test_summaries_stand_in_one_column(capsys, kind):
    lines = run(capsys, "list", kind)[1].splitlines()
    names = [line.split()[0] for line in lines]
    start = max(map(len, names)) + 2
    assert all(line[:start] == f"{name:{start}}" for name, line in zip(names, lines, strict=True))
    assert all(line[start] != " " for line in lines)


def test_a_user_s_mistake_is_one_message_and_status_2(capsys, folder):
    (folder / "params.yaml").write_text("data: {}\n")
    status, out, err = run(capsys, "prepare")
    assert status == 2
    assert out == ""
    assert "model: missing" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("before", "after", "stage", "expected"),
    [
        ("source: digits", "source: digts", ["prepare"], "Did you mean 'digits'"),
        ("depth: 3", "depth: -3", ["tune", "--scheme", "zeros"], "model.depth"),
        ("depth: 3", "dpeth: 3", ["tune", "--scheme", "zeros"], "Did you mean 'depth'"),
        ("activation: relu", "activation: rleu", ["diagnose"], "'rleu'"),
        ("name: random_normal, std: 1.0", "name: random_norml, std: 1.0", ["diagnose"],
         "Did you mean 'random_normal'"),
        ("std: 0.01}", "sdt: 0.01}", ["diagnose"], "initializers.random_normal_small.sdt"),
        ("std: 0.01}", "std: -0.01}", ["diagnose"], "initializers.random_normal_small.std"),
        ("batch_size: 128", "batch_size: 5000", ["tune", "--scheme", "zeros"], "5000"),
        ("device: auto", "device: cuda:7", ["tune", "--scheme", "zeros"], "cuda:7"),
        ("", "", ["tune", "--scheme", "he_nrmal"], "Did you mean 'he_normal'"),
        ("", "", ["compare"], "run `dvc repro`"),
    ],
)  # fmt: skip
def test_every_stage_names_the_key_the_value_and_the_remedy(
    capsys, folder, before, after, stage, expected
):
    text = (ROOT / "params.yaml").read_text()
    assert before in text
    if stage != ["prepare"] and stage != ["compare"]:
        assert run(capsys, "prepare")[0] == 0
    (folder / "params.yaml").write_text(text.replace(before, after, 1))
    status, _, err = run(capsys, *stage)
    assert (status, "Traceback" in err) == (2, False)
    assert expected in err


def test_results_are_missing_before_the_stage_that_makes_them(capsys, folder):
    status, _, err = run(capsys, "tune", "--scheme", "he_normal")
    assert status == 2
    assert "schema.json' is missing: run `dvc repro`" in err


@pytest.mark.parametrize("command", [["summary"], ["summary", "--markdown"], ["gate"]])
def test_where_no_study_is_or_none_has_run_it_says_what_makes_one(
    capsys, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *command)
    assert status == 2
    assert err == (
        f"initsweep: '{tmp_path}' is no study: it has no params.yaml. `initsweep init` makes a "
        "study.\n"
    )
    (tmp_path / "params.yaml").touch()
    assert "has not run yet" in (told := run(capsys, *command)[2])
    assert "Run `initsweep repro`" in told


def test_a_python_without_our_requirements_is_told_what_to_do():
    code = (
        "import sys, runpy; sys.modules['ruamel'] = None; sys.path.insert(0, 'src'); "
        "runpy.run_module('initsweep', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "source .venv/bin/activate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("modules", "not_imported"),
    [
        (
            "initsweep.commands.main",
            ["torch", "mlflow", "optuna", "sklearn", "matplotlib", "numpy"],
        ),
        ("initsweep.stages.prepare", ["mlflow", "optuna", "matplotlib"]),
        ("initsweep.stages.tune", ["mlflow", "sklearn", "matplotlib"]),
        ("initsweep.stages.train", ["mlflow", "sklearn", "matplotlib", "optuna"]),
        ("initsweep.stages.report", ["mlflow", "sklearn", "optuna", "torch"]),
        ("initsweep.views.terminal.screen", ["mlflow", "sklearn", "optuna", "torch"]),
    ],
)
def test_a_stage_pays_only_for_what_it_uses(modules, not_imported):
    code = f"import sys, {modules}; print(*[m for m in {not_imported} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "src", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_output_into_a_pipe_that_closes_is_no_error():
    command = f"{sys.executable} -m initsweep list initializers | true"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_the_server_takes_the_place_of_the_command(capsys, folder, monkeypatch):
    """So a signal to whoever started it reaches the server, which else would go on alone."""
    started = []

    def instead(file, arguments, environment):
        started.append((file, arguments, environment))
        raise SystemExit(0)

    monkeypatch.setattr(cli.os, "execvpe", instead)
    with pytest.raises(SystemExit):
        cli.main(["ui", "--port", "5055"])
    ((file, arguments, environment),) = started
    assert (file, arguments[-2:]) == (sys.executable, ["--port", "5055"])
    assert environment.items() >= {"PATH": cli.os.environ["PATH"]}.items()
    assert "http://127.0.0.1:5055" in capsys.readouterr().out
