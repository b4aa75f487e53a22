"""Layers may be called anything: sentences and tables hold their names unharmed."""

import pytest
import torch
from torch import nn

from initsweep import diagnose
from initsweep.commands import diagnose as inspection
from initsweep.core import artifacts
from initsweep.core.records import LayerRow
from initsweep.core.spelling import is_whole
from initsweep.explanation import explain
from initsweep.initializers import make_initializer
from tests.conftest import as_recorded
from tests.nasty import LAYERS, hidden

NAMES = [*filter(is_whole, LAYERS)]


@pytest.fixture(scope="module")
def network():
    model = nn.Sequential()
    for name in NAMES:
        model.add_module(name, nn.Linear(4, 4))
        model.add_module(f"{name} then", nn.Tanh())
    model.add_module("end", nn.Linear(4, 2))
    model.register_parameter("alone", nn.Parameter(torch.zeros(1)))
    return model


@pytest.fixture(scope="module")
def found(network):
    return diagnose(network, torch.randn(16, 4), torch.arange(16) % 2)


def test_what_a_diagnosis_says_hides_nothing(found):
    words = [inspection._words(row, found) for row in found.schemes]
    for text in (str(found), *words, *(row.name for row in found.layers)):
        assert not hidden(text, keep="\n")


def test_the_table_of_layers_comes_back_and_ends_no_script_of_dvc_s_page(found, tmp_path):
    artifacts.write_rows(tmp_path / "layers.csv", found.layers, LayerRow)
    assert artifacts.read_rows(tmp_path / "layers.csv", LayerRow) == as_recorded(found.layers)
    content = (tmp_path / "layers.csv").read_text()
    assert len(content.splitlines()) == 1 + len(found.layers)
    assert "</" not in content
    assert "<!" not in content


def test_an_explanation_hides_nothing_and_has_a_line_per_layer(network):
    text = str(explain(network, make_initializer("he_normal", {})))
    assert not hidden(text, keep="\n")
    laws = [line for line in text.splitlines() if " 4/4 " in line or " 4/2" in line]
    assert len(laws) == 2 * (len(NAMES) + 1)  # as it is, and under the scheme
