"""Which of two schemes forgives a wrong rate more, as far as the tuning seeds can tell."""

from collections.abc import Mapping, Sequence

import numpy as np

from initsweep.statistics.grid import Array, Flags
from initsweep.statistics.resamples import means_over, seed_draws, student_half_widths
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.seed_resamples import drawn_basins
from initsweep.statistics.thresholds import Thresholds


class Widths:
    """The basin widths of schemes, compared over draws of the tuning seeds they share.

    Attributes:
        drawn: Widths in decades by draw, shape (draws, schemes), in the order given.
        gaps: Measured width of one scheme minus that of another, shape (schemes, schemes).
        slack: Half the width of a gap's 95 % interval; infinite where the other basin may go on
            beyond the rates tried.
    """

    def __init__(self, summaries: Sequence[Summary], thresholds: Thresholds) -> None:
        seeds = summaries[0].curve.seeds
        shares, self.probability = seed_draws(seeds)
        means = [means_over(shares, summary.curve.losses) for summary in summaries]
        found = [
            drawn_basins(summary, own, own.min(axis=1), thresholds).widths
            for summary, own in zip(summaries, means, strict=True)
        ]
        self.drawn = np.stack(found, axis=1)
        own = np.array([summary.basin_width for summary in summaries])
        self.gaps = own[:, np.newaxis] - own
        closed = np.array([summary.basin_censored == "no" for summary in summaries])
        self.slack = np.where(closed, self._half_widths(seeds), np.inf)

    def _half_widths(self, seeds: int) -> Array:
        """Return half the width of each gap's interval, by Student's t over the draws."""
        if seeds == 1:
            return np.full(self.gaps.shape, np.inf)
        drawn = self.drawn[:, :, np.newaxis] - self.drawn[:, np.newaxis]
        flat = student_half_widths(drawn.reshape(len(drawn), -1), seeds)
        return flat.reshape(self.gaps.shape)

    def narrower(self, widest: int) -> Flags:
        """Return which schemes are shown to have a narrower basin than one, shape (schemes,)."""
        return np.asarray(self.gaps[widest] > self.slack[widest])


def most_forgiving(tied: Sequence[Summary], thresholds: Thresholds) -> list[Summary]:
    """Return those of tied schemes not shown to have a narrower basin than the widest."""
    widths = Widths(tied, thresholds)
    narrower = widths.narrower(int(widths.gaps.sum(axis=1).argmax()))
    return [summary for summary, less in zip(tied, narrower, strict=True) if not less]


def repicked(
    candidates: Sequence[Summary],
    thresholds: Thresholds,
    draws: int,
    stream: np.random.Generator,
    worse: int = 0,
) -> Mapping[str, float]:
    """Say which scheme another study of the same data would pick, and how often.

    What is true is drawn from this study's fresh seeds, and the other study's seeds from that: two
    draws with replacement, because both studies are a sample. Basins come from one draw of the
    tuning seeds. Rates stay as chosen, because no others have fresh runs, so that it is the
    choice among schemes that is looked at.

    Args:
        candidates: The trainable schemes, those shown to be worse last.
        thresholds: The margin.
        draws: How many studies are drawn.
        stream: The random numbers.
        worse: How many were shown to be worse; another study picks one of them only where it has
            the lowest mean, not for being forgiving.

    Returns:
        The share of studies that pick each scheme, those picked in none left out.
    """
    means = _redrawn(candidates, draws, stream)
    widths = Widths(candidates, thresholds)
    drawn = widths.drawn[stream.choice(len(widths.drawn), draws, p=widths.probability)]
    margins = np.full(len(candidates), thresholds.margin("validation"))
    margins[len(candidates) - worse :] = 0.0
    tied = means <= means.min(axis=1, keepdims=True) + margins
    widest = np.where(tied, drawn, -np.inf).argmax(axis=1)
    ahead = drawn[np.arange(draws), widest][:, np.newaxis] - drawn
    forgiving = tied & ~(ahead > widths.slack[widest])
    picks = np.where(forgiving, means, np.inf).argmin(axis=1)
    counts = np.bincount(picks, minlength=len(candidates)) / draws
    return {one.scheme: float(n) for one, n in zip(candidates, counts, strict=True) if n}


def _redrawn(candidates: Sequence[Summary], draws: int, stream: np.random.Generator) -> Array:
    """Return mean losses in other studies of the same data, shape (draws, candidates).

    Schemes with fewer seeds than the most are drawn as differences from one that has the most, over
    the seeds that both have: as they are compared.
    """
    counts = [len(summary.validation) for summary in candidates]
    most = max(counts)
    anchor = candidates[counts.index(most)].validation
    means, anchored = np.empty((draws, len(candidates))), np.empty(draws)
    for seeds in sorted(set(counts), reverse=True):
        shares = stream.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
        again = np.stack([stream.multinomial(seeds, share) for share in shares]) / seeds
        places = [place for place, count in enumerate(counts) if count == seeds]
        losses = np.stack([candidates[place].validation for place in places])
        means[:, places] = means_over(again, losses)
        same_seeds = means_over(again, anchor[np.newaxis, :seeds])[:, 0]
        if seeds == most:
            anchored = same_seeds
        else:
            means[:, places] += (anchored - same_seeds)[:, np.newaxis]
    return means
