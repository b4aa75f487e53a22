"""The verdict for scripts. `docs/ci.md` describes the format."""

import dataclasses

from initsweep.views.terminal.answer import PACKET, Answer

FORMAT = "initsweep-summary/2"
"""Changes where a key goes or means something else; new keys may come without a new number."""


def as_record(answer: Answer) -> dict[str, object]:
    """Return format, verdict, schemes best first, and the path of the packet, as plain values."""
    return {
        "format": FORMAT,
        "verdict": dataclasses.asdict(answer.verdict),
        "schemes": [dataclasses.asdict(row) for row in answer.schemes],
        "last_decision": dataclasses.asdict(answer.challenge),
        "notices": list(answer.notices),
        "report": PACKET.as_posix(),
    }
