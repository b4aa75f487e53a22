"""Why a network cannot be traced or stacked, in plain words: torch's are for its developers."""

import re
from dataclasses import dataclass

from initsweep.core.errors import said_by


@dataclass(frozen=True, slots=True)
class Reason:
    """What torch says, and what we say instead.

    Attributes:
        pattern: Found in what torch says.
        words: What it means, after "it cannot be traced: " or "cannot be stacked: ".
        remedy: What to change; empty where the network is fine as it is.
    """

    pattern: str
    words: str
    remedy: str = ""


REASONS = (
    Reason(
        r"data-dependent control flow",
        "its control flow depends on values, as in `if x.mean() > 0`",
        "Replace `if` and `while` on values by `torch.where`",
    ),
    Reason(
        r"symbolically traced variables cannot be used as inputs to control flow",
        "control flow, in it or in one of its layers, depends on what goes through it",
    ),
    Reason(
        r"calling \.item\(\)",
        "it calls `.item()`",
        "Replace `.item()` by operations on tensors",
    ),
    Reason(
        r"operators that can support dynamic shape",
        "the shape of a tensor in it depends on values, as where a mask picks some of them",
        "Replace picking by a mask by `torch.where`",
    ),
    Reason(
        r"doesn't match the broadcast shape|vmap: .* is not possible because",
        "it changes a tensor in place",
        "Replace changes in place, such as `+=`, by operations that return a new tensor",
    ),
    Reason(
        r"random operation while in randomness error mode", "it draws at random, as dropout does"
    ),
    Reason(
        r"(?:rule not implemented for|vmap: we do not yet support) (\S+?)\.? (?:We|Please)",
        r"torch.func has no rule for \1",
    ),
)


def in_words(error: BaseException) -> str:
    """Return why torch gives up on a network: our words where we have some, else its first line."""
    text = " ".join(str(error).split())
    for reason in REASONS:
        if found := re.search(reason.pattern, text):
            return found.expand(reason.words)
    return said_by(error)[0]


def remedy(text: str) -> str:
    """Return what to change in the network, given a text that has our words; empty for nothing."""
    return next((one.remedy for one in REASONS if one.words in text), "")
