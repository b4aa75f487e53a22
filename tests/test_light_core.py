"""What `pip install initsweep` brings is enough for a network; a study says what it lacks.

The libraries of a study are hidden from Python as if they were not installed.
"""

import subprocess
import sys
import tomllib

import pytest

from initsweep.core.errors import STUDY, MissingExtraError, extras_in_words, require
from tests.conftest import ROOT

HIDE = """
import sys
from initsweep.core.errors import STUDY

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in STUDY:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""
COMMAND = HIDE + "from initsweep.__main__ import run; sys.exit(run())"
NETWORK = """
from torch import nn

def make(n_features=8, n_outputs=3):
    return nn.Sequential(nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, n_outputs))
"""
SIZES = ("--features", "8", "--outputs", "3")
WIDTHS = ("coordinates", "mlp", "--vary", "model.width=8,16,32")
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}


@pytest.fixture
def python(tmp_path):
    """Return a function that runs code, or a command, in a folder with a network and a batch."""
    (tmp_path / "nets.py").write_text(NETWORK)

    def run(code, *arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_the_functions_need_no_library_of_a_study(python):
    done = python(
        HIDE
        + """
import torch, initsweep
from nets import make
for name in initsweep.__all__:
    getattr(initsweep, name)
net = initsweep.initialize_(make(), "he_normal", 0)
net.load_state_dict(initsweep.initial_state(make(), "he_normal", 0))
batch = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
initsweep.assert_healthy(net, batch)
assert initsweep.diagnose(net, batch).healthy
print(len(initsweep.explain(net).rows))
"""
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("explain", "nets:make", *SIZES), "normalization follows"),
        (("diagnose", "nets:make", "--batch", "batch.npy"), "plain gradient descent"),
        ((*WIDTHS, "--seeds", "1", "--batch", "batch.npy", *SIZES), "per doubling"),
        (("export", "he_normal", "--model", "nets:make", *SIZES), "def initialize("),
        (("check", "he_normal"), "All checks passed."),
        (("check", "nets:make", *SIZES), "All checks passed."),
        (("list", "initializers"), "he_normal"),
    ],
)
def test_the_commands_about_a_network_need_none(python, command, expected):
    python("import numpy as np; np.save('batch.npy', np.eye(64, 8, dtype='float32'))")
    done = python(COMMAND, *command)
    assert (done.stderr, done.returncode) == ("", 0)
    assert expected in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("init", "study", "--data", "x.csv", "--target", "y"), ("repro",), ("ui",), ("summary",),
        ("list", "datasets"), ("fetch", "sklearn:fetch_california_housing"),
        ("diagnose", "nets:make", "--batch", "batch.npy", "--figures", "figures"),
    ],
)  # fmt: skip
def test_a_study_says_in_one_line_what_to_install(python, command):
    done = python(COMMAND, *command)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("initsweep: This needs '")
    assert line.endswith("', which is not installed. Run `pip install 'initsweep[study]'`.")


def test_a_function_says_it_too():
    said = r"needs 'mlflow', .* `pip install 'initsweep\[study\]'`"
    with pytest.raises(MissingExtraError, match=said), extras_in_words():
        raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")
    assert issubclass(MissingExtraError, ImportError)


def test_the_extra_that_brings_it_is_named():
    with pytest.raises(MissingExtraError, match=r"`pip install 'initsweep\[claims\]'`"):
        require("no_such_module", extra="claims")


def test_what_no_extra_brings_is_no_matter_of_extras():
    with pytest.raises(ModuleNotFoundError, match="my_module"), extras_in_words():
        import my_module  # type: ignore[import-not-found]  # noqa: F401


def test_what_is_installed_is_not_asked_for():
    require(*STUDY)


def test_the_list_is_that_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {one.split(">")[0].split("=")[0] for one in project["optional-dependencies"]["study"]}
    assert names == {DISTRIBUTIONS.get(module, module) for module in STUDY}
