"""What a study says of itself on the bench: do its intervals cover, and is "firm" firm?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.answer_pools import SCHEMES
from benchmarks.answer_rules import chosen, losses_of, lowest
from benchmarks.answer_studies import TUNING, Array, Study, agreement
from initsweep.statistics.intervals import mean_interval


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often what a study says is so.

    Attributes:
        means: Share of pairs of disjoint sets of fresh seeds whose intervals of a mean loss agree.
        differences: The same of paired differences between schemes.
        said: How often another study would choose the same scheme, as studies say.
        same: How often another one does.
        firm: The share of studies that call themselves firm.
        firm_same: How often two of those choose the same scheme.
    """

    means: float
    differences: float
    said: float
    same: float
    firm: float
    firm_same: float


class _Told(NamedTuple):
    scheme: int
    repicked: float
    firm: bool


def coverage(drawn: Sequence[Sequence[Study]]) -> Coverage:
    """Return how often what the product says in these studies is so.

    Args:
        drawn: The studies of each outer split.
    """
    told, means, differences = [], list[bool](), list[bool]()
    for row in drawn:
        told.append([_told(study) for study in row])
        for study in row:
            found = _agreeing(study)
            means += found[0]
            differences += found[1]
    flat = [one for row in told for one in row]
    firm = [agreement([one.scheme for one in row if one.firm]) for row in told]
    return Coverage(
        means=float(np.mean(means)),
        differences=float(np.mean(differences)),
        said=float(np.mean([one.repicked for one in flat])),
        same=float(np.mean([agreement([one.scheme for one in row]) for row in told])),
        firm=float(np.mean([one.firm for one in flat])),
        firm_same=float(np.mean([share for share in firm if share == share] or [np.nan])),
    )


def _told(study: Study) -> _Told:
    choice, _ = chosen(study, lowest)
    scheme = SCHEMES.index(choice.pick or "torch_default")
    return _Told(scheme, choice.repicked, choice.firm)


def _agreeing(study: Study) -> tuple[list[bool], list[bool]]:
    """Compare the fresh seeds with as many others: of every scheme, and of neighbours in the list.

    Two intervals agree if their means are no further apart than the root of the sum of squares of
    the half widths that face each other, which 95 % of such pairs are if each interval covers.

    Returns:
        Which pairs of intervals agree: of mean losses, of paired differences.
    """
    table = losses_of(study)
    rates = lowest(table).rates
    every = np.arange(study.pool.constants.shape[2])
    fresh = study.seeds[TUNING:]
    others = [seed for seed in every if seed not in fresh][-len(fresh) :]
    one, other = (_at(study, rates, seeds) for seeds in (fresh, others))
    means = [_agree(a, b) for a, b in zip(one, other, strict=True)]
    pairs = [_agree(a, b) for a, b in zip(one[1:] - one[:-1], other[1:] - other[:-1], strict=True)]
    return means, pairs


def _at(study: Study, rates: Array, seeds: Sequence[int]) -> Array:
    losses = losses_of(Study(study.pool, study.inner, study.outer, tuple(seeds)))
    return np.asarray(losses[np.arange(len(rates)), rates.astype(int)])


def _agree(one: Array, other: Array) -> bool:
    first, second = sorted((mean_interval(one), mean_interval(other)), key=lambda i: i.estimate)
    room = np.hypot(first.high - first.estimate, second.estimate - second.low)
    return bool(second.estimate - first.estimate <= room)
