"""A learning-rate response in one word: a block per rate of the grid, low where the loss is."""

import math
from collections.abc import Mapping, Sequence

from initsweep.core import numbers
from initsweep.core.records import ResponseRow
from initsweep.views.terminal.answer import Answer

BLOCKS = "▁▂▃▄▅▆▇█"
DIVERGED = "\N{MULTIPLICATION SIGN}"
UNTRIED = " "
_MOSTLY = 0.5
_NEAR = 1e-6  # relative; neighbours on a grid differ by far more


def sparklines(answer: Answer) -> dict[str, str]:
    """Return the response of every scheme, all over the same rates and on the same scale.

    A block's height is the logarithm of the mean capped loss, from the lowest of the study to the
    constant predictor's. `DIVERGED` stands where at least half of the seeds diverged, a space
    where a scheme did not try the rate, brackets around the grid's rate next to the chosen one.
    """
    rates = grid_of(answer)
    rows = [row for row in answer.response if row.kind != "refinement"]
    lowest = min((row.mean_loss for row in rows), default=0.0)
    scale = (lowest, answer.verdict.constant_loss)
    drawn = {}
    for scheme in answer.schemes:
        own = {_key(row.learning_rate, rates): row for row in rows if row.scheme == scheme.scheme}
        tried = [index for index in range(len(rates)) if index in own]
        chosen = min(tried, key=lambda i: _apart(rates[i], scheme.learning_rate), default=-1)
        cells = [_cell(own, index, scale) for index in range(len(rates))]
        if tried:
            cells[chosen] = f"[{cells[chosen]}]"
        drawn[scheme.scheme] = "".join(cells)
    return drawn


def grid_of(answer: Answer) -> list[float]:
    """Return the rates tried for their own sake by any scheme, ascending."""
    rates: list[float] = []
    for rate in sorted(row.learning_rate for row in answer.response if row.kind != "refinement"):
        if not rates or rate > rates[-1] * (1 + _NEAR):
            rates.append(rate)
    return rates


def span(answer: Answer) -> str:
    """Return the ends of those rates in words."""
    rates = grid_of(answer)
    return numbers.rate_range(rates[0], rates[-1]) if rates else numbers.MISSING


def _key(rate: float, rates: Sequence[float]) -> int:
    return min(range(len(rates)), key=lambda index: _apart(rates[index], rate))


def _apart(one: float, other: float) -> float:
    return abs(math.log(one / other))


def _cell(own: Mapping[int, ResponseRow], index: int, scale: tuple[float, float]) -> str:
    if index not in own:
        return UNTRIED
    row = own[index]
    if row.divergence_rate >= _MOSTLY:
        return DIVERGED
    return BLOCKS[round(_height(row.mean_loss, scale) * (len(BLOCKS) - 1))]


def _height(loss: float, scale: tuple[float, float]) -> float:
    """Return where a loss lies between the ends of the scale, 0 to 1, on a logarithmic axis."""
    low, high = scale
    if high <= low:
        return 1.0
    if low <= 0:  # a loss of exactly 0 has no logarithm
        return min((loss - low) / (high - low), 1.0)
    return min(math.log(loss / low) / math.log(high / low), 1.0)
