import numpy as np
import pytest

from initsweep.statistics.alternatives import alternatives, needed_seeds, seeds_to_settle
from initsweep.statistics.comparison import FEWEST_SEEDS
from tests.statistics.study_builder import DECIDE, SCHEMA, evidence, flat

STEPS = [0.001 * step for step in range(10)]


def study(low_of_b=0.06):
    """Return `a`, best with a narrow basin, and `b`, worse by `low_of_b` with a wide one."""
    return [
        evidence("a", [0.2 + step for step in STEPS], flat([0.9, 0.9, 0.2, 0.9])),
        evidence(
            "b", [0.2 + low_of_b + 1.1 * step for step in STEPS], flat([0.3, 0.27, 0.26, 0.9])
        ),
    ]


def rows_of(question, found):
    return {row.setting: row for row in found if row.question == question}


def test_the_first_row_is_the_decision_as_it_stands():
    row = alternatives(study(), SCHEMA, DECIDE)[0]
    assert (row.question, row.decision, row.pick, row.tied) == ("as it stands", "winner", "a", 1)


def test_a_margin_that_covers_the_difference_hands_it_to_the_wider_basin():
    margins = rows_of("decide.margin", alternatives(study(low_of_b=0.03), SCHEMA, DECIDE))
    assert {s: (row.pick, row.tied) for s, row in margins.items()} == {
        "0.0025": ("a", 1), "0.005": ("a", 1), "0.02": ("a", 1), "0.04": ("b", 2),
    }  # fmt: skip


def test_a_level_that_ten_seeds_cannot_reach_names_no_winner():
    strict = DECIDE.model_copy(update={"alpha": 0.004})
    levels = rows_of("decide.alpha", alternatives(study(), SCHEMA, strict))
    assert levels["0.001"].decision == "cannot_tell"
    assert levels["0.016"].decision == "winner"


def test_a_scheme_that_leads_by_one_seed_loses_without_it():
    lucky = [0.3] * 9 + [0.001]
    steady = [0.29] * 10
    both = [
        evidence("lucky", lucky, flat([0.9, 0.3, 0.3, 0.9])),
        evidence("steady", steady, flat([0.9, 0.9, 0.29, 0.9])),
    ]
    found = alternatives(both, SCHEMA, DECIDE)
    seeds = rows_of("without fresh seed", found)
    assert list(seeds) == [str(100 + place) for place in range(10)]
    assert found[0].pick == "lucky"
    assert {s for s, row in seeds.items() if row.pick == "steady" and row.tied == 1} <= {"109"}


def test_a_single_seed_cannot_be_left_out():
    one = [evidence("a", [0.2], flat([0.9, 0.2, 0.9, 0.9]))]
    assert not rows_of("without fresh seed", alternatives(one, SCHEMA, DECIDE))


def test_nothing_trainable_is_no_error():
    none = [evidence("a", [None] * 10, flat([1.0] * 4))]
    assert alternatives(none, SCHEMA, DECIDE)[0].pick is None
    assert needed_seeds(none, SCHEMA, DECIDE) == []


def test_only_inconclusive_pairs_need_seeds():
    assert needed_seeds(study(), SCHEMA, DECIDE) == []
    noisy = [0.2, 0.3, 0.25, 0.2, 0.35, 0.2, 0.28, 0.2, 0.3, 0.22]
    both = [
        evidence("a", [0.24] * 10, flat([0.9, 0.2, 0.9, 0.9])),
        evidence("b", noisy, flat([0.9, 0.2, 0.9, 0.9])),
    ]
    rows = needed_seeds(both, SCHEMA, DECIDE)
    assert {(row.family, row.scheme) for row in rows} == {("validation", "b"), ("test", "b")}
    assert all(row.needed > 10 for row in rows)


@pytest.mark.parametrize("mean", [0.004, -0.004, 0.015, -0.02, 0.0])
def test_so_many_seeds_settle_about_eighty_in_a_hundred(mean):
    """Draw that many seeds again and again; normal intervals and tests, as in the estimate."""
    margin, spread = 0.01, 0.02
    sample = mean + spread * 0.75**0.5 * np.array([-1.0, 1.0] * 2)
    seeds, settles = seeds_to_settle(sample, margin, 0.05, 4)
    stream = np.random.default_rng(3)
    drawn = stream.normal(mean, spread, (4000, seeds)).mean(axis=1)
    error = spread / np.sqrt(seeds)
    if settles == "equivalent":
        done = np.abs(drawn) + 1.96 * error < margin
    else:
        done = np.sign(mean) * drawn - 2.498 * error > 0  # 1 - 0.05 / (2 * 4)
    assert 0.77 < done.mean() < 0.84


def test_what_no_number_of_seeds_settles():
    assert seeds_to_settle(np.array([0.1]), 0.01, 0.05, 1) == (None, "")
    assert seeds_to_settle(np.array([-1.0, 1.0]), 0.01, 0.05, 1) == (None, "")


def test_never_fewer_than_it_takes_to_name_a_winner():
    assert seeds_to_settle(np.array([0.5, 0.51]), 0.01, 0.05, 1) == (FEWEST_SEEDS, "worse")
    assert seeds_to_settle(np.array([-0.5, -0.51]), 0.01, 0.05, 1) == (FEWEST_SEEDS, "better")


def test_a_pair_that_is_open_needs_more_seeds_than_there_are():
    # Normal theory would call nine enough; with these ten the pair is open all the same.
    differences = 0.02 + 0.015 * np.array([-1.0, 1.0] * 5)
    assert seeds_to_settle(differences[:2], 0.001, 0.05, 1)[0] == 9
    assert seeds_to_settle(differences, 0.001, 0.05, 1) == (11, "worse")


def test_a_basin_that_hangs_on_one_tuning_seed_is_gone_without_it():
    rates = (0.001, 0.01, 0.1, 1.0)
    wide = {rate: [0.2, 0.2, 0.2] for rate in rates[:3]} | {1.0: [0.9] * 3}
    # The third seed is good at all rates, so that a draw of it alone has a basin that may go on:
    # only without it `torn` is shown to have the narrower one.
    torn = {rate: [0.9, 0.9, 0.2] for rate in (0.001, 0.01, 1.0)} | {0.1: [0.2] * 3}
    both = [evidence("wide", [0.201] * 10, wide), evidence("torn", [0.2] * 10, torn)]
    found = alternatives(both, SCHEMA, DECIDE)
    assert (found[0].pick, found[0].tied) == ("torn", 2)
    seeds = rows_of("without tuning seed", found)
    assert {seed: row.pick for seed, row in seeds.items()} == {
        "0": "torn", "1": "torn", "2": "wide",
    }  # fmt: skip


def test_a_single_tuning_seed_cannot_be_left_out():
    one = [evidence("a", [0.2] * 10, flat([0.9, 0.2, 0.9, 0.9], seeds=1))]
    assert not rows_of("without tuning seed", alternatives(one, SCHEMA, DECIDE))
