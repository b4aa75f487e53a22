"""How values of the user's data appear in messages: quoted, on one line, and not too long."""

import re
from collections.abc import Sequence

from initsweep.core.errors import cut

LONGEST = 60


def quoted(text: object) -> str:
    """Return a value in quotation marks, on one line, cut off after 60 characters."""
    shown = str(text).replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in shown
    )
    return f"'{shown}'" if len(shown) <= LONGEST else f"'{shown[:LONGEST]}...'"


def in_one_line(error: object) -> str:
    """Return what another library says, without line ends, its own objects and the final point."""
    return cut(re.sub(r"[: ]*<\S+ object at 0x\w+>", "", " ".join(str(error).split()))).rstrip(". ")


def legible_names(names: Sequence[str]) -> str:
    """Return names with commas between them, 20 at most."""
    shown = [quoted(name)[1:-1] for name in names[:20]]
    return ", ".join(shown) + (", ..." if len(names) > 20 else "")
