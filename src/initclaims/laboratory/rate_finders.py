"""What learning-rate finders suggest, from the rates and losses of a sweep.

Written anew after their documented behaviour: smoothing, end of the sweep, what is cut off, rule.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


class Rule(NamedTuple):
    """A finder: the first and last rate of its sweep, and the rate it suggests from a curve."""

    first: float
    last: float
    suggest: Callable[[Curve, Curve], float]


def smooth(losses: Curve, keep: float, *, corrected: bool) -> Curve:
    """Return the exponential average that keeps this share of the past at every step."""
    average, smoothed = (0.0 if corrected else float(losses[0])), []
    for step, loss in enumerate(losses, start=1):
        average = keep * average + (1 - keep) * float(loss)
        smoothed.append(average / (1 - keep**step) if corrected else average)
    return np.array(smoothed)


def until(smoothed: Curve, factor: float) -> int:
    """Return after how many steps the loss first exceeds so many times its least value."""
    beyond = smoothed > factor * np.minimum.accumulate(smoothed)
    return int(beyond.argmax()) + 1 if beyond.any() else len(smoothed)


def fastai_valley(rates: Curve, losses: Curve) -> float:
    """Return the rate half way down the longest fall of the averaged loss.

    Source: fastai, callback.schedule (`valley`; `lr_find` cuts 10 and 5; average 0.98, stop at 4
        times).
    """
    smoothed = smooth(losses, 0.98, corrected=True)
    stop = until(smoothed, 4.0)
    kept, at = smoothed[:stop][10:-5], rates[:stop][10:-5]
    longest = np.ones(len(kept), dtype=int)  # falling sequence that ends here
    for place in range(1, len(kept)):
        higher = kept[:place] > kept[place]
        longest[place] = 1 + int((longest[:place] * higher).max())
    end = int(longest.argmax())
    third = int(longest[end]) / 3
    return float(at[max(end - int(longest[end]) + int(third) + int(third / 2), 0)])


def lightning_steepest(rates: Curve, losses: Curve) -> float:
    """Return the rate at which the averaged loss falls fastest per unit of rate.

    Source: Lightning, tuner.lr_finder (`suggestion`: skips 10 and 1, gradient by the rates;
        average 0.98, stop at 4 times).
    """
    smoothed = smooth(losses, 0.98, corrected=True)
    stop = until(smoothed, 4.0)
    kept, at = smoothed[:stop][10:-1], rates[:stop][10:-1]
    return float(at[np.gradient(kept, at).argmin()])


def torch_lr_finder(rates: Curve, losses: Curve) -> float:
    """Return the rate at which the averaged loss falls fastest per step.

    Source: torch-lr-finder (`range_test`: average 0.95, stop at 5 times; `plot`: skips 10 and 5).
    """
    smoothed = smooth(losses, 0.95, corrected=False)
    stop = until(smoothed, 5.0)
    return float(rates[:stop][10:-5][np.gradient(smoothed[:stop][10:-5]).argmin()])


RULES: Mapping[str, Rule] = {
    "fastai valley": Rule(1e-7, 10.0, fastai_valley),
    "Lightning steepest": Rule(1e-8, 1.0, lightning_steepest),
    "torch-lr-finder": Rule(1e-7, 10.0, torch_lr_finder),
}
