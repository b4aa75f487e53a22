"""The example in CONTRIBUTING is code, and works as it stands."""

import re
import sys

import pytest
import torch

from initsweep.initializers import layers_of, make_initializer
from initsweep.initializers.catalogue import INITIALIZERS
from tests.conftest import ROOT


def test_the_initializer_shown_works_as_written(tmp_path, monkeypatch):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert code is not None
    (tmp_path / "shown_in_contributing.py").write_text(code.group(1))
    monkeypatch.syspath_prepend(tmp_path)
    INITIALIZERS.names()
    monkeypatch.setattr(INITIALIZERS, "_entries", dict(INITIALIZERS._entries))
    import shown_in_contributing

    del sys.modules["shown_in_contributing"]
    layer = layers_of(torch.nn.Linear(400, 500))[0]
    weight = make_initializer("half_he", {}).weight(layer, torch.Generator().manual_seed(0))
    assert weight.std().item() * (2 * 400) ** 0.5 == pytest.approx(1.0, rel=0.01)
    for words in ("summary", "reference", "conditions"):
        assert getattr(shown_in_contributing.HalfHe, words).endswith(".")
