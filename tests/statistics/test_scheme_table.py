"""The verdict table: where each scheme stands on validation, and why, in one line."""

import re

import pytest

from initsweep.statistics.power import seeds_to_settle
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.scheme_table import scheme_rows
from initsweep.statistics.selection import choose
from tests.statistics.study_builder import THRESHOLDS, evidence, flat

BASE = [0.2, 0.21, 0.22, 0.23, 0.24, 0.25, 0.26, 0.27, 0.28, 0.29]
WIDE = flat([0.9, 0.22, 0.2, 0.9], 5)
NARROW = flat([0.9, 0.9, 0.2, 0.9], 5)


def behind(name, differences, grid=WIDE):
    losses = [loss + more for loss, more in zip(BASE, differences, strict=True)]
    return evidence(name, losses, grid)


def whys(*found):
    summaries = summarize(found, THRESHOLDS)
    rows = scheme_rows(summaries, choose(summaries, THRESHOLDS), THRESHOLDS)
    return {row.scheme: row.why for row in rows}


def test_each_standing_says_why():
    swings = [-0.03, 0.07] * 5
    found = whys(
        behind("best", [0.0] * 10),
        behind("tied", [0.005] * 10),
        behind("narrow", [0.004] * 10, NARROW),
        behind("worse", [0.05] * 10),
        behind("open", swings),
        evidence("dead", [1.0] * 10, flat([1.0] * 4, 5)),
    )
    assert found["best"] == "lowest mean"
    assert found["tied"] == "0.005 behind (0.005 to 0.005), within the margin of 0.01"
    assert found["narrow"] == (
        "0.004 behind (0.004 to 0.004), within the margin of 0.01; its basin is shown to be "
        "narrower"
    )
    assert found["worse"] == "0.05 behind (0.05 to 0.05), shown to be worse"
    assert found["dead"] == "better than guessing at no learning rate tried"
    # Four schemes are compared with the best.
    needed, settles = seeds_to_settle(swings, 0.01, 0.05, 4)
    assert settles == "worse"
    assert re.fullmatch(
        r"0\.02 behind \(-0\.0\d+ to 0\.0\d+\), beyond the margin of 0\.01, not shown to be worse: "
        rf"about {needed} seeds would tell",
        found["open"],
    )


def test_a_pair_that_no_number_of_seeds_settles_says_so():
    # Two errors of the mean ten thousand times as large as the margin.
    steady, wild = [0.3] * 10, [0.01] * 6 + [0.9] * 4
    found = whys(evidence("steady", steady, WIDE), evidence("wild", wild, WIDE))
    assert "would tell" in found["wild"]
    needed, _ = seeds_to_settle([0.011 + s for s in (-9.0, 9.0) * 5], 0.01, 0.05, 1)
    assert needed is None


def test_the_same_law_is_named_and_counted_once():
    swings = [-0.03, 0.07] * 5
    found = whys(
        behind("best", [0.0] * 10), behind("twin", [0.0] * 10), behind("third", [0.0] * 10),
        behind("open", swings), behind("open too", swings),
    )  # fmt: skip
    assert found["best"] == "lowest mean; the same law here as twin, third, counted once"
    assert found["twin"].startswith("0 behind (0 to 0), within the margin of 0.01; the same law ")
    assert found["twin"].endswith("here as best, third, counted once")
    # Of four others two are the best's law and two are one: a single comparison.
    needed, _ = seeds_to_settle(swings, 0.01, 0.05, 1)
    assert f"about {needed} seeds would tell; the same law here as open too" in found["open"]
    assert needed < seeds_to_settle(swings, 0.01, 0.05, 4)[0]


@pytest.mark.parametrize("seeds", [2, 8])
def test_too_few_seeds_still_say_where_a_scheme_stands(seeds):
    found = whys(
        evidence("a", BASE[:seeds], WIDE),
        evidence("b", [loss + 0.05 for loss in BASE[:seeds]], WIDE),
    )
    assert found["a"] == "lowest mean"
    assert "not shown to be worse" in found["b"] or "shown to be worse" in found["b"]
