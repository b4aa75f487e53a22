"""docs/data.md: every example is one that the command line takes."""

import re
import sys

import pytest
from ruamel.yaml import YAML

from initsweep.datasets._loading import load, reader_of
from initsweep.datasets.readers import READERS
from initsweep.params import parse_params
from tests.conftest import ROOT

PAGE = (ROOT / "docs/data.md").read_text("utf-8")
COMMANDS = re.findall(r"^dvc exp run (.*)$", PAGE, flags=re.MULTILINE)


def overrides(command: str) -> dict[str, object]:
    found = re.findall(r"-S ('[^']*'|\S+)", command)
    pairs = (one.strip("'").split("=", 1) for one in found)
    return {
        # As DVC reads them: a value is YAML, unless it is a path with a colon.
        key: value if ":" in value else YAML(typ="safe", pure=True).load(value)
        for key, value in pairs
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_names_a_source_and_known_keys(command, changed):
    replaced = overrides(command)
    params = parse_params(changed(replaced))
    assert len(replaced) == command.count("-S ")
    for key, value in replaced.items():
        section, *rest = key.split(".")
        found = getattr(params, section)
        for part in rest:
            found = getattr(found, part)
        assert found == (tuple(value) if isinstance(value, list) else value)
    reader, location = reader_of(params.data.source)
    assert (reader is None) is (params.data.source == "my_package.data:load")
    assert reader is None or reader.files(location)


def test_every_format_has_an_example():
    shown = {overrides(command)["data.source"].partition(":")[0] for command in COMMANDS}
    assert set(READERS.names()) <= shown


def test_the_loader_shown_works_as_written(tmp_path, monkeypatch, settings):
    code = re.search(r"```python\n(.*?def load.*?)```", PAGE, flags=re.DOTALL)
    assert code is not None
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text(code.group(1))
    monkeypatch.syspath_prepend(tmp_path)
    dataset = load(settings("my_package.data:load"))
    assert dataset.features.shape == (500, 2)
    for name in ("my_package.data", "my_package"):
        del sys.modules[name]
