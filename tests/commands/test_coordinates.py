"""`initsweep coordinates`: the coordinate check of the study's network, and of others."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from initsweep.core.params import load_params

FEW = ("--vary", "model.width=16,32,64", "--seeds", "2")


def test_the_network_and_the_data_of_the_parameters(command, with_params, tmp_path):
    status, out, _ = command(
        "coordinates", *FEW, "--schemes", "he_normal,zeros", "--optimizer", "adam",
        "--figure", "found.svg", "--check",
    )  # fmt: skip
    assert status == 1
    assert "he_normal (adam, rate 0.001, 4 steps, 2 seeds)" in out
    assert re.search(r"^head .* growing$", out, re.MULTILINE)
    assert re.search(r"^growing: updates grow in head \(\S+-fold per doubling\)", out, re.MULTILINE)
    assert re.search(r"^flat: .* nothing changes in hidden\.0\.linear", out, re.MULTILINE)
    assert out.endswith("wrote found.svg\n")
    ET.fromstring((tmp_path / "found.svg").read_text())


def test_a_scheme_s_own_optimizer_is_taken_unless_another_is_asked_for(command, with_params):
    text = Path("params.yaml").read_text()
    arm = "initializers:\n  arm: {name: he_normal, optimizer: {name: adamw}}\n"
    Path("params.yaml").write_text(text.replace("initializers:\n", arm, 1))
    _, out, _ = command("coordinates", *FEW, "--schemes", "he_normal,arm")
    study = load_params(Path("params.yaml")).optimizer.name
    assert f"he_normal ({study}, rate " in out
    assert "arm (adamw, rate 0.001, " in out
    _, out, _ = command("coordinates", *FEW, "--schemes", "arm", "--optimizer", "rmsprop")
    assert "arm (rmsprop, " in out


def test_a_scheme_whose_optimizer_takes_no_such_steps_is_named(command, with_params):
    text = Path("params.yaml").read_text()
    arm = "initializers:\n  arm: {name: he_normal, optimizer: {name: lion}}\n"
    Path("params.yaml").write_text(text.replace("initializers:\n", arm, 1))
    status, out, told = command("coordinates", *FEW, "--schemes", "he_normal,arm")
    assert (status, out) == (2, "")
    assert "the optimizer of 'arm': received 'lion'" in told
    status, _, told = command("coordinates", *FEW, "--optimizer", "adm")
    assert "--optimizer: received 'adm'" in told
    assert "Did you mean 'adam'?" in told


def test_a_depth_is_seen_from_the_layers(command, with_params):
    status, out, _ = command("coordinates", "--vary", "model.depth=2,3,4", "--seeds", "1")
    assert status == 0
    assert "hidden.last.linear" in out


def test_a_network_of_one_s_own_on_files(command, tmp_path):
    (tmp_path / "wide.py").write_text(
        "from torch import nn\n"
        "def net(n_features, n_outputs, *, units=8):\n"
        "    return nn.Sequential(nn.Linear(n_features, units), nn.Linear(units, n_outputs))\n"
    )
    draws = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", draws.normal(size=(32, 5)))
    np.save(tmp_path / "y.npy", draws.integers(3, size=32))
    files = ("--batch", "x.npy", "--targets", "y.npy", "--features", "5", "--outputs", "3")
    status, out, _ = command(
        "coordinates", "wide:net", "--vary", "model.units=16,32,64", "--schemes", "random_normal",
        "--option", "std=0.02", *files,
    )  # fmt: skip
    assert status == 0
    assert re.search(r"^0 .* flat$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--vary", "model.widht=16,32,64"), "model.widht: unknown key. Did you mean 'width'?"),
        (("--vary", "width=16,32,64"), "as in --vary model.width=64,128,256,512"),
        (("--vary", "model.width=16,32"), "--vary: received 'model.width=16,32'. Name an option"),
        ((*FEW, "--figure", "found.pdf"), "Name a file that ends in .svg or .png"),
        (
            (*FEW, "--figure", "no/found.png"),
            "--figure: cannot write 'no/found.png': there is no folder 'no'",
        ),
        ((*FEW, "--rate", "0"), "learning_rate: received 0.0"),
        ((*FEW, "--schemes", "fixup"), "no residual branch"),
        ((*FEW, "--schemes", "zeros,he_normal", "--option", "std=1"), "--option is about one"),
        ((*FEW, "--targets", "y.npy"), "pass --batch FILE.npy"),
    ],
)
def test_mistakes(command, with_params, arguments, expected):
    status, out, err = command("coordinates", *arguments)
    assert (status, out) == (2, "")
    assert expected in err
    assert len(err.splitlines()) == 1
