"""YAML as plain as DVC writes it, read by libyaml: 0.1 s for a lock instead of one or two."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import implicit_resolvers

from initsweep.core.yaml_files import BYTES_PER_VALUE, MOST_OF_DVC

_AS_DVC_WRITES = re.compile(rb"(?:[\w ./:=@+\n'-]++|\{\}|\[\])*+")
"""Of what libyaml takes for something else than ruamel.yaml there is nothing in it."""

_DEEP = re.compile(rb" {40}|- +- ")
_MOST_BYTES = MOST_OF_DVC * BYTES_PER_VALUE
"""Of a longer file `content_of` gives a part only, as `parse_yaml` says."""

_TAG = "tag:yaml.org,2002:"
_MAKER = YAML(typ="safe", pure=True).constructor


@lru_cache(maxsize=2)  # the lock, and the one in the last commit
def read_plain(content: bytes) -> Any:  # noqa: ANN401 - as YAML is
    """Read YAML if it is plain, and such as DVC writes.

    Args:
        content: What to read.

    Returns:
        What `parse_yaml` returns, and not to be changed; None where that must say what is wrong.
        Some that it refuses is read: beyond its limits, or with `=` as a key.
    """
    short = len(content) <= _MOST_BYTES
    if short and _AS_DVC_WRITES.fullmatch(content) and not _DEEP.search(content):
        with suppress(yaml.YAMLError, RecursionError, ValueError):
            return yaml.load(content, _Loader)  # noqa: S506 - makes nothing but plain values
    return None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # a choice
    """Reads by YAML 1.2, as DVC does: `1e-4` is a number, `yes` is text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own

    def construct_mapping(self, node: yaml.MappingNode, **deep: bool) -> dict[str, Any]:
        found: dict[str, Any] = super().construct_mapping(node, **deep)
        if len(found) < len(node.value) or not all(isinstance(key, str) for key in found):
            raise yaml.YAMLError("a key that is there twice, or is no text")
        return found


def _as_ruamel(construct: Callable[[ScalarNode], Any]) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    return lambda _, node: construct(ScalarNode(node.tag, node.value))


_Loader.yaml_constructors = {
    **{f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"]
       for kind in ("map", "seq", "str", "null", "bool")},
    f"{_TAG}int": _as_ruamel(_MAKER.construct_yaml_int),
    f"{_TAG}float": _as_ruamel(_MAKER.construct_yaml_float),
    None: yaml.SafeLoader.construct_undefined,
}  # fmt: skip
for versions, tag, pattern, first in implicit_resolvers:
    if (1, 2) in versions:
        _Loader.add_implicit_resolver(tag, pattern, first)
