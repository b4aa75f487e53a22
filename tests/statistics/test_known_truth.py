"""Forty made-up studies whose truth is known, played through `compare`: is the answer right?

Each has five schemes with a valley of their own over the learning rate. A run's loss is the true
one, plus what its seed does to all schemes, plus a part of its own; some schemes fail in a few
runs, at the constant predictor's loss. A scheme's true loss is its mean over endless fresh seeds at
the rate it chose. Bounds are far from what comes out, because what comes out is always the same.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from initsweep.core.randomness import numpy_stream
from initsweep.statistics.evidence import check_evidence
from initsweep.statistics.verdict import Comparison, compare
from tests.statistics.study_builder import DECIDE, PROVENANCE, SCHEMA, evidence

RATES = (0.001, 0.00316, 0.01, 0.0316, 0.1)
CENTRES = (-1.8, -2.0, -2.2)
FRESH, TUNED = 10, 5
COMMON, OWN = 0.02, 0.012  # spread of what a seed does to all schemes, and to one
MARGIN = DECIDE.margin

RARE = "the lowest fails now and then"
# Lowest true losses of five schemes, and how often each fails.
KINDS = {
    "all the same": ([0.3] * 5, [0.0] * 5),
    "two are best": ([0.3, 0.3, 0.36, 0.4, 0.5], [0.0] * 5),
    "one is best": ([0.25, 0.3, 0.32, 0.36, 0.5], [0.0] * 5),
    # The first is lower where it does not fail: 0.3 - 0.035 + 0.05 * 0.735 is a bit above 0.3.
    RARE: ([0.265, 0.3, 0.34, 0.4, 0.5], [0.05, 0.0, 0.0, 0.1, 0.0]),
}
EACH = 10


@dataclass(frozen=True)
class Played:
    """A study and the true loss of each scheme at the rate it chose."""

    kind: str
    found: Comparison
    truth: dict[str, float]

    @property
    def pick(self) -> str | None:
        return self.found.verdict.recommended

    @property
    def regret(self) -> float:
        assert self.pick is not None
        return self.truth[self.pick] - min(self.truth.values())

    @property
    def false_winner(self) -> bool:
        """Whether a winner is named although another scheme is as good or better in truth."""
        others = [loss for name, loss in self.truth.items() if name != self.pick]
        named = self.found.verdict.decision == "winner"
        return named and min(others) <= self.truth[self.pick] + 1e-12


def play(kind: str, number: int, seeds: str = "first") -> Played:
    """Return a study; with other seeds another study of the same schemes."""
    stream = numpy_stream("test", "known truth", kind, number)
    lowest, failing = KINDS[kind]
    centres = stream.choice(CENTRES, size=5)
    widths = stream.uniform(0.5, 1.0, size=5)
    stream = numpy_stream("test", "known truth", kind, number, seeds)
    tuned, fresh, tested = (COMMON * stream.normal(size=n) for n in (TUNED, FRESH, FRESH))
    studies, truth = [], {}
    for place, (low, rare) in enumerate(zip(lowest, failing, strict=True)):
        name = f"s{place}"

        def level(rate, low=low, centre=centres[place], width=widths[place]):
            # Flat around the centre, so that all schemes have a rate at their lowest.
            away = max(abs(np.log10(rate) - centre) - 0.25, 0.0) / width
            return min(low + 0.2 * away**2, 1.0)

        def drawn(mean, shared, rare=rare):
            losses = mean + shared + OWN * stream.normal(size=len(shared))
            failed = stream.random(len(shared)) < rare
            return [
                None if gone else float(loss) for gone, loss in zip(failed, losses, strict=True)
            ]

        grid = {rate: drawn(level(rate), tuned) for rate in RATES}
        chosen = min(RATES, key=lambda rate: sum(1.0 if x is None else x for x in grid[rate]))
        confirm = drawn(level(chosen), fresh)
        test = [2 * (level(chosen) + shift) for shift in tested]
        studies.append(evidence(name, confirm, grid, rate=chosen, test=test))
        truth[name] = (1 - rare) * level(chosen) + rare
    check_evidence(studies, SCHEMA, range(100, 100 + FRESH))
    return Played(kind, compare(studies, SCHEMA, DECIDE, PROVENANCE), truth)


@pytest.fixture(scope="module")
def played() -> list[Played]:
    return [play(kind, number) for kind in KINDS for number in range(EACH)]


def test_a_winner_is_seldom_named_where_there_is_none(played):
    false = Counter(one.kind for one in played if one.false_winner)
    assert false["all the same"] == 0  # it takes four that are all shown to be worse
    assert false["two are best"] + false["one is best"] <= 3
    # Failures that no seed met cannot be allowed for; where one was seen, no winner is named.
    assert false[RARE] <= 8
    for one in played:
        if one.false_winner and one.kind == RARE:
            row = next(row for row in one.found.schemes if row.scheme == one.pick)
            assert (one.pick, row.failed_runs) == ("s0", 0)
            assert one.regret <= MARGIN


def test_the_pick_is_as_good_as_the_best_as_far_as_matters_in_most_studies(played):
    regrets = np.array([one.regret for one in played])
    assert (regrets <= MARGIN).mean() >= 0.9
    assert regrets.mean() <= MARGIN / 2
    assert regrets.max() <= 0.06


def test_a_scheme_that_is_clearly_best_is_named_the_winner(played):
    clear = [one for one in played if one.kind == "one is best"]
    assert all(one.pick == "s0" for one in clear)
    assert sum(one.found.verdict.decision == "winner" for one in clear) >= 8
    assert all(one.found.verdict.repicked >= 0.95 for one in clear)


def test_two_that_are_best_tie_and_those_far_behind_do_not(played):
    pairs = [one for one in played if one.kind == "two are best"]
    left = [
        {row.scheme: row.standing for row in one.found.schemes if row.standing != "worse"}
        for one in pairs
    ]
    assert sum({"s0", "s1"} <= set(standing) for standing in left) >= 8
    assert not any("s4" in standing for standing in left)


def test_repicked_is_lower_where_schemes_are_alike(played):
    by_kind = {
        kind: np.mean([one.found.verdict.repicked for one in played if one.kind == kind])
        for kind in KINDS
    }
    assert by_kind["all the same"] < 0.75
    assert by_kind["all the same"] < by_kind["two are best"] < by_kind["one is best"]


def test_every_study_adds_up(played):
    for one in played:
        verdict = one.found.verdict
        standings = {row.scheme: row.standing for row in one.found.schemes}
        assert [n for n in standings if standings[n] == "tied"] == sorted(verdict.tie_set)
        assert {n for n in standings if standings[n] == "undecided"} == set(verdict.undecided)
        assert sum(verdict.picks.values()) == pytest.approx(1, abs=0.005)
        assert set(verdict.picks) <= {*verdict.tie_set, *verdict.undecided}
        assert verdict.recommended in verdict.tie_set
        assert all(row.why for row in one.found.schemes)
        means = {row.scheme: row.validation_loss for row in one.found.schemes}
        assert max(means[n] for n in verdict.tie_set) <= min(means.values()) + MARGIN + 1e-12
        assert (verdict.decision == "tie") == (len(verdict.tie_set) > 1)
        if verdict.decision == "winner":
            assert set(standings.values()) == {"tied", "worse"}
