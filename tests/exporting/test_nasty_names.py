"""Layers may be called anything: the source that names them is Python all the same."""

import ast

import pytest
import torch
from torch import nn

from initsweep.exporting.forward_source import capture, run_captured
from initsweep.exporting.quoting import documentation, literal, source_list
from initsweep.exporting.snippet import snippet
from initsweep.initializers import make_initializer
from tests.nasty import ALPHABET, COMMANDS, LAYERS, TEXTS


def network() -> nn.Module:
    """Return a network with layers, norms and frozen layers of every name."""
    model = nn.Sequential()
    for name in LAYERS:
        inner = nn.Sequential()
        inner.add_module(name, nn.Linear(4, 4))
        inner.add_module("norm", nn.BatchNorm1d(4))
        model.add_module(name, inner)
    for layer in list(model)[::5]:
        layer.requires_grad_(False)
    return model


def test_a_snippet_fills_layers_of_any_name_and_names_them_in_its_text():
    model, title = network(), "".join(TEXTS)
    source = snippet(model, make_initializer("he_normal", {}), title=title, scheme=title)
    assert not {*source} & {*COMMANDS} - {"\n"}
    source.encode()
    namespace = {}
    exec(compile(source, "init.py", "exec"), namespace)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
    namespace["initialize"](model)
    for name, parameter in model.named_parameters():
        assert bool((parameter == 7).all()) == (not parameter.requires_grad), name
    plain = snippet(nn.Linear(4, 4), make_initializer("he_normal", {}), title="a", scheme="b")
    assert statements(source) == statements(plain)


def statements(source):
    return [type(node) for node in ast.parse(source).body]


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_literals_and_docstrings_hold_what_they_are_given(text):
    assert ast.literal_eval(literal(text)) == text
    tree = ast.parse(f'"""{documentation(text)}\n"""')
    assert len(tree.body) == 1
    assert "\n" not in literal(text)


def test_lists_are_broken_between_their_parts_only():
    names = [literal("a - b"), literal("c " * 40), literal("d")]
    text = source_list(names, 30)
    assert ast.literal_eval(f"[{text}]") == ["a - b", "c " * 40, "d"]
    assert text.splitlines()[0] == '    "a - b",'


def test_a_network_with_layers_of_any_name_is_captured_or_refused_in_words():
    model = nn.Sequential()
    for name in LAYERS[:12]:
        model.add_module(name, nn.Linear(4, 4))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    captured = capture(model, state, 4)
    features = torch.randn(5, 4)
    torch.testing.assert_close(run_captured(captured, features), model(features))
