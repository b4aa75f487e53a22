"""Every script in benchmarks/ and examples/ runs: at the tiny size that its own text names.

A new script is found by itself, and fails here until it names one: a line of its docstring with a
command that ends in `# tiny`.
"""

import ast
import csv
import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import common, engine, timed_study
from tests.conftest import ROOT
from tests.faults.fuzzing import ROUNDS

FILES = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("examples/*.py")])
SCRIPTS = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): file
    for file in FILES
    if '\nif __name__ == "__main__":\n' in file.read_text("utf-8")
}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"),
         *ROOT.glob("examples/**/*.md")]  # fmt: skip
CLAIM = "zero_weights_stay_symmetric"
NEEDS = {
    "benchmarks.cluster": "ray",
    "benchmarks.jax_scan": "jax",
    "benchmarks.public_networks": "transformers",
    "benchmarks.public_training": "transformers",
}
"""What is no requirement of ours, by the script that cannot do without."""

TELLS = {
    "benchmarks.cluster": r"\| 1 \| \d+\.\d \| \d+\.\d \|",
    "benchmarks.scaling_model": r"\| image CNN, 600 s \| \d+\.\d h / ",
    "benchmarks.house": r"initsweep: \d+ rooms, \d floors",
    "benchmarks.answers": r"\| product \| rotating \| -?\d[\s\S]*\| wine \| -?\d",
    "benchmarks.calibration": r"\| 3 schemes, 10 seeds \| 0\.0 % \| 0\.0 % \|",
    "benchmarks.whole_job": r"initsweep repro \| 80\.0 [\s\S]*plain loop, [\s\S]*\| tune \| 79",
    "benchmarks.estimate": r"\| regression \| 7 x 8 steps \| \d+ \| 80 \| \d",
    "benchmarks.diagnosis_calibration": r"\| 10% \| \d+% \| \d[\s\S]*gradient \| \d",
    "benchmarks.coordinate_calibration": r"\| he_normal \| \w+ \| 1 \| growing: 1 \|",
    "benchmarks.diagnosis_cost": r"no curvature: \d[\s\S]*stacked, \d+\.\d\d times",
    "benchmarks.diagnosis_reports": r"\| held back \| none: it trains \| \d+ \| 0 false",
    "benchmarks.engine": r"compiled, 2 workers \| \d|3 lanes: +\d+\.\d+ ms|compiled: \d+ us",
    "benchmarks.layers": r"\| GRU \| \d+ \| \d\.\d\d \| \d",
    "benchmarks.init_cost": r"\| 60 rows \| \d+\.\d \| \d",
    "benchmarks.initializers_page": r"`he_normal` \|[\s\S]*Linear\(256, 128\) \| 256 \| \d",
    "benchmarks.jax_scan": r"\d",
    "benchmarks.measure_fans": r"Linear\(256, 128\) \| 256 \| 25\d\.\d \| 128 \| 12\d\.\d",
    "benchmarks.plain_loop": r"plain\.json: 1 schemes",
    "benchmarks.public_networks": r"\| llama \| 9\d\.\d % \| [\s\S]*whole \(1\): gpt2",
    "benchmarks.public_training": r"\| series \| as_built \| 1 \| 0 \| 0 \| 0 \| 1 \|",
    "benchmarks.strangers": r"msft\.csv: refused \(read\)[\s\S]*(\| \d+ ){7}\|",
    "benchmarks.transfer_held_out": r"\| he_normal \| \w[\s\S]*all: \d of 1 within a quarter",
    "benchmarks.transfer_law": r"\| exponent 0 \| \d+\.\d % \|",
    "examples.make_data": r"wine\.csv: 178 rows[\s\S]*diabetes\.csv: 442 rows",
    "benchmarks.claims_table": r"\| Equal weights stay equal \| ✓ supported \|",
    "examples.make_packets": r"regression: \d+ s, estimated: \d",
}
"""What the figures that a script is for look like."""

LONG = {
    "benchmarks.answers", "benchmarks.cluster", "benchmarks.diagnosis_calibration",
    "benchmarks.diagnosis_reports", "benchmarks.engine", "benchmarks.init_cost",
    "benchmarks.plain_loop", "benchmarks.scaling_model", "benchmarks.transfer_held_out",
    "benchmarks.transfer_law", "examples.make_packets",
}  # fmt: skip
"""Whose tiny forms take long, and run with `make fuzz`."""

STUBBED = {"benchmarks.estimate": ("repro",), "benchmarks.whole_job": ("repro", "init")}
"""What these do not run here: `examples.make_packets` does, through the same `timed_study`."""

Done = subprocess.CompletedProcess[str]


def told(text: str) -> list[tuple[str, list[str], bool]]:
    """Return module, arguments and whether it is a tiny form, of every command in a text."""
    text = text.replace("\\\n", " ")
    found = re.findall(r"python -m ((?:benchmarks|examples)\.\w+)([^`\n#]*)(# tiny)?", text)
    return [(name, shlex.split(arguments), bool(tiny)) for name, arguments, tiny in found]


def docstring(name: str) -> str:
    return ast.get_docstring(ast.parse(SCRIPTS[name].read_text("utf-8"))) or ""


TINY = [
    (name, arguments)
    for name in SCRIPTS
    for _, arguments, tiny in told(docstring(name))
    if tiny and name not in STUBBED and (name not in LONG or ROUNDS > 1)
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_names_its_tiny_form_and_takes_it(name):
    module = importlib.import_module(name)
    commands = told(docstring(name))
    assert {module for module, _, _ in commands} == {name}
    assert any(tiny for _, _, tiny in commands)
    for _, arguments, _ in commands:
        module.parser().parse_args(arguments)


def test_what_is_no_script_belongs_to_one():
    text = "\n".join(file.read_text("utf-8") for file in FILES)
    for file in set(FILES) - set(SCRIPTS.values()):
        assert re.search(rf"(?m)^ *from {file.parent.name}\.{file.stem} import", text), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_the_documentation_are_commands(page):
    for name, arguments, _ in told(page.read_text("utf-8")):
        importlib.import_module(name).parser().parse_args(arguments)


@pytest.fixture(scope="module")
def running(request, tmp_path_factory) -> Iterator[dict[int, Future[Done]]]:
    """The tiny forms asked for, two at a time, each in a folder of its own."""
    asked = [item for item in request.session.items if item.function is test_it_runs]
    places = {item.callspec.params["place"]: tmp_path_factory.mktemp("tiny") for item in asked}
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_"))}
    environment["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"

    def run(folder: Path, name: str, arguments: list[str]) -> Done:
        (folder / "claims").mkdir()
        for file in ("params.yaml", "claims/params.yaml"):
            shutil.copy(ROOT / file, folder / file)
        commands = [["-m", name, *arguments]]
        if name == "benchmarks.claims_table":
            commands.insert(0, ["-m", "initsweep", "claims", "run", CLAIM, "--quick"])
        for command in commands:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=folder, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
        return done

    before = changes()
    with ThreadPoolExecutor(2) as pool:
        yield {place: pool.submit(run, folder, *TINY[place]) for place, folder in places.items()}
    assert changes() == before, "a tiny form changed the repository"


def changes() -> str:
    """Return what is changed in the repository, with the contents."""
    commands = (["diff"], ["status", "--porcelain", "--untracked-files=all"])
    return "".join(
        subprocess.run(["git", *one], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for one in commands
    )


@pytest.mark.parametrize("place", range(len(TINY)), ids=[shlex.join([n, *a]) for n, a in TINY])
def test_it_runs(running, place):
    done, (name, _) = running[place].result(), TINY[place]
    needed = NEEDS.get(name)
    if needed is not None and importlib.util.find_spec(needed) is None:
        assert done.returncode == 1
        assert re.fullmatch(rf".*pip install {needed}\n", done.stderr)
        return
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert re.search(TELLS[name], done.stdout), done.stdout
    assert not re.search(r"\b(nan|inf)\b", done.stdout)


@pytest.mark.parametrize("name", STUBBED)
def test_a_table_holds_what_was_timed(name, monkeypatch, capsys):
    def run(command, folder):
        stubbed = not {*command}.isdisjoint({*STUBBED[name], "benchmarks.plain_loop"})
        took = timed_study.Timing(wall=80.0, cpu=100.0, stages={"start": 1.0, "tune": 79.0})
        return ("Estimate: about 2 minutes.", took) if stubbed else timed(command, folder)

    timed, module = timed_study.timed, importlib.import_module(name)
    for one in (timed_study, module):
        monkeypatch.setattr(one, "timed", run, raising=False)
    [arguments] = [given for _, given, tiny in told(docstring(name)) if tiny]
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    module.main()
    assert re.search(TELLS[name], said := capsys.readouterr().out), said


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("benchmarks.calibration --repetitions 1", "--repetitions: received 1; use 2 or more"),
        ("benchmarks.engine --rounds 0", "--rounds: received '0'; use a whole number, 1 or more"),
        ("benchmarks.whole_job --loops 2", "--loops: received ''; use a whole number"),
        ("benchmarks.estimate --tiny", "name some with --examples"),
        ("examples.make_packets --tiny", "name a folder with --into"),
        ("benchmarks.claims_table --quick --write", "a part of the tables is not written"),
        ("benchmarks.diagnosis_calibration --cases 3 --write", "a part of the tables is not"),
        ("benchmarks.public_training --networks gpt2 --write", "a part of the tables is not"),
    ],
)
def test_what_cannot_be_asked_for_is_said(asked, expected, monkeypatch, capsys):
    name, *arguments = asked.split()
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as end:
        importlib.import_module(name).main()
    assert end.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_page_without_a_place_for_a_table_is_left_alone(tmp_path):
    from benchmarks.common import put

    page = tmp_path / "page.md"
    page.write_text("<!-- one -->\nold\n<!-- end -->\n\n<!-- two -->\nold\n")
    with pytest.raises(SystemExit, match=r"page\.md has no place for a table: <!-- two -->"):
        put(page, {"one": "new", "two": "new"})
    assert "new" not in page.read_text()
    put(page, {"one": "new"})
    assert page.read_text() == "<!-- one -->\nnew\n<!-- end -->\n\n<!-- two -->\nold\n"


def test_a_history_grows_by_a_line_for_each_ratio(tmp_path, monkeypatch):
    kept = ROOT.joinpath("benchmarks/history.csv").read_text().splitlines()[0]
    history = tmp_path / "history.csv"
    history.write_text(f"{kept}\n")
    monkeypatch.setattr(common, "HISTORY", history)
    common.remember({"whole job: plain loop": 12.345})
    common.remember(engine.headlines("mlp", {"DataLoader loop": [2.0], "torch, 2 workers": [0.5]}))
    rows = list(csv.DictReader(history.read_text().splitlines()))
    assert [row["times faster"] for row in rows] == ["12.35", "4.00"]
    assert [row["measured"] for row in rows] == ["whole job: plain loop", "mlp: torch, 2 workers"]
    assert rows[0]["commit"]
    assert "x" in rows[0]["machine"]
