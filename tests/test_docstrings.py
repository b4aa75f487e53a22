"""Every public name has an example in its documentation, and the example runs."""

import doctest

import griffe
import pytest

import initsweep
from tests.conftest import ROOT

SOURCES = griffe.load("initsweep", search_paths=[ROOT / "src"], resolve_aliases=True)


@pytest.mark.parametrize("name", initsweep.__all__)
def test_the_example_of_a_public_name_runs(name):
    written = SOURCES[name].docstring
    assert written is not None
    examples = doctest.DocTestParser().get_doctest(written.value, {}, name, None, None)
    assert examples.examples
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert not said, "".join(said)
