from dataclasses import replace

import numpy as np
import pytest

from initsweep.core.errors import ArtifactError
from initsweep.statistics.evidence import check_evidence
from tests.statistics.study_builder import PROVENANCE, SCHEMA, evidence, flat

GRID = flat([0.9, 0.3, 0.2, 1.0])
SEEDS = [100, 101, 102]


def good(scheme="a"):
    return evidence(scheme, [0.2, 0.3, None], GRID, extension={10.0: [1.0, None]})


def refused(message, *found, schema=SCHEMA, seeds=SEEDS):
    with pytest.raises(ArtifactError, match=message):
        check_evidence(found, schema, seeds)


def test_a_consistent_study_passes():
    check_evidence([good("a"), good("b")], SCHEMA, SEEDS)


def test_extensions_may_differ_between_schemes():
    check_evidence([good("a"), evidence("b", [0.2, 0.2, 0.2], GRID)], SCHEMA, SEEDS)


def test_other_data():
    other = replace(PROVENANCE, data_sha="old")
    refused("results/tune/a.*other data", evidence("a", [0.2] * 3, GRID, provenance=other))
    one = good()
    stale = replace(one, confirmation=replace(one.confirmation, provenance=other))
    refused("results/train/a.*other data.*dvc repro", stale)


def test_other_seeds():
    refused(r"results/train/b.*seeds \[100, 101\]", good(), evidence("b", [0.2] * 2, GRID))
    refused(r"confirm.seeds is \[1, 2, 3\]", good(), seeds=[1, 2, 3])
    one = good()
    refused("seeds", replace(one, confirm=[*one.confirm[:2], one.confirm[1]]))
    refused("seeds", replace(one, confirm=[]))


def test_a_rate_that_tuning_did_not_choose():
    one = good()
    refused(
        "but tuning chose 0.5", replace(one, selection=replace(one.selection, learning_rate=0.5))
    )
    moved = [replace(run, learning_rate=0.5) for run in one.confirm]
    refused("learning rates", replace(one, confirm=moved))


def test_missing_test_losses():
    one = good()
    bare = [replace(run, capped_test_loss=None) for run in one.confirm]
    refused("seed 100 has no test loss", replace(one, confirm=bare))


@pytest.mark.parametrize("column", ["capped_loss", "capped_test_loss"])
def test_losses_above_the_cap(column):
    one = good()
    broken = [replace(one.confirm[0], **{column: 2.1}), *one.confirm[1:]]
    refused("above the constant predictor's", replace(one, confirm=broken))


def test_another_schemes_results():
    one = good()
    refused(
        "results/tune/a.*holds results of a, b",
        replace(one, tuning=[*one.tuning, *good("b").tuning]),
    )
    refused("results/train/a.*holds results of a, b", replace(one, confirm=good("b").confirm))


def test_another_grid():
    other = {rate * 2: losses for rate, losses in GRID.items()}
    refused("other grid rates or seeds than a", good(), evidence("b", [0.2] * 3, other))
    fewer = {rate: losses[:1] for rate, losses in GRID.items()}
    refused("other grid rates or seeds than a", good(), evidence("b", [0.2] * 3, fewer))
    one = good()
    no_grid = [run for run in one.tuning if run.kind == "extension"]
    refused("no runs on the shared grid", replace(one, tuning=no_grid))


@pytest.mark.parametrize("name", ["constant_validation_loss", "constant_test_loss"])
@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_constant_predictor_that_is_perfect_already(name, value):
    refused(f"{name} must be above 0", good(), schema=replace(SCHEMA, **{name: value}))


def test_rates_tuned_on_other_seeds_than_the_rest():
    one = good()
    refused(
        r"results/tune/a: learning rate 10.0 \(extension\) has seeds \[1\], others \[0, 1\]",
        replace(one, tuning=[r for r in one.tuning if (r.kind, r.seed) != ("extension", 0)]),
    )


def raced():
    """A study in which two rates have the first of the tuning seeds only."""
    one = good()
    kept = [run for run in one.tuning if run.seed == 0 or run.learning_rate not in {0.001, 10.0}]
    return replace(one, tuning=kept)


def test_fewer_seeds_are_a_race_s_and_no_other_study_s():
    check_evidence([raced()], SCHEMA, SEEDS, racing=True)
    refused(r"results/tune/a: learning rate 0.01 \(grid\) has seeds \[0, 1\], others", raced())


def test_a_race_takes_seeds_in_their_order_and_the_chosen_rate_has_all():
    def refused_in_race(message, one):
        with pytest.raises(ArtifactError, match=message):
            check_evidence([one], SCHEMA, SEEDS, racing=True)

    one = good()
    late = [run for run in one.tuning if (run.learning_rate, run.seed) != (0.001, 0)]
    refused_in_race(r"0.001 \(grid\) has seeds \[1\], expected \[0\]", replace(one, tuning=late))
    chosen = one.selection.learning_rate
    short = [run for run in one.tuning if (run.learning_rate, run.seed) != (chosen, 1)]
    refused_in_race(f"{chosen!r} .* expected \\[0, 1\\]", replace(one, tuning=short))


def test_curves_with_missing_epochs():
    one = good()
    for missing in (0, 4):
        kept = [row for row in one.curves if (row.seed, row.epoch) != (101, missing)]
        refused("results/train/a: curves.csv has epochs .* of seed 101", replace(one, curves=kept))
    refused("results/train/b: curves.csv", good("a"), replace(good("b"), curves=[]))


@pytest.mark.parametrize("name", ["capped_loss", "validation_loss", "capped_test_loss"])
def test_numbers_that_are_not_numbers(name):
    one = good()
    first, *rest = one.confirm
    bad = replace(first, **{name: float("nan")})
    refused(f"results/train/a: .* has {name} nan", replace(one, confirm=[bad, *rest]))
    if name == "capped_loss":
        first, *rest = one.tuning
        bad = replace(first, capped_loss=float("nan"))
        refused("results/tune/a: .* has capped_loss nan", replace(one, tuning=[bad, *rest]))


def test_other_test_rows_than_the_rest():
    one, other = (
        replace(good(name), test_rows=np.zeros((len(SEEDS), rows)))
        for name, rows in (("a", 40), ("b", 41))
    )
    refused("results/train/b: has 41 test rows, a 40", one, other)
    check_evidence([one, good("b")], SCHEMA, SEEDS)
