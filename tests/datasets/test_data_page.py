"""docs/data.md: every example is one that the command line takes."""

import re
import shlex
import shutil
import sys

from dvc.utils.hydra import apply_overrides, to_hydra_overrides

from initsweep.core.params import Params, load_params
from initsweep.datasets.loading import load, reader_of
from initsweep.datasets.readers import READERS
from tests.conftest import ROOT

PAGE = (ROOT / "docs/data.md").read_text("utf-8")
COMMANDS = re.findall(r"^dvc exp run (.*)$", PAGE, flags=re.MULTILINE)


def overrides(command: str) -> list[str]:
    """What the shell hands to DVC behind each -S."""
    words = shlex.split(command)
    assert words[::2] == ["-S"] * (len(words) // 2)
    return words[1::2]


def as_dvc_sets(command: str, folder) -> Params:
    """The parameters after DVC has applied its overrides."""
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    settings = overrides(command)
    assert not any(one.is_sweep_override() for one in to_hydra_overrides(settings))
    apply_overrides(folder / "params.yaml", settings)
    return load_params(folder / "params.yaml")


def test_every_format_has_an_example_that_names_a_source_and_known_keys(tmp_path):
    shown = set()
    for command in COMMANDS:
        params = as_dvc_sets(command, tmp_path)
        reader, location = reader_of(params.data.source)
        assert (reader is None) is (params.data.source == "my_data:load"), command
        assert reader is None or reader.files(location)
        shown.add(params.data.source.partition(":")[0])
    assert set(READERS.names()) <= shown


def test_the_loader_shown_works_as_written(tmp_path, monkeypatch, settings):
    code = re.search(r"```python\n(.*?def load.*?)```", PAGE, flags=re.DOTALL)
    assert code is not None
    (tmp_path / "my_data.py").write_text(code.group(1))
    monkeypatch.syspath_prepend(tmp_path)
    dataset = load(settings("my_data:load"))
    assert dataset.features.shape == (500, 2)
    del sys.modules["my_data"]
