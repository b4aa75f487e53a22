"""`initsweep init` as a user meets it."""

import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from initsweep.commands.main import main
from initsweep.core.errors import DataError, InitsweepWarning, UnknownNameError
from initsweep.core.params import load_params
from initsweep.starting import data_source as sources
from initsweep.starting import folder, own, settings, timing
from initsweep.starting.pipeline import study_pipeline
from tests.conftest import ROOT
from tests.pipeline.conftest import QUIET

LINES = [f"{i % 7 or ''},{['red', '', 'blue'][i % 3]},{i % 4}.5,{'ny'[i % 2]}" for i in range(120)]
TABLE = "\n".join(["age,colour,size,answer", *LINES]) + "\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with a table, in which nothing is timed for long and nothing versioned."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(timing, "ENOUGH", 0.0)
    monkeypatch.setattr(folder, "start_versioning", lambda data: ["nothing"])
    (tmp_path / "my.csv").write_text(TABLE)
    return tmp_path


def made(*arguments: str) -> int:
    return made_in("study", *arguments)


def made_in(name: str, *arguments: str) -> int:
    return main(["init", name, *arguments])


def test_a_table_becomes_a_study_with_an_estimate(here, capsys):
    assert made("--data", "my.csv", "--target", "answer", "--drop", "size", "--minutes", "5") == 0
    told = capsys.readouterr().out
    assert "120 rows (72 to train on, 24 to choose on, 24 to test), 5 features, 2 classes" in told
    assert "Estimate: about" in told
    assert "cd study" in told
    text = (here / "study/params.yaml").read_text()
    assert all(f"# {line}" in text for line in told.splitlines()[:4])
    assert "# share of all steps with a linear warm-up" in text
    assert "test_file: null" in text
    params = load_params(here / "study/params.yaml")
    assert params.data.source == "csv:data/raw/my.csv"
    assert (params.data.table.target, params.data.table.drop) == ("answer", ("size",))
    assert params.model.name == "mlp"
    assert len(params.confirm.seeds) >= 9
    assert (here / "study/data/raw/my.csv").read_text() == TABLE
    assert not (here / "study/data/prepared").exists()


def test_what_a_first_try_may_need_can_be_said(here):
    (here / "plain.csv").write_text("\n".join(f"{8000 + i % 3};{i};{i}.5" for i in range(60)))
    (here / "later.csv").write_text("\n".join(f"{8000 + i % 2};{i};{i}.5" for i in range(30)))
    asked = ("--header", "false", "--delimiter", ";", "--categorical", "0", "--encoding", "ordinal")
    assert made("--data", "plain.csv", "--test-file", "later.csv", *asked) == 0
    params = load_params(here / "study/params.yaml")
    table = params.data.table
    assert (table.header, table.delimiter, table.categorical) == (False, ";", (0,))
    assert (table.encoding, table.test_file) == ("ordinal", "data/raw/later.csv")
    assert (here / "study/data/raw/later.csv").exists()
    assert made_in("second", "--data", "my.csv", "--split-column", "colour", "--drop", "age") == 2
    (here / "fold.csv").write_text(
        "\n".join(["when,a,b", *(f"{['train', 'test'][i % 4 // 3]},{i},{i}.5" for i in range(60))])
    )
    assert made_in("third", "--data", "fold.csv", "--split-column", "when") == 0
    assert load_params(here / "third/params.yaml").data.table.split_column == "when"


def test_test_rows_may_stay_where_they_are_and_come_along_with_parameters(here):
    (here / "raw").mkdir()
    for name in ("one", "two"):
        (here / f"raw/{name}.csv").write_text(TABLE)
    asked = ("--data", "raw/one.csv", "--test-file", "raw/two.csv")
    assert made(*asked, "--in-place") == 0
    params = load_params(here / "study/params.yaml")
    assert params.data.table.test_file == str(here / "raw/two.csv")
    assert (here / "study" / params.data.watch).resolve() == here / "raw"
    assert made_in("again", "--params", "study/params.yaml") == 0
    again = load_params(here / "again/params.yaml")
    assert again.data.table.test_file == "data/raw/two.csv"
    assert (here / "again/data/raw/two.csv").exists()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Set data.task: regression.", "Set --task regression."),
        ("data.task: wrong; set auto.", "--task: wrong; set auto."),
        ("list it under data.table.drop.", "list it under --drop."),
        ("or set data.table.encoding: ordinal (", "or set --encoding ordinal ("),
        ("model.name: x; model.widht: y", "--model: x; --option widht: y"),
        ("'data/raw/a.csv': `iconv data/raw/a.csv`", "'my table.csv': `iconv 'my table.csv'`"),
        ("/else/data/raw/a.csv", "/else/data/raw/a.csv"),
        ("'model.csv', line 3; in model.csv", "'model.csv', line 3; in model.csv"),
        ("npz:x/model.npz, 'model.a' or my-model.a", "npz:x/model.npz, 'model.a' or my-model.a"),
        ("must divide model.width, 3.", "must divide --option width, 3."),
        (
            "data.source.more, my_data.task, data.tasks",
            "data.source.more, my_data.task, data.tasks",
        ),
    ],
)
def test_keys_become_options_where_they_stand_alone(message, expected):
    words = {**settings.SAID_OTHERWISE, "data/raw/a.csv": "my table.csv"}
    assert settings.as_options(message, words) == expected


@pytest.mark.parametrize("in_place", [["--in-place"], []])
def test_files_called_as_keys_keep_their_names(here, capsys, in_place):
    (here / "sub").mkdir()
    for name in ("model.csv", "sub/data.task"):
        (here / name).write_text(TABLE.replace("red", '"', 1))
    for name, data in (("model.csv", "model.csv"), ("sub/data.task", "csv:sub/data.task")):
        assert made("--data", data, *in_place) == 2
        error = capsys.readouterr().err
        assert f"'{name}'" in error
        assert "--option" not in error
        assert "--task" not in error


def test_what_is_noticed_is_said_once_and_in_options(here, capsys):
    rows = (f"2020-01-{1 + i % 28:02d},{i % 5},{'yn'[i % 12 == 0]}" for i in range(240))
    (here / "dated.csv").write_text("\n".join(["day,size,answer", *rows]))
    assert made("--data", "dated.csv") == 0  # a rare class: prepared twice
    said = [line for line in capsys.readouterr().err.splitlines() if "'day'" in line]
    assert len(said) == 1
    assert said[0].startswith("init: Column 'day' holds dates")
    assert said[0].endswith("or list it under --drop.")


def test_whoever_gave_a_parameter_file_is_told_its_keys(here, capsys):
    assert made("--data", "my.csv", "--target", "answer") == 0
    file = here / "study/params.yaml"
    file.write_text(file.read_text().replace("target: answer", "target: anwser"))
    assert made_in("other", "--params", str(file)) == 2
    assert "data.table.target: " in capsys.readouterr().err
    assert made_in("other", "--params", str(file), "--target", "sise") == 2
    assert "--target: " in capsys.readouterr().err


def test_too_little_time_is_said_and_seeds_are_not_saved_on(here, capsys):
    assert made("--data", "my.csv", "--minutes", "0.01") == 0
    told = capsys.readouterr().out
    assert "WARNING: that is more than the 0.01 minutes" in told
    assert "REDUCED to fit into 0.01 minutes" in told
    assert "# REDUCED to fit" in (here / "study/params.yaml").read_text()
    params = load_params(here / "study/params.yaml")
    assert len(params.confirm.seeds) == 9
    assert len(params.schemes) == 3


def test_a_rare_class_changes_the_score(here):
    rows = [f"{i % 13},{i % 7},{'rare' if i % 20 == 0 else 'common'}" for i in range(400)]
    (here / "rare.csv").write_text("\n".join(["a,b,c", *rows]))
    assert made("--data", "rare.csv") == 0
    assert load_params(here / "study/params.yaml").task.score == "balanced_accuracy"


def test_images_get_a_convolutional_network_and_positions_are_columns(here, capsys):
    generator = np.random.default_rng(0)
    np.savez(here / "x.npz", images=generator.random((60, 6, 6)), labels=np.arange(60) % 3)
    assert made("--data", "x.npz", "--option", "dense=8") == 0
    model = load_params(here / "study/params.yaml").model
    assert (model.name, model.options["dense"], model.options["image"]) == ("cnn", 8, None)
    (here / "plain.csv").write_text("\n".join(f"{'ab'[i % 2]},{i % 5},{i % 3}" for i in range(60)))
    assert main(["init", "other", "--data", "plain.csv", "--target", "0"]) == 0
    assert load_params(here / "other/params.yaml").data.table.target == 0


def test_data_may_stay_where_they_are(here):
    assert made("--data", "my.csv", "--in-place") == 0
    params = load_params(here / "study/params.yaml")
    assert params.data.source == f"csv:{here / 'my.csv'}"
    assert (here / "study" / params.data.watch).resolve() == here / "my.csv"
    assert not (here / "study/data/raw/my.csv").exists()
    assert main(["init", "built-in", "--data", "wine", "--in-place"]) == 0


NET = """
from torch import nn
def make(n_features, n_outputs, *, width):
    return nn.Sequential(nn.Linear(n_features, width), nn.Linear(width, n_outputs))
"""
LOADER = """
import numpy as np
from initsweep.datasets import Dataset
def load():
    names = ("one", "other")
    features = np.random.default_rng(0).normal(size=(60, 2))
    return Dataset(task="classification", features=features, targets=np.arange(60) % 2,
                   feature_names=("x", "y"), class_names=names, reference="made up")
"""


@pytest.fixture
def forgotten(tmp_path) -> Iterator[None]:
    """Modules of a test, which the next must not meet."""
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


AT_FAULT = """
from torch import nn
class Net(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)
    def forward(self, inputs):
        outputs = self.linear(inputs).softmax(-1)
        return outputs if outputs[0, 0] > 0.5 else outputs + 0.0
"""


@pytest.mark.usefixtures("forgotten")
def test_what_speaks_against_a_network_of_one_s_own_is_said_before_it_is_trained(here, capsys):
    (here / "nets_at_fault.py").write_text(AT_FAULT)
    asked = ("--target", "answer", "--model", "nets_at_fault:Net")
    assert made("--data", "my.csv", *asked) == 0
    first, second = [line for line in capsys.readouterr().out.splitlines() if "NOTE" in line]
    assert first.startswith("NOTE on the network: its outputs are 0 or more and sum to 1")
    assert "cannot be written down" in second
    assert "at nets_at_fault.py:" in second
    assert "# NOTE on the network" in (here / "study/params.yaml").read_text()


@pytest.mark.usefixtures("forgotten")
def test_code_of_one_s_own_comes_along(here):
    (here / "nets_for_init.py").write_text(NET)
    (here / "data_for_init").mkdir()
    (here / "data_for_init/__init__.py").write_text("")
    (here / "data_for_init/two.py").write_text(LOADER)
    asked = ("--model", "nets_for_init:make", "--option", "width=4")
    assert made("--data", "data_for_init.two:load", *asked) == 0
    copies = here / "study/own"
    assert (copies / "nets_for_init.py").read_text() == NET
    assert (copies / "data_for_init/two.py").read_text() == LOADER
    assert (copies / "README.md").read_bytes() == (ROOT / "own/README.md").read_bytes()
    params = load_params(here / "study/params.yaml")
    assert (params.own_code, params.data.watch) == ("own", "data/raw")
    assert (here / "study/dvc.yaml").read_text() == study_pipeline()


RESIDUAL = """
import torch
from torch import nn
class Network(nn.Module):
    def __init__(self, outputs, ch):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, ch, 3, padding=1), nn.BatchNorm2d(ch)
        self.inner, self.head = nn.Conv2d(ch, ch, 3, padding=1), nn.Linear(ch, outputs)
    def forward(self, x):
        x = self.stem(x.view(-1, 1, 1, x.shape[1]))
        return self.head(torch.relu(x + self.norm(self.inner(x))).mean((2, 3)))
def resnet(n_features, n_outputs, ch):
    return Network(n_outputs, ch)
"""


@pytest.mark.usefixtures("forgotten", "restless_threads")
def test_a_residual_network_of_one_s_own_is_timed_on_several_cores(here, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    (here / "resnet_for_init.py").write_text(RESIDUAL)
    asked = ("--model", "resnet_for_init:resnet", "--option", "ch=4", "--target", "answer")
    assert made("--data", "my.csv", *asked, "--minutes", "3") == 0


@pytest.mark.usefixtures("forgotten")
def test_a_network_without_options_has_no_brackets(here, capsys):
    (here / "plain_for_init.py").write_text(NET.replace("*, width", "width=4"))
    assert made("--data", "my.csv", "--model", "plain_for_init:make") == 0
    assert "Network: plain_for_init:make, 38 parameters." in capsys.readouterr().out


@pytest.mark.usefixtures("forgotten")
def test_a_folder_of_one_s_own_comes_along_as_a_whole(here, capsys):
    (here / "nets_with_help.py").write_text("from help_for_nets import width\n" + NET)
    (here / "help_for_nets.py").write_text("width = 4\n")
    asked = ("--data", "my.csv", "--model", "nets_with_help:make", "--option", "width=4")
    assert made(*asked) == 2
    assert "put all your modules into 'own' first" in capsys.readouterr().err
    (here / "own").mkdir()
    for name in ("nets_with_help.py", "help_for_nets.py"):
        (here / name).rename(here / "own" / name)
    assert made(*asked) == 0
    assert (here / "study/own/help_for_nets.py").exists()
    # The study made of that study has it, too, and an initializer that only its parameters name.
    (here / "study/own/inits_for_init.py").write_text(
        "import torch\ndef mine(layer, generator):\n"
        "    return torch.zeros(layer.weight_shape) + 0.01\n"
    )
    file = here / "study/params.yaml"
    text = file.read_text().replace("zeros: {}", "zeros: {}\n  mine: {name: 'inits_for_init:mine'}")
    file.write_text(re.sub(r"schemes:\n(  - .*\n)+", "schemes: [mine]\n", text))
    assert made_in("again", "--params", "study/params.yaml") == 0
    names = {path.name for path in (here / "again/own").iterdir()} - {"__pycache__"}
    assert names == {"README.md", "nets_with_help.py", "help_for_nets.py", "inits_for_init.py"}


@pytest.mark.usefixtures("forgotten")
def test_what_lies_beside_the_folder_of_one_s_own_is_not_found_as_in_the_study(here, capsys):
    (here / "own").mkdir()
    (here / "own/nets_in_own.py").write_text("from help_beside_own import width\n" + NET)
    (here / "help_beside_own.py").write_text("width = 4\n")
    asked = ("--data", "my.csv", "--model", "nets_in_own:make", "--option", "width=4")
    assert made(*asked) == 2
    assert "put all your modules into 'own' first" in capsys.readouterr().err
    assert not (here / "study").exists()
    (here / "help_beside_own.py").rename(here / "own/help_beside_own.py")
    for made_by_tools in (".mypy_cache", "pack/.ruff_cache", "pack/my.egg-info"):
        (here / "own" / made_by_tools).mkdir(parents=True)
    assert made(*asked) == 0
    assert {path.name for path in (here / "study/own").rglob("*")} - {"__pycache__"} >= {"pack"}
    assert not list((here / "study/own").rglob(".*"))
    assert not list((here / "study/own").rglob("*.egg-info"))


def test_two_versions_of_a_module_are_told(tmp_path, monkeypatch, recwarn):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    for place in ("own/net_of_two.py", "net_of_two.py"):
        (tmp_path / place).write_text("width = 1\n")
    asked = (Path("own"), [("--model", "net_of_two:make")])
    own.found(*asked)
    assert not recwarn
    (tmp_path / "net_of_two.py").write_text("width = 2\n")
    with pytest.warns(InitsweepWarning, match=r"^--model: .* taken from .*own/net"):
        own.found(*asked)


def test_looking_for_code_leaves_no_trace(here):
    (here / "net_to_find.py").write_text("")
    before = list(sys.path)
    found = own.found(Path("own"), [("--model", "net_to_find:make")])
    assert found == [here / "net_to_find.py"]
    with pytest.raises(UnknownNameError, match="in its folder 'own' or among"):
        own.found(Path("own"), [("--model", "gone_for_good:make")])
    assert sys.path == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--data", "my.csv", "--target", "anwser"), "no column 'anwser'. Did you mean 'answer'?"),
        (("--data", "my.csv", "--drop", "sise"), "no column 'sise'. Did you mean 'size'?"),
        (("--data", "no.csv"), "there is no file 'no.csv'"),
        (("--data", "my.txt"), "say what it is, as in arff:FILE, csv:FILE"),
        (("--data", "diggits"), "Did you mean 'digits'?"),
        (("--data", "wine", "--target", "x"), "--target: for tables only"),
        (
            ("--data", "wine", "--header", "true", "--drop", "a"),
            "--drop, --header: for tables only",
        ),
        (("--data", "my.csv", "--target", "anwser"), "--target: 'my.csv' has no column"),
        (("--data", "my.csv", "--drop", "sise"), "--drop: 'my.csv' has no column"),
        (("--data", "my.csv", "--categorical", "sise"), "--categorical: 'my.csv' has no column"),
        (("--data", "my.csv", "--split-column", "fold"), "--split-column: 'my.csv' has no column"),
        (
            ("--data", "my.csv", "--test-file", "no.csv"),
            "--test-file: there is no file 'no.csv' in /",
        ),
        (("--data", "my.csv", "--test-file", "other.csv"), "--test-file: 'other.csv' must have"),
        (("--data", "my.csv", "--test-file", "sub/my.csv"), "two files are called my.csv"),
        (("--data", "my.csv", "--test-file", "x", "--split-column", "y"), "there is no file 'x'"),
        (
            ("--data", "my.csv", "--test-file", "other.csv", "--split-column", "age"),
            "--test-file and --split-column both name the test rows",
        ),
        (("--data", "my.csv", "--delimiter", ";;"), "--delimiter: received ';;'"),
        (("--data", "my.csv", "--delimiter", ";"), "set --delimiter to that"),
        (("--data", "numbers.csv", "--task", "classification"), "Set --task regression, or name"),
        (("--data", "wine", "--task", "regression"), "--task: wine is a classification data set"),
        (("--data", "few.csv"), "set --task regression"),
        (("--data", "names.csv"), "set `--drop name`"),
        (("--data", "sub/broken 2.csv"), "iconv -f CP1252 -t UTF-8 'sub/broken 2.csv' > utf8.csv"),
        (("--data", "broken.csv"), "not UTF-8"),
        (("--data", "my.csv", "--model", "mpl"), "Did you mean 'mlp'?"),
        (("--data", "my.csv", "--model", "no_nets:make"), "Python finds no module 'no_nets'"),
        (("--data", "my.csv", "--option", "widht=3"), "Did you mean 'width'?"),
        (("--data", "my.csv", "--option", "width"), "--option takes name=value"),
        (("--data", "my.csv", "--option", "width=[64"), "received 'width=[64'"),
        (("--data", "my.csv", "--option", "width={a: 1}"), "received 'width={a: 1}'"),
        (("--data", "my.csv", "--option", "b=2020-01-01"), "Put text that looks like"),
        (("--data", "my.csv", "--minutes", "0"), "use a number above 0"),
        (("--data", "my.csv", "--minutes", "inf"), "use a number above 0"),
        (("--data", "my.csv", "--target", "1" * 900), "no column '1111"),
        (("--data", "my.csv", "--drop", "²"), "no column '²'"),
        (("--params", "no.yaml"), "No parameter file 'no.yaml'"),
        ((), "init needs --data"),
    ],
)
def test_a_mistake_is_one_message_and_leaves_nothing_behind(here, capsys, arguments, expected):
    (here / "my.txt").write_text("x")
    (here / "other.csv").write_text(TABLE.replace("size", "length"))
    (here / "numbers.csv").write_text("a,b\n" + "\n".join(f"{i},{i}.25" for i in range(60)))
    (here / "few.csv").write_text("a,b\n" + "\n".join(f"{i},{max(0, i - 57)}" for i in range(60)))
    (here / "sub").mkdir()
    (here / "sub/my.csv").write_text(TABLE)
    (here / "broken.csv").write_bytes(b"a,b\n\x89\xff,1\n")
    (here / "sub/broken 2.csv").write_bytes(b"a,b\n\xe9,1\n")
    rows = [f"n{i},{i % 7},{i % 2}" for i in range(60)]
    (here / "names.csv").write_text("\n".join(["name,a,b", *rows]))
    assert made(*arguments) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line[:9] == "initsweep"]
    assert len(error) == 1
    assert expected in error[0]
    assert "data." not in error[0]
    assert "data/raw" not in error[0]
    assert not (here / "study").exists()


def test_a_folder_that_is_in_use_is_left_alone(here, capsys):
    (here / "study").mkdir()
    assert made("--data", "my.csv", "--target", "x") == 2
    assert list((here / "study").iterdir()) == []
    (here / "study/mine").write_text("mine")
    assert made("--data", "my.csv") == 2
    assert "not empty" in capsys.readouterr().err
    assert (here / "study/mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("my.csv.gz", "csv"),
        ("a.npy,b.npy", "npy"),
        ("t10k-images-idx3-ubyte.gz,t10k-labels-idx1-ubyte.gz", "idx"),
        ("parquet:a.npy", "parquet"),
        ("openml:credit-g", "openml"),
        ("wine", ""),
    ],
)
def test_the_format_is_read_from_the_name(here, text, kind):
    for name in text.partition(":")[2].split(",") + text.split(","):
        if name and ":" not in name and name != "wine":
            (here / name).write_bytes(gzip.compress(b"x"))
    assert sources.find_source(text).kind == kind


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("my.xlsx", b"PK\x03\x04", "looks like a ZIP archive"),
        ("my.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Save the sheet as 'CSV UTF-8'"),
        ("my.txt", b'[{"x": 1}]', "looks like JSON. Set --data json:my.txt"),
        ("my.dat", b"1 2 3", "'my.dat' could be anything; say what it is"),
        ("my.dat.gz", gzip.compress(b"1 2 3", mtime=0), "could be anything"),
    ],
)
def test_a_name_that_says_no_format_is_told_what_the_content_looks_like(here, name, content, said):
    (here / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(said)):
        sources.find_source(name)


@pytest.mark.pipeline
def test_a_study_runs_outside_the_repository(tmp_path):
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT / "src")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def run(*command: str, folder: Path = tmp_path, status: int = 0) -> str:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    (tmp_path / "my.csv").write_text(TABLE)
    asked = ("--data", "my.csv", "--minutes", "0.01", "--option", "depth=1", "--option", "width=8")
    initsweep = (sys.executable, "-m", "initsweep")
    told = run(*initsweep, "init", "study", *asked)
    assert "git and DVC initialized" in told
    study = tmp_path / "study"
    params = study / "params.yaml"
    fewer, found = re.subn(r"schemes:\n(  - .*\n)+", "schemes: [he_normal]\n", params.read_text())
    assert found == 1
    params.write_text(fewer)
    output = run(*initsweep, "repro", folder=study)
    assert "fatal" not in output  # git, which has no commit yet to speak of
    assert "tune he_normal" in output
    assert "Report: reports/review.html" in output
    assert (study / "mlflow.db").exists()
    judged = (*initsweep, "gate", "--decision", "any")
    run(*judged, folder=study)
    # Results of another version of the package are not up to date.
    lock = study / "dvc.lock"
    known = (study / "versions/tune").read_text()
    digest = hashlib.md5(known.encode(), usedforsecurity=False).hexdigest()
    assert digest in lock.read_text()
    lock.write_text(lock.read_text().replace(digest, "a" * 32))
    refused = run(*judged, folder=study, status=2)
    assert "(versions/tune has changed)" in refused
