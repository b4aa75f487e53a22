"""One look per scheme, the same in every figure.

Eight colours that keep a contrast of at least 3:1 to white and to a dark page and stay apart for
the common colour-vision deficiencies; schemes after the eighth get another marker and dash, so
that colour never is the only difference.
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
MARKERS = ("o", "s", "^", "D")
DASHES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
FAILED = "#848d97"

Dash = str | tuple[int, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one scheme is drawn."""

    colour: str
    marker: str
    dash: Dash


UNTRAINABLE = Look(colour=FAILED, marker="x", dash=(0, (3, 2)))


def looks(schemes: Sequence[str], untrainable: Collection[str] = ()) -> dict[str, Look]:
    """Return a look for each scheme, by its place in the list of schemes.

    Appending a scheme changes nobody else's look. Untrainable schemes are grey and dashed.
    """
    chosen = {}
    for place, scheme in enumerate(schemes):
        turn = place // len(COLOURS)
        chosen[scheme] = Look(
            colour=COLOURS[place % len(COLOURS)],
            marker=MARKERS[turn % len(MARKERS)],
            dash=DASHES[turn % len(DASHES)],
        )
    return chosen | {scheme: UNTRAINABLE for scheme in schemes if scheme in untrainable}
