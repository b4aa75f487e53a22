"""One look per scheme, the same in every figure.

Eight colours that keep a contrast of at least 3:1 to white and to a dark page and stay apart for
the common colour-vision deficiencies; schemes after the eighth get another marker and dash, so
that colour never is the only difference. Names are written in a shade of the same colour that has
the contrast of text, 4.5:1, and on a dark page both turn into a lighter one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

COLOURS = (
    "#2f7fd1",
    "#e07400",
    "#1b8a5a",
    "#8e44ad",
    "#0a9bb5",
    "#94602c",
    "#e0568a",
    "#3b5bdb",
)
INKS = (
    "#2a74bf",
    "#af5a00",
    "#198255",
    "#8e44ad",
    "#087c91",
    "#94602c",
    "#d42768",
    "#3b5bdb",
)
_LIGHTER = (
    "#4f96dd",
    "#e07400",
    "#22a96f",
    "#b57fcd",
    "#0a9bb5",
    "#c4843f",
    "#e66f9b",
    "#8095e8",
)
MARKERS = ("o", "s", "^", "D")
DASHES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
FAILED = "#848d97"
_FAILED_INK = "#69727c"
ON_DARK = {
    **dict(zip(COLOURS, _LIGHTER, strict=True)),
    **dict(zip(INKS, _LIGHTER, strict=True)),
    FAILED: FAILED,
    _FAILED_INK: "#8b949e",
}

Dash = str | tuple[int, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one scheme is drawn, and in which shade its name is written."""

    colour: str
    ink: str
    marker: str
    dash: Dash


UNTRAINABLE = Look(colour=FAILED, ink=_FAILED_INK, marker="x", dash=(0, (3, 2)))


def looks(schemes: Sequence[str], untrainable: Collection[str] = ()) -> dict[str, Look]:
    """Return a look for each scheme, by its place in the list of schemes.

    Appending a scheme changes nobody else's look. Untrainable schemes are grey and dashed.
    """
    chosen = {}
    for place, scheme in enumerate(schemes):
        turn = place // len(COLOURS)
        chosen[scheme] = Look(
            colour=COLOURS[place % len(COLOURS)],
            ink=INKS[place % len(INKS)],
            marker=MARKERS[turn % len(MARKERS)],
            dash=DASHES[turn % len(DASHES)],
        )
    return chosen | {scheme: UNTRAINABLE for scheme in schemes if scheme in untrainable}
