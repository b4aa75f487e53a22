import sys

import pytest

from initsweep.core.errors import DuplicateNameError, ParamsError, UnknownNameError
from initsweep.core.registry import Registry


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package of two modules, each registering one entry."""
    package = tmp_path / "sample_room"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from initsweep.core.registry import Registry\nTHINGS = Registry('thing', __name__)\n"
    )
    for name in ("first", "second"):
        (package / f"{name}.py").write_text(
            f"from sample_room import THINGS\nTHINGS.add('{name}', '{name} entry')\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    import sample_room

    yield sample_room.THINGS
    for module in [name for name in sys.modules if name.startswith("sample_room")]:
        del sys.modules[module]


def test_a_file_in_the_room_is_found_by_name(room):
    assert room.names() == ["first", "second"]
    assert room.get("second") == "second entry"
    assert dict(room) == {"first": "first entry", "second": "second entry"}


def test_an_unknown_name_suggests_the_closest(room):
    with pytest.raises(UnknownNameError, match=r"Unknown thing 'frist'\. Did you mean 'first'"):
        room.get("frist")


def test_two_entries_cannot_share_a_name():
    registry = Registry("thing", "initsweep.metrics")
    registry.add("one", 1)
    with pytest.raises(DuplicateNameError, match="Two things are called 'one'"):
        registry.add("one", 2)


def test_an_entry_from_outside_is_imported_by_dotted_path(room):
    assert room.get("math:sqrt")(9) == 3
    with pytest.raises(UnknownNameError, match=r"thing: '\.math:sqrt' is not of the form"):
        room.get(".math:sqrt")
    with pytest.raises(UnknownNameError, match="no module named 'no_such_package'"):
        room.get("no_such_package.inits:mine")
    with pytest.raises(UnknownNameError, match=r"'math' has no 'sqroot'. Did you mean"):
        room.get("math:sqroot")
    with pytest.raises(UnknownNameError, match=r"names a file\. Write 'my_net:build'"):
        room.get("my_net.py:build")


def test_a_module_from_outside_that_breaks_is_told_in_one_line(room, tmp_path, monkeypatch):
    (tmp_path / "module_that_breaks.py").write_text("x = 1\nraise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    told = r"RuntimeError: no licence \(module_that_breaks.py, line 2\)"
    with pytest.raises(ParamsError, match=told):
        room.get("module_that_breaks:build")
