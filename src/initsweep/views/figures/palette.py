"""One look per scheme, the same in every figure, in the packet and in MLflow.

32 colours that keep a contrast of at least 3:1 to white and to a dark page. The first eight stay
apart for the common colour-vision deficiencies; each of the others was taken as far in OKLab from
all before it, light and dark, as these contrasts leave room for. Every eight get another marker
and dash, so that colour never is the only difference. Names are written in a shade of the same
colour that has the contrast of text, 4.5:1, and on a dark page both turn into a lighter one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

# Of lines and markers, of names, and of both on a dark page.
_SHADES = (
    ("#2f7fd1", "#2a74bf", "#4f96dd"),
    ("#e07400", "#af5a00", "#e07400"),
    ("#1b8a5a", "#198255", "#22a96f"),
    ("#8e44ad", "#8e44ad", "#b57fcd"),
    ("#0a9bb5", "#087c91", "#0a9bb5"),
    ("#94602c", "#94602c", "#c4843f"),
    ("#e0568a", "#d42768", "#e66f9b"),
    ("#3b5bdb", "#3b5bdb", "#8095e8"),
    ("#c30f28", "#c30f28", "#e43c43"),
    ("#8c69f5", "#815ce7", "#8c69f5"),
    ("#919b00", "#737b15", "#919b00"),
    ("#a05f7d", "#a05f7d", "#aa6887"),
    ("#b91978", "#b91978", "#d83e92"),
    ("#c855cd", "#b845bd", "#c855cd"),
    ("#5a5f9b", "#5a5f9b", "#7278b6"),
    ("#5a6919", "#5a6919", "#738336"),
    ("#c38282", "#a36465", "#c38282"),
    ("#c35f46", "#bc5940", "#c35f46"),
    ("#ff5a46", "#dc3726", "#ff5a46"),
    ("#5a82ff", "#476ce7", "#5a82ff"),
    ("#0073a5", "#0073a5", "#2384b7"),
    ("#c34669", "#c34669", "#ce5072"),
    ("#af4b9b", "#af4b9b", "#bb56a6"),
    ("#a58200", "#917205", "#a58200"),
    ("#19a000", "#208913", "#19a000"),
    ("#376e69", "#376e69", "#4f8680"),
    ("#789b6e", "#5d7f53", "#789b6e"),
    ("#9b69be", "#9261b5", "#9b69be"),
    ("#9b7d5a", "#8f714f", "#9b7d5a"),
    ("#b973fa", "#9b54d9", "#b973fa"),
    ("#eb5fbe", "#c83d9e", "#eb5fbe"),
    ("#00781e", "#00781e", "#298e36"),
)
COLOURS, INKS, _LIGHTER = zip(*_SHADES, strict=True)
_OF_ONE_MARKER = 8
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
        turn = place // _OF_ONE_MARKER
        chosen[scheme] = Look(
            colour=COLOURS[place % len(COLOURS)],
            ink=INKS[place % len(INKS)],
            marker=MARKERS[turn % len(MARKERS)],
            dash=DASHES[turn % len(DASHES)],
        )
    return chosen | {scheme: UNTRAINABLE for scheme in schemes if scheme in untrainable}
