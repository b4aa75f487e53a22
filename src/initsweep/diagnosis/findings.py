"""What is wrong, whose fault it is and what helps: the answer of `initsweep diagnose`."""

from dataclasses import dataclass
from typing import Literal

Cause = Literal["initialization", "rate", "data", "wiring"]

FROZEN = "nothing to train"
BROADCAST = "broadcast"
SQUASHED = "squashed scores"
WRONG_LOSS = "wrong loss"
OUT_OF_REACH = "targets out of reach"
MIXED = "examples mixed"
BLIND = "blind to the inputs"
INPUTS = "unscaled inputs"
TARGETS = "unscaled targets"
CONSTANT = "constant"
TOO_LARGE = "rate too large"
TOO_SMALL = "rate too small"
STUCK = "stuck"

FAULTS = (FROZEN, BROADCAST, SQUASHED, WRONG_LOSS, OUT_OF_REACH, MIXED, BLIND, INPUTS,
          TARGETS, CONSTANT, TOO_LARGE, TOO_SMALL, STUCK)  # fmt: skip
"""All verdicts but those on the signals, which `probes.verdict` has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    Attributes:
        cause: Where to mend it.
        verdict: What it is called.
        reason: The sentence with the number.
        remedy: What to do; "" if nothing that was tried helps.
        alarm: Whether the network is not expected to train because of it; else it is a remark.
        scheme: The scheme that it is about, None if it holds for all.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import diagnose
        >>> network = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
        >>> batch = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
        >>> finding = diagnose(network, batch, torch.arange(32) % 3).findings[0]
        >>> finding.cause, finding.verdict
        ('wiring', 'squashed scores')
    """

    cause: Cause
    verdict: str
    reason: str
    remedy: str
    alarm: bool = True
    scheme: str | None = None

    @property
    def heading(self) -> str:
        """Cause and verdict, and the scheme if it is about one."""
        text = (
            self.verdict if self.verdict.startswith(self.cause) else f"{self.cause}: {self.verdict}"
        )
        return f"{text} ({self.scheme})" if self.scheme else text

    @property
    def lines(self) -> list[str]:
        """Heading, sentence and remedy."""
        remedy = [f"Remedy: {self.remedy}"] if self.remedy else []
        return [self.heading if self.alarm else f"remark on {self.heading}", self.reason, *remedy]
