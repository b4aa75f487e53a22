"""What a section of the review packet is made of, whatever it is written as.

A section is written once, of blocks; `templates/` turns each kind of block into HTML and Markdown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from initsweep.core.registry import Registry
from initsweep.core.results import Results
from initsweep.views.packet.tables import Table

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph; `lead` is set in bold before it."""

    kind: ClassVar[str] = "paragraph"
    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list of sentences, numbered or not."""

    kind: ClassVar[str] = "items"
    texts: Sequence[str]
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Labels and what they are: a list of two columns."""

    kind: ClassVar[str] = "facts"
    pairs: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Words of a table and what they mean."""

    kind: ClassVar[str] = "terms"
    pairs: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table; `caption` says what it is to those who cannot see it."""

    kind: ClassVar[str] = "grid"
    table: Table
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of `pictures.PICTURES` by its name; `caption` overrules the one given there."""

    kind: ClassVar[str] = "figure"
    name: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Lines for a shell."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """What is folded away until asked for, in Markdown, too, on GitHub; on paper it is shown."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: Sequence["Block"]


Block = Paragraph | Items | Facts | Terms | Grid | Figure | Code | Heading | Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the packet.

    Attributes:
        place: Sections stand in the order of their places.
        title: Its heading.
        short: What the table of contents calls it.
        name: Its address in the page; filled in from the registry.
    """

    place: int
    title: str
    short: str
    blocks: Sequence[Block]
    name: str = field(default="", kw_only=True)


# A function of a study; None where the section has nothing to say about it.
SECTIONS: Registry[Callable[[Results], Section | None]] = Registry(
    "section", "initsweep.views.packet.sections"
)
