"""The folder `own_code`: where Python finds a user's modules, and what records say of them."""

import re
import sys

import pytest

from initsweep.commands.main import main
from initsweep.core import own_code
from initsweep.core.counted import WRITTEN, is_made
from initsweep.core.errors import ParamsError
from initsweep.core.provenance import code_sha
from tests.conftest import ROOT


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "own").mkdir()
    return tmp_path


def test_modules_of_the_folder_are_found_by_their_plain_names(here):
    (here / "own/only_in_own.py").write_text("def make(): ...\n")
    assert own_code.place_of("only_in_own:make") is None
    own_code.use("own")
    own_code.use("own")
    assert sys.path.count(str(here / "own")) == 1
    assert own_code.holds("own", "only_in_own:make")
    assert not own_code.holds("own", "json:loads")
    assert not own_code.holds("own", "nowhere_at_all:x")
    assert "only_in_own" not in sys.modules


def test_a_folder_that_is_missing_is_said_by_its_key(here):
    with pytest.raises(ParamsError, match=r"^own_code: there is no folder 'gone' in /"):
        own_code.use("gone")


def test_a_module_where_nobody_looks_for_changes_is_refused(here):
    (here / "lying_about.py").write_text("")
    (here / "own/in_place.py").write_text("")
    own_code.use("own")
    own_code.check("own", [("model.name", "in_place:x"), ("data.source", "csv:data/raw/my.csv")])
    own_code.check(
        "own", [("model.name", "torch:nn"), ("model.name", "mlp"), ("model.name", "no:x")]
    )
    message = r"initializers.mine.name: 'lying_about:x' lies in '.*lying_about.py'.*into 'own'"
    with pytest.raises(ParamsError, match=message):
        own_code.check("own", [("initializers.mine.name", "lying_about:x")])


def test_packages_are_held_as_a_whole(here):
    (here / "own/pack").mkdir()
    (here / "own/pack/__init__.py").write_text("")
    (here / "own/bare").mkdir()
    (here / "own/bare/inside.py").write_text("")
    own_code.use("own")
    assert own_code.holds("own", "pack.nets:make")
    assert own_code.holds("own", "bare.inside:make")


def test_records_hash_the_folder_and_nothing_that_a_machine_makes_of_it(here):
    folder = here / "own"
    empty = code_sha(["registry"], folder)
    assert empty == code_sha(["registry"])
    (folder / "nets.py").write_text("a = 1\n")
    first = code_sha(["registry"], folder)
    assert first != empty
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/nets.cpython-311.pyc").write_bytes(b"x")
    (folder / "built.so").write_bytes(b"x")
    assert code_sha(["registry"], folder) == first
    (folder / "nets.py").write_text("a = 2\n")
    assert code_sha(["registry"], folder) not in (first, empty)
    (folder / "nets.py").rename(folder / "other.py")
    assert code_sha(["registry"], folder) != first


def test_what_git_keeps_in_a_clone_is_no_code(here):
    folder = here / "own"
    (folder / "nets.py").write_text("a = 1\n")
    before = code_sha(["registry"], folder)
    for name in (".git/index", "part/.git"):  # of a clone, and of a submodule
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("changes with every `git add`")
    assert code_sha(["registry"], folder) == before


@pytest.mark.parametrize("name", [".dvc/config", "lib/.dvc/config", "lib/.dvcignore"])
def test_a_project_of_dvc_which_it_would_not_watch_is_refused(here, name):
    (here / "own" / name).parent.mkdir(parents=True)
    (here / "own" / name).write_text("")
    with pytest.raises(ParamsError, match=r"^own_code: 'own/.*\.dvc.*would not watch"):
        own_code.use("own")


def test_what_tools_make_is_what_init_lets_dvc_ignore():
    made = ["__pycache__", "nets.pyc", ".import_linter_cache", "my.egg-info", "k.so", ".git"]
    assert all(is_made(name) for name in made)
    assert not is_made("so.py")
    lines = [(ROOT / ".dvcignore").read_text(), WRITTEN.read_text()]
    ours, written = [{one for one in text.splitlines() if one[:1] not in "#/"} for text in lines]
    assert ours == written


@pytest.mark.parametrize(
    ("folder", "holds"),
    [
        (".", "the study itself"),
        ("..", "the study itself"),
        ("data", "'data/raw'"),
        ("data/raw/code", "'data/raw'"),
        ("results", "'results'"),
        ("reports/mine", "'reports'"),
        ("data/prepared", "'data/prepared'"),
        (".dvc", "'.dvc'"),
        (".git/hooks", "'.git'"),
        (str(ROOT / "src"), "initsweep itself"),
    ],
)
def test_a_folder_that_holds_more_than_code_is_refused(here, folder, holds):
    (here / folder).mkdir(parents=True, exist_ok=True)
    path = list(sys.path)
    message = rf"^own_code: '{re.escape(folder)}' holds {holds} or lies in it.*`own_code: own`"
    with pytest.raises(ParamsError, match=message):
        own_code.use(folder)
    assert sys.path == path


def test_code_beside_data_and_in_folders_with_like_names_is_taken(here):
    for folder in ("src", "data/code", "results_of_mine", "../elsewhere"):
        (here / folder).mkdir(parents=True)
        own_code.use(folder)
        assert sys.path[-1] == str((here / folder).resolve())


@pytest.mark.parametrize("command", ["prepare", "diagnose", "repro", "bench"])
def test_commands_say_what_is_missing_before_they_begin(here, capsys, command):
    text = (ROOT / "params.yaml").read_text()
    (here / "params.yaml").write_text(re.sub("own_code: own ", "own_code: gone ", text))
    assert main([command]) == 2
    assert "own_code: there is no folder 'gone'" in capsys.readouterr().err
    (here / "lying_about.py").write_text("")
    (here / "params.yaml").write_text(text.replace("source: digits ", "source: lying_about:x "))
    assert main([command]) == 2
    assert "data.source: 'lying_about:x' lies in" in capsys.readouterr().err


def test_names_are_found_by_the_commands_that_take_them(here, capsys):
    (here / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (here / "own/inits_to_check.py").write_text(
        "import torch\n"
        "def mine(layer, generator):\n"
        "    return 0.1 * torch.randn(layer.weight_shape, generator=generator)\n"
    )
    assert main(["check", "inits_to_check:mine"]) == 0
    assert "an initializer" in capsys.readouterr().out
