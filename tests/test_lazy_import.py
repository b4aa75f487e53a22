"""`import initsweep` is cheap; what it offers is imported when it is asked for."""

import importlib
import subprocess
import sys

import pytest

import initsweep


def test_importing_the_package_imports_no_torch():
    code = "import sys, initsweep; assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_ctrl_c_is_handled_before_any_import():
    """What is not loaded anyway would show a traceback while it is."""
    code = """
import re, sys  # as the script does that pip writes
before = set(sys.modules)
from initsweep.core import stopping
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = "initsweep initsweep.core initsweep.core.stopping"
    assert done.stdout.split() == ["collections.abc", "contextlib", *ours.split(), "signal"]


def test_what_is_listed_is_there():
    for name, home in initsweep._HOMES.items():
        assert getattr(initsweep, name) is getattr(importlib.import_module(home), name)
        assert name in dir(initsweep)


def test_anything_else_is_not():
    with pytest.raises(AttributeError, match="has no attribute 'initialise_'"):
        _ = initsweep.initialise_


def test_the_one_line_use():
    from torch import nn

    from initsweep import initialize_

    assert initialize_(nn.Linear(3, 2), "zeros", 0).weight.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_function_of_one_s_own():
    import torch
    from torch import nn

    from initsweep import initialize_

    layer = initialize_(
        nn.Linear(3, 2), lambda layer, generator: torch.full(layer.weight_shape, 0.5), 0
    )
    assert (layer.weight == 0.5).all()
