"""The command line as a new user meets it: help, versions, and what is said about mistakes."""

import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import initsweep
from initsweep.commands import parsers
from initsweep.commands.main import main
from tests.conftest import ROOT

GROUPS = parsers.groups()
NAMES = sorted({name for commands in GROUPS.values() for name in commands})
EVERY = [(name, one) for group in GROUPS.values() for name, one in group.items()]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]


def shown(capsys, *arguments: str) -> tuple[int, str, str]:
    """Return status, output and errors of a command that ends by itself or by argparse."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, *capsys.readouterr()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("rpro", "There is no command 'rpro'. Did you mean 'repro'?"),
        ("REPRO", "Did you mean 'repro'?"),
        ("run", "Did you mean 'repro'?"),
        ("train-all", "Did you mean 'repro'?"),
        ("status", "Did you mean 'dvc status'?"),
        ("help rpro", "Did you mean 'repro'?"),
        ("version", "Did you mean '--version'?"),
        ("my.csv", "There is no command 'my.csv'. `initsweep help` lists all."),
        ("--verison", "unrecognized arguments: --verison. Did you mean '--version'?"),
        ("--minutes 3 init x", "unrecognized arguments: --minutes. For example: initsweep init"),
        ("repro --forse", "repro: unrecognized arguments: --forse. Did you mean '--force'?"),
        ("repro --forc", "Did you mean '--force'?"),
        ("init x --Target=y", "Did you mean '--target'?"),
        ("init x y", "init: unrecognized arguments: y. For example: initsweep init my-study"),
        ("tune --shceme he_normal", "Did you mean '--scheme'?"),
        ("promote he_normal --bye Ann --because x", "Did you mean '--by'?"),
        ("promote he_normal", "arguments are required: --by, --because. For example: initsweep"),
        ("list", "list: the following arguments are required: kind. For example"),
        ("list initializer", "kind: received 'initializer'. Did you mean 'initializers'?"),
        ("list x", "kind: received 'x'. Use one of: initializers, architectures, datasets,"),
        ("gate --decision win", "--decision: received 'win'. Did you mean 'winner'?"),
        ("claims pag", "Did you mean 'page'?"),
        ("init x --task classificatio", "Did you mean 'classification'?"),
        ("init x --minutes ten", "--minutes: received 'ten'. Use a number, as in 0.5."),
        ("diagnose n --batch b --seeds 1.5", "--seeds: received '1.5'. Use a whole number."),
        ("ui --port 70000", "--port: received 70000. Use 1 to 65535."),
        ("ui --port 0", "--port: received 0. Use 1 to 65535."),
        ("init x --drop", "init: --drop: expected one argument. For example: initsweep init"),
        ("summary --json --markdown", "--markdown: not allowed with argument --json."),
    ],
)
def test_a_mistake_is_one_line_with_what_to_do(capsys, given, expected):
    status, out, err = shown(capsys, *given.split())
    assert (status, out) == (2, "")
    assert err.startswith("initsweep: ")
    assert err.count("\n") == 1
    assert expected in err


@pytest.mark.parametrize("given", [["re\npro"], ["list", "a\nb"], ["repro", "--a\nb"]])
def test_what_was_typed_is_shown_in_that_line(capsys, given):
    status, out, err = shown(capsys, *given)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "\\n" in err


@pytest.mark.parametrize("given", [["names", "--", "he_normal"], ["names", "he_normal"]])
def test_what_is_no_option_is_not_taken_for_one(capsys, given):
    assert shown(capsys, *given)[0] == 0


def test_values_that_begin_like_options_are_values():
    told = ["init", "x", "--target", "-1", "--delimiter", "-", "--data=-odd.csv"]
    options = parsers.parse(told)
    assert (options.target, options.delimiter, options.data) == ("-1", "-", "-odd.csv")
    options = parsers.parse(["promote", "he_normal", "--by", "Ann", "--because", "-- as agreed"])
    assert options.because == "-- as agreed"


@pytest.mark.parametrize("given", [[], ["--"]])
def test_who_asks_for_nothing_gets_help_and_no_success(capsys, given):
    status, out, err = shown(capsys, *given)
    assert (status, err) == (2, "")
    assert out == shown(capsys, "--help")[1]


@pytest.mark.parametrize("name", NAMES)
def test_help_comes_by_either_name(capsys, name):
    asked, helped = shown(capsys, name, "--help"), shown(capsys, "help", name)
    assert asked == helped
    assert asked[0] == 0


def test_help_begins_with_what_a_person_does_first(capsys):
    _, out, _ = shown(capsys, "help")
    places = [out.index(f"\n  {name} ") for name in GROUPS["stages, run by DVC"]]
    people = [
        out.index(f"\n  {name} ")
        for title, commands in GROUPS.items()
        if title != "stages, run by DVC"
        for name in commands
    ]
    assert people == sorted(people)
    assert out.index("\n  init ") == people[0]
    assert max(people) < min(place for place in places if place not in people)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits_the_terminal(capsys, monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = shown(capsys, *filter(None, ["help", name]))[1]
    too_long = [line for line in out.splitlines() if len(line) > columns]
    # Examples are there to be copied, and a list of choices is one word: neither is broken.
    whole = re.compile(r"  initsweep .*| +\[?(--\w+ )?\{\S+\}\]?")
    assert all(whole.fullmatch(line) for line in too_long)
    assert not too_long or columns < 80
    assert out.isascii()


@pytest.mark.parametrize(("name", "command"), EVERY)
def test_examples_in_help_are_commands(name, command):
    assert command.examples
    for example in command.examples:
        assert parsers.parse(shlex.split(example)).command == name
    assert all((ROOT / page).is_file() for page in re.findall(r"[\w/-]+\.md", command.page))
    assert ".md" in command.page


def test_the_examples_of_all_are_commands():
    asked = [shlex.split(example) for example in parsers.EXAMPLES]
    assert [parsers.parse(one).command for one in asked if one[0] != "help"]
    assert {one[1] for one in asked if one[0] == "help"} <= set(NAMES)


def told_commands(text: str) -> list[str]:
    """Return the command lines of ours in a page: in blocks, and in the text."""
    text = re.sub(r"\\\n *", "", text)  # commands that go on in the next line
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```", text)
    lines = [line for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`(initsweep [^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    parts = [part for line in [*lines, *inline] for part in re.split(r"&&|\||;| > |  #", line)]
    return [part.strip(" $") for part in parts if re.match(r"[ $]*initsweep [^F]", part)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_the_documentation_are_commands(page):
    for told in told_commands(page.read_text("utf-8")):
        name, *arguments = shlex.split(told.replace("[", "").replace("]", ""))[1:]
        if arguments and name != "help":
            parsers.parse([name, *arguments])
        else:
            assert {name, *arguments} <= {*NAMES, "help", "--version", "COMMAND"}, told


def test_every_module_with_a_command_is_one():
    folder = ROOT / "src/initsweep/commands"
    modules = [file.stem for file in folder.glob("*.py") if "\ndef run(" in file.read_text("utf-8")]
    assert sorted(modules) == sorted([*parsers.COMMANDS, "diagnose", "repro"])
    assert set(parsers.COMMANDS) < set(NAMES)


def test_the_version_is_that_of_the_project(capsys):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert initsweep.__version__ == project["version"] == metadata.version("initsweep")
    for option in ("--version", "-V"):
        assert shown(capsys, option) == (0, f"initsweep {project['version']}\n", "")


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (None, "0+unknown"),
        ('[project]\nname = "initsweep"\nversion = "7.8"', "7.8"),
        ('[project]\nname = "of_someone_else"\nversion = "7.8"', "0+unknown"),
        ("[tool.ruff]\nline-length = 100", "0+unknown"),
    ],
)
def test_sources_alone_have_the_version_of_their_tree(tmp_path, project, expected):
    package = tmp_path / "src/initsweep"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text((ROOT / "src/initsweep/__init__.py").read_text())
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project)
    code = "import initsweep; print(initsweep.__version__)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],  # without what is installed
        cwd=package.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{expected}\n"


@pytest.mark.parametrize("given", [["--version"], ["--help"], ["help", "init"], ["rpro"]])
def test_help_versions_and_mistakes_import_nothing_heavy(given):
    code = (
        "import sys; from initsweep.commands.main import main\n"
        f"try: main({given})\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'mlflow', 'dvc', 'optuna'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("given", ["--help", "--version", "help gate", ""])
def test_help_into_a_pipe_that_closes_is_no_error(given):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m initsweep {given} | true"],
        cwd=Path(ROOT), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_help_says_where_its_page_lies(name, capsys):
    _, out, _ = shown(capsys, name, "--help")
    told = " ".join(out.rpartition("more: ")[2].split())
    assert told.endswith(", in initsweep's repository")
    assert [page for page in re.findall(r"[\w/-]+\.md", told) if not (ROOT / page).is_file()] == []
