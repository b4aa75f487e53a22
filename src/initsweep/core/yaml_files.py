"""YAML of the user's, read as DVC reads it (YAML 1.2: `1e-4` is a number), within limits.

A few lines can stand for billions of values, nest without end or hold a number of thousands of
digits. What no parameter file needs is refused before values are made of it, with its line.
"""

import re
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.scanner import Scanner

from initsweep.core.errors import ParamsError, cut, shown
from initsweep.core.user_files import refuse_pipes

MOST_VALUES = 10_000
"""Of a file, each counted as often as aliases repeat it; 1000 take some 0.04 s to read."""

MOST_OF_DVC = 120_000
"""In what DVC writes: a lock has some 550 values per scheme of a study."""

BYTES_PER_VALUE = 16
"""More of them are comments, or text that is too long; 1000 take some 0.001 s to look through."""

DEEPEST = 20
LONGEST_NUMBER = 100
LONGEST_TEXT = 4096
"""As the path of a file; so that messages can hold it."""

WHOLE = range(-(2**63), 2**63)
"""Numbers beyond are none to PyTorch, NumPy and MLflow either."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""Zero bytes, and halves of signs, which no file can hold."""

_TAG = "tag:yaml.org,2002:"
_TEXT = (f"{_TAG}str", f"{_TAG}merge")
_NUMBERS = {
    f"{_TAG}int": SafeConstructor.construct_yaml_int,
    f"{_TAG}float": SafeConstructor.construct_yaml_float,
}
_MAKER = YAML(typ="safe", pure=True).constructor
_PLAIN = {f"{_TAG}bool", f"{_TAG}null", *_NUMBERS}


def read_yaml(path: Path, most_values: int = MOST_VALUES) -> Any:  # noqa: ANN401 - as YAML is
    """Read a YAML file.

    Args:
        path: The file.
        most_values: How many values it may hold.

    Returns:
        Mappings with keys of text, lists, text, numbers of 64 bits, true, false and None.

    Raises:
        OSError: If it cannot be opened.
        ParamsError: If it is no YAML in UTF-8, or beyond a limit, with the line.
    """
    return parse_yaml(content_of(path, most_values), str(path), most_values)


def content_of(path: Path, most_values: int) -> bytes:
    """Return a file for `parse_yaml`, which refuses it if there is more of it.

    Raises:
        OSError: If it cannot be opened.
        ParamsError: If it is a pipe or device.
    """
    refuse_pipes(f"'{path}'", path.stat().st_mode, ParamsError)
    with path.open("rb") as stream:
        return stream.read(BYTES_PER_VALUE * most_values + 1)


def parse_yaml(content: str | bytes, origin: str, most_values: int = MOST_VALUES) -> Any:  # noqa: ANN401
    """Read YAML.

    Args:
        content: What to read; bytes are UTF-8.
        origin: Where it is from, for messages.
        most_values: How many values it may hold.

    Returns:
        As `read_yaml`.

    Raises:
        ParamsError: If it is no YAML or beyond a limit, with the line.
    """
    return deepcopy(_parsed(content, origin, most_values))


@lru_cache(maxsize=8)  # a stage looks at its `dvc.yaml` and its parameters half a dozen times
def _parsed(content: str | bytes, origin: str, most_values: int) -> Any:  # noqa: ANN401
    if len(content) > (limit := BYTES_PER_VALUE * most_values):
        raise ParamsError(
            f"'{origin}' has more than {limit} bytes, which are too many; name another file."
        )
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        return _Loader(most_values).load(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ParamsError(
            f"'{origin}' is not readable as YAML: byte 0x{error.object[error.start]:02x} in line "
            f"{line} is not UTF-8. Save it as UTF-8."
        ) from None
    except _RefusedError as error:
        raise ParamsError(f"{origin}, line {error.line}: {error.problem}") from None
    except YAMLError as error:
        raise ParamsError(f"'{origin}' is not readable as YAML: {_in_words(error)}") from None


def _in_words(error: YAMLError) -> str:
    """Return what is wrong in one line, and the remedy."""
    mark = getattr(error, "problem_mark", None)
    parts = [getattr(error, name, None) for name in ("context", "problem")]
    text = ": ".join(filter(None, parts)) or str(error)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return (
        f"{where}{' '.join(text.split())}. Correct it there: indent by spaces, close brackets and "
        "quotation marks, and put text with special characters into quotation marks."
    )


class _RefusedError(MarkedYAMLError):
    """Something that YAML allows and we do not."""

    def __init__(self, place: Node | Event, problem: str) -> None:
        super().__init__(problem=problem)
        self.line = place.start_mark.line + 1


class _Loader(YAML):
    def __init__(self, most_values: int) -> None:
        super().__init__(typ="safe", pure=True)
        self.Scanner: type[Scanner] = _Scanner
        self.Composer: type[Composer] = _Composer
        self.most_values = most_values


class _Scanner(Scanner):
    def fetch_directive(self) -> None:
        place = Event(self.reader.get_mark())
        raise _RefusedError(place, "a line that begins with % changes what follows; delete it.")


class _Extent(NamedTuple):
    """How many values a part holds with aliases written out, and how deep it nests."""

    values: int
    depth: int


class _Composer(Composer):
    """Composes the tree of a document, and looks at it before values are made of it."""

    def __init__(self, loader: _Loader) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._composed = 0
        self._extents: dict[int, _Extent | None] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - ruamel's
        event = self.parser.peek_event()
        self._composed += 1
        self._check(_Extent(self._composed, self.depth), event, "")
        if tag := getattr(event, "tag", None):
            raise _RefusedError(event, f"{shown(tag)} is a tag; write the value alone.")
        return super().compose_node(parent, index)

    def get_single_node(self) -> Any:  # noqa: ANN401 - ruamel's
        node = super().get_single_node()
        if node is not None:
            self._extent_of(node, "")
        return node

    def _extent_of(self, node: Node, key: str) -> _Extent:
        if isinstance(node, ScalarNode):
            _check_scalar(node, key)
            return _Extent(1, 0)
        known = self._extents.get(id(node), _Extent(0, 0))
        if known is None:
            raise _RefusedError(node, f"{_named(key)} holds itself by an alias; write it out.")
        if not known.values:
            self._extents[id(node)] = None
            parts = [self._extent_of(part, name) for name, part in _parts(node, key)]
            depth = 1 + max((part.depth for part in parts), default=0)
            known = _Extent(1 + sum(part.values for part in parts), depth)
            self._check(known, node, key)
            self._extents[id(node)] = known
        return known

    def _check(self, extent: _Extent, place: Node | Event, key: str) -> None:
        most = self.loader.most_values
        if extent.values > most:
            raise _RefusedError(
                place,
                f"{_named(key)} holds more than {most} values, counting each as often as aliases "
                "repeat it; write less.",
            )
        if extent.depth > DEEPEST:
            raise _RefusedError(place, f"{_named(key)} nests deeper than {DEEPEST} levels.")


def _parts(node: Node, key: str) -> list[tuple[str, Node]]:
    """Return what a list or mapping holds, each part with its dotted key.

    Raises:
        _RefusedError: If a key is no text, or there twice.
    """
    dot = f"{key}." if key else ""
    if not isinstance(node, MappingNode):
        return [(f"{dot}{number}", part) for number, part in enumerate(node.value)]
    lines: dict[str, int] = {}
    for name, _ in node.value:
        if not isinstance(name, ScalarNode) or str(name.tag) not in _TEXT:
            what = name.value if isinstance(name, ScalarNode) else "a list or mapping"
            raise _RefusedError(
                name, f"{_named(key)} has the key {cut(what)}, which is no text; quote it."
            )
        _check_scalar(name, key)
        if name.value in lines:
            raise _RefusedError(
                name,
                f"{_named(key)} has the key {shown(name.value)} twice, first in line "
                f"{lines[name.value]}; leave one out.",
            )
        lines[name.value] = name.start_mark.line + 1
    return [(f"{dot}{name.value}", part) for name, part in node.value]


def _check_scalar(node: ScalarNode, key: str) -> None:
    """Refuse what is neither text, a number of usual length, true, false nor null.

    Raises:
        _RefusedError: Saying what it is.
    """
    text, kind = node.value, str(node.tag)
    wrong = ""
    if kind in _TEXT and len(text) > LONGEST_TEXT:
        wrong = f"is text of {len(text)} characters; write {LONGEST_TEXT} at most"
    elif kind in _TEXT:
        if _NO_TEXT.search(text):
            wrong = f"is {shown(text)}, with a character that no text has; leave it out"
    elif kind not in _PLAIN:
        wrong = f"is {cut(text)}, to YAML a date or the like; put it into quotation marks"
    elif kind in _NUMBERS:
        wrong = _wrong_number(node, kind)
    if wrong:
        raise _RefusedError(node, f"{_named(key)} {wrong}.")


def _wrong_number(node: ScalarNode, kind: str) -> str:
    if len(node.value) > LONGEST_NUMBER:
        return f"is a number of {len(node.value)} digits; write fewer"
    try:
        number = _NUMBERS[kind](_MAKER, node)
    except ValueError:  # `+_` and the like are numbers to YAML
        return f"is {node.value}, a number without digits; put it into quotation marks"
    if isinstance(number, int) and number not in WHOLE:
        return f"is {node.value}, which has more than 64 bits; write a smaller number"
    return ""


def _named(key: str) -> str:
    return cut(key) if key else "the file"
