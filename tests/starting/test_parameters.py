"""Parameters are written with other values, and nothing else of them changes."""

import pytest

from initsweep.starting.parameters import edited

TEXT = """\
transfer:
  sizes:                      # at which
    - 8
    - 16
  targets: [64]

# How, not what.
schemes:
  - zeros

# The last of all.
tail: 1
"""


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("schemes", ["a", "b"], "  - zeros\n", "  - a\n  - b\n"),
        ("transfer.sizes", [1, 2, 3], "    - 8\n    - 16\n", "    - 1\n    - 2\n    - 3\n"),
        ("transfer.targets", [1, 2], "[64]", "[1, 2]"),
    ],
)
def test_what_stands_below_a_list_stays_when_the_list_changes(key, value, old, new):
    assert edited(TEXT, {key: value}) == TEXT.replace(old, new)
