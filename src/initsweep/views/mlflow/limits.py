"""Text from outside as MLflow takes it: no hidden signs, and no more than its databases hold."""

import re
from collections.abc import Mapping
from functools import lru_cache

from initsweep.core import spelling
from initsweep.core.params import fingerprint

NAME = 250  # of an experiment, a run, a model; of a key
VALUE = 5000  # of a param or a tag of the registry
NOTE = 7500  # MLflow refuses tags above 8000 characters
_KEPT = "\n\t"


def name(text: str) -> str:
    """Return a name; one that is too long ends in a hash, so that others stay other names."""
    told = spelling.legible(text)
    return told if len(told) <= NAME else f"{told[: NAME - 20]}… {fingerprint(text)}"


@lru_cache(maxsize=1000)  # of few metrics there are thousands of points
def key(text: str) -> str:
    """Return `text` with everything that MLflow or a URL would stumble over as underscore."""
    parts = re.sub(r"[^\w./-]+", "_", name(text)).split("/")
    # MLflow takes keys for paths, and wants the shortest.
    return "/".join(part for part in parts if part.strip(".")) or "_"


def value(text: str, most: int = VALUE) -> str:
    """Return text, cut off where MLflow would refuse it."""
    return spelling.shorten(spelling.legible(text, _KEPT), most)


def values(texts: Mapping[str, str]) -> dict[str, str]:
    """Return params or tags."""
    return {told: value(text) for told, text in texts.items()}


def note(markdown: str, most: int = NOTE) -> str:
    """Return Markdown as MLflow's pages read it, which know no backslash before a "<"."""
    return value(markdown.replace(r"\<", "&lt;"), most)
