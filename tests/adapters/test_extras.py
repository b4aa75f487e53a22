"""An adapter whose library is missing says in one line what to install."""

import subprocess
import sys

import pytest

from initsweep.core.errors import MissingExtraError

LIBRARIES = ("lightning", "pytorch_lightning", "transformers", "accelerate")
HIDE = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {LIBRARIES}:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""


@pytest.mark.parametrize(
    ("module", "extra"), [("lightning", "lightning"), ("hugging_face", "hugging-face")]
)
def test_the_extra_is_named(module, extra):
    code = f"{HIDE}\nimport initsweep.adapters.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"Run `pip install 'initsweep[{extra}]'`." in done.stderr.splitlines()[-1]
    assert MissingExtraError.__name__ in done.stderr.splitlines()[-1]
