"""Every public name has an example in its documentation, and the example runs."""

import doctest

import griffe
import pytest

import initsweep
from tests.conftest import ROOT
from tests.made_study import make_study, with_my_study


@pytest.fixture(scope="module")
def sources():
    return griffe.load("initsweep", search_paths=[ROOT / "src"], resolve_aliases=True)


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    made = make_study(names=["zeros", "he_normal", "he_uniform", "orthogonal"])
    return with_my_study(tmp_path_factory.mktemp("parent"), made)


@pytest.mark.parametrize("name", initsweep.__all__)
def test_the_example_of_a_public_name_runs(name, sources, parent, monkeypatch):
    monkeypatch.chdir(parent)
    written = sources[name].docstring
    assert written is not None
    examples = doctest.DocTestParser().get_doctest(written.value, {}, name, None, None)
    assert examples.examples
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        examples, out=said.append
    )
    assert not said, "".join(said)
