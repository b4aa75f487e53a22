"""Text for terminals and logs that know no more than ASCII."""

from initsweep.core.spelling import legible
from initsweep.views.terminal.sparkline import BLOCKS, DIVERGED

_SPELT: dict[str, str | int | None] = {
    **{block: str(height) for height, block in enumerate(BLOCKS)},
    DIVERGED: "x",
    "≥": ">=",
    "≤": "<=",
    "…": "~",
    "±": "+-",
    "\N{EN DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{INFINITY}": "inf",
}


def spelt(text: str, encoding: str) -> str:
    """Return the text in signs that an encoding has: as it is, or with numbers for the blocks.

    Either all signs of ours are spelt or none, so that texts shown together agree. A name of the
    user's own may hold letters that the encoding lacks; they become `?`. What would do something to
    the terminal becomes an escape.
    """
    text = legible(text, keep="\n")
    try:
        "".join(_SPELT).encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(str.maketrans(_SPELT))
    return text.encode(encoding, errors="replace").decode(encoding)
