from dataclasses import replace

import pytest

from initsweep.core.errors import ArtifactError
from initsweep.statistics.evidence import Retune, check_evidence
from initsweep.statistics.verdict import compare
from tests.statistics.study_builder import DECIDE, PROVENANCE, SCHEMA, evidence, flat
from tests.statistics.test_selection import noisy

WIDE, NARROW = flat([0.9, 0.2, 0.2, 0.9], 3), flat([0.9, 0.9, 0.2, 0.9], 3)
SEEDS = range(100, 110)


def retune(scheme, confirm, grid):
    """What another tuning of a scheme found; its fresh runs have no test losses."""
    one = evidence(scheme, confirm, grid)
    bare = [
        replace(run, test_loss=None, test_score=None, capped_test_loss=None) for run in one.confirm
    ]
    return Retune(selection=one.selection, tuning=one.tuning, confirm=bare)


def study(first=(), second=()):
    """Two schemes of equal loss; `a` has the wider basin. The grids of the re-tunings follow."""
    return [
        replace(
            evidence(name, noisy(0.2, name), grid),
            retunes=[retune(name, noisy(0.2, name), again) for again in grids],
        )
        for name, grid, grids in (("a", WIDE, first), ("b", NARROW, second))
    ]


def result(found):
    check_evidence(found, SCHEMA, SEEDS)
    return compare(found, SCHEMA, DECIDE, PROVENANCE)


def test_without_re_tunings_the_study_says_that_it_does_not_know():
    found = result(study())
    assert {row.tuning for row in found.retunes} == {0}
    assert [row.scheme for row in found.retunes if row.picked] == ["a"]
    assert "Tuned again" not in found.verdict.statement
    assert any("tuned once" in caveat for caveat in found.verdict.caveats)


def test_re_tunings_that_agree_are_said_to():
    found = result(study([WIDE, WIDE], [NARROW, NARROW]))
    assert found.verdict.statement.endswith(
        " Tuned again on other seeds, it is chosen 2 of 2 times."
    )
    assert not any("tuning seeds" in c and "choice" in c for c in found.verdict.caveats)
    assert "picks: a, a" in found.verdict.rule[-1]
    assert len(found.retunes) == 6


def test_re_tunings_that_disagree_qualify_the_verdict_and_do_not_change_it():
    once, twice = result(study()), result(study([NARROW, WIDE], [WIDE, NARROW]))
    assert twice.verdict.recommended == once.verdict.recommended == "a"
    assert twice.pairs == once.pairs
    assert twice.verdict.statement.endswith(
        "Tuned again on other seeds, it is chosen 1 of 2 times and among the best 2 of 2 times."
    )
    assert any(
        "the rule picks b instead of a 1 of 2 times" in caveat for caveat in twice.verdict.caveats
    )
    picked = {(row.tuning, row.scheme) for row in twice.retunes if row.picked}
    assert picked == {(0, "a"), (1, "b"), (2, "a")}
    rates = [row.learning_rate for row in twice.retunes if row.scheme == "a"]
    assert rates == [0.01, 0.1, 0.01]


def test_a_study_of_untrainable_schemes_may_be_tuned_again():
    dead = flat([1.0] * 4, 3)
    found = result(
        [replace(evidence("a", [1.0] * 10, dead), retunes=[retune("a", [1.0] * 10, dead)])]
    )
    assert found.verdict.decision == "none_trainable"
    assert not any(row.picked or row.trainable for row in found.retunes)


def test_re_tunings_that_do_not_belong_together_are_refused():
    def refused(message, *found):
        with pytest.raises(ArtifactError, match=message):
            check_evidence(found, SCHEMA, SEEDS)

    refused("differs in the number of re-tunings", *study([WIDE], []))
    one = evidence("a", noisy(0.2), WIDE)
    again = retune("a", noisy(0.2), WIDE)
    refused(
        "retune_1 has learning rates",
        replace(one, retunes=[replace(again, confirm=again.confirm[:9])]),
    )
    refused("holds results of b", replace(one, retunes=[retune("b", noisy(0.2), WIDE)]))
    moved = replace(again.selection, provenance=replace(PROVENANCE, data_sha="other"))
    refused("other data", replace(one, retunes=[replace(again, selection=moved)]))
