"""The arithmetic of the papers' claims, and judges that can say every answer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from initclaims.claims import CLAIMS, zero_rank
from initclaims.claims import glorot2010_jacobian as jacobian
from initclaims.claims import hanin_fluctuation as hanin
from initclaims.claims import he2015_thirty_layers as he
from initclaims.claims import kalra_catapult as kalra
from initclaims.claims import lr_finders_unstable as finders
from initclaims.claims import lu2019_born_dead as lu
from initclaims.claims import ranking_transfers as ranking
from initclaims.claims import schoenholz2017_trainable_depth as schoenholz
from initclaims.claims import warmup_by_scheme as warmup
from initclaims.laboratory import rates, sizes
from initclaims.laboratory.depth_scales import critical_variance, depth_scale
from initclaims.laboratory.rate_finders import RULES, smooth, until
from initclaims.laboratory.table import Measurement, Table


def rows(arm, quantity, values, setting=0.0):
    return [
        Measurement(arm=arm, quantity=quantity, setting=setting, seed=seed, value=float(value))
        for seed, value in enumerate(values)
    ]


@pytest.mark.parametrize(("width", "share"), [(2, 0.925), (3, 0.699), (5, 0.249), (10, 0.009)])
def test_the_formula_of_born_dead_networks_gives_lu_s_numbers(width, share):
    assert lu.bound(width) == pytest.approx(share, abs=5e-4)


def test_dead_shares_are_those_of_networks_drawn_one_by_one():
    one, every = lu.dead_shares(3, 0, 4000)
    assert one == pytest.approx(lu.bound(3), abs=0.03)
    assert every < one


@pytest.mark.parametrize(("variance", "depth"), [(1.0, 21.76), (1.5, 94.75)])
def test_six_depth_scales_of_the_ordered_phase(variance, depth):
    assert 6 * depth_scale(variance, 0.05) == pytest.approx(depth, rel=1e-3)


def test_the_critical_variance_of_tanh():
    assert critical_variance(0.05) == pytest.approx(1.7609, abs=2e-3)


def test_trainable_depth_is_where_accuracy_falls_to_a_half():
    assert schoenholz.trainable([(10, 0.9), (40, 0.1)]) == pytest.approx(20)
    assert schoenholz.trainable([(10, 0.9), (40, 0.8)]) == 40
    assert schoenholz.trainable([(10, 0.3), (40, 0.8)]) == 10


@pytest.mark.parametrize(
    ("depths", "answer"),
    [
        ({1.0: (20, 22), 1.5: (90, 95), 1.76: (150, 155), 2.5: (70, 72), 4.0: (40, 42)},
         "supported"),
        ({1.0: (60, 65), 1.5: (90, 95), 1.76: (150, 155), 2.5: (80, 82), 4.0: (70, 72)}, "depends"),
        ({1.0: (20, 22), 1.5: (120, 120), 1.76: (150, 155), 2.5: (70, 72), 4.0: (40, 42)},
         "depends"),  # trains at the deepest one tried
        ({1.0: (90, 95), 1.5: (20, 22), 1.76: (150, 155), 2.5: (40, 42), 4.0: (70, 72)}, "refuted"),
        ({1.0: (20, 22), 1.5: (90, 95), 1.76: (50, 51), 2.5: (70, 72), 4.0: (40, 42)}, "refuted"),
        ({1.0: (20, 22), 1.5: (90, 95), 1.76: (70, 180), 2.5: (70, 72), 4.0: (40, 42)},
         "cannot tell"),
        ({1.0: (5, 25), 1.5: (90, 95), 1.76: (150, 155), 2.5: (70, 72), 4.0: (40, 42)},
         "cannot tell"),
    ],
)  # fmt: skip
def test_trainable_depths_are_judged_by_the_limits_of_their_intervals(depths, answer):
    table = []
    for at, (first, second) in depths.items():
        table += rows(schoenholz.MEASURED, schoenholz.DEPTH, [first, second] * 3, at)
        deepest = 120 if at != schoenholz.CRITICAL else 180
        table += rows(schoenholz.MEASURED, schoenholz.DEEPEST, [deepest], at)
        if at != schoenholz.CRITICAL:
            arm = schoenholz.THEORIES[at > schoenholz.CRITICAL]
            theory = 6 * depth_scale(at, 0.05)
            table += rows(arm, schoenholz.DEPTH, [theory], at)
    judgement = CLAIMS.get("schoenholz2017_trainable_depth").judge(Table(table))
    assert judgement.answer == answer
    assert "{" not in judgement.reading


def test_hanin_s_line_goes_through_zero():
    """A line with an intercept fits exactly; through zero it does not."""
    table = [
        row
        for beta in hanin.BETAS.values()
        for row in rows(hanin.MEASURED, hanin.VARIANCE, [5 + beta] * 3, beta)
    ]
    effects = CLAIMS.get("hanin_fluctuation").judge(Table(table)).effects
    (fit,) = [effect for effect in effects if effect.name.startswith("r²")]
    assert fit.value.estimate < 0


def test_finders_suggest_a_rate_on_the_falling_part_of_a_smooth_curve():
    for name, rule in RULES.items():
        rates = np.geomspace(rule.first, rule.last, 100)
        losses = 2.3 / (1 + (rates / 1e-3) ** 2) + 0.1 + (rates / 0.3) ** 2
        found = rule.suggest(rates, losses)
        assert rule.first < found < 0.3, name
        assert found in rates


def test_smoothing_and_the_end_of_a_sweep():
    np.testing.assert_allclose(smooth(np.ones(5), 0.98, corrected=True), 1.0)
    np.testing.assert_allclose(smooth(np.array([1.0, 0.0]), 0.95, corrected=False), [1.0, 0.95])
    assert until(np.array([1.0, 0.5, 3.0, 9.0]), 4.0) == 3
    assert until(np.array([1.0, 0.5, 1.9]), 4.0) == 3
    assert finders.until_finite(np.array([1.0, np.inf, 1.0])) == 1


def test_the_basin_is_the_neighbourhood_of_the_best_rate():
    low, high = finders.basin((0.1, 1.0, 10.0, 100.0), np.array([0.11, 0.10, 0.5, 0.1]))
    assert low == pytest.approx(0.1 * 10**-0.25)
    assert high == pytest.approx(10**0.25)


def test_singular_values_are_those_of_a_decomposition():
    torch.manual_seed(0)
    weight, activations = torch.randn(6, 6, dtype=torch.float64), torch.rand(2, 6).double()

    class Layer:
        pass

    layer = Layer()
    layer.weight, layer.activations = weight, activations
    found = jacobian.jacobians(layer, 2)
    expected = torch.linalg.svdvals((1 - activations**2)[:, :, None] * weight)
    torch.testing.assert_close(found.flip(1), expected)


@pytest.mark.parametrize(
    ("xavier_22", "xavier_30", "he_30", "answer"),
    [
        (0.8, 0.1, 0.9, "supported"),
        (0.1, 0.1, 0.9, "depends"),
        (0.9, 0.9, 0.9, "refuted"),
        (0.8, 0.1, 0.1, "cannot tell"),
    ],
)
def test_he_s_thirty_layers(xavier_22, xavier_30, he_30, answer):
    accuracies = {
        ("He", he.SGD, 22): 0.9,
        ("Xavier", he.SGD, 22): xavier_22,
        ("He", he.SGD, 30): he_30,
        ("Xavier", he.SGD, 30): xavier_30,
        ("He", he.ADAM, 30): 0.9,
        ("Xavier", he.ADAM, 30): 0.5,
    }
    table = [
        row
        for key, value in accuracies.items()
        for row in rows(he.label(*key), he.ACCURACY, [value] * 3)
    ]
    found = CLAIMS.get("he2015_thirty_layers").judge(Table(table))
    assert found.answer == answer
    assert found.on == ("depth" if answer == "depends" else "")
    assert ("Our 22 layers miss the pattern: Xavier gets to 0.10" in found.reading) == bool(
        found.on
    )


@pytest.mark.parametrize(
    ("factor", "answer"), [(lambda b: 5 * b, "supported"), (lambda b: 9 * b, "depends"),
                           (lambda b: 1 / b, "refuted")],
)  # fmt: skip
def test_hanin_s_line(factor, answer):
    table = [
        row
        for beta in hanin.BETAS.values()
        for row in rows(hanin.MEASURED, hanin.VARIANCE, [factor(beta)] * 3, beta)
    ]
    assert CLAIMS.get("hanin_fluctuation").judge(Table(table)).answer == answer


@pytest.mark.parametrize(
    ("largest", "answer"),
    [((8, 8, 8), "supported"), ((8, 1, 8), "depends"), ((1, 1, 64), "refuted"),
     ((8, 8, (1, 8)), "cannot tell"), ((8, 1, (1, 8)), "cannot tell")],
)  # fmt: skip
def test_the_catapult_s_range(largest, answer):
    table = []
    for arm, value in zip(kalra.SCHEMES, largest, strict=True):
        table += rows(arm, kalra.LARGEST, np.broadcast_to(value, 2))
        table += rows(arm, kalra.SHARPNESS, [50, 50])
    assert CLAIMS.get("kalra_catapult").judge(Table(table)).answer == answer


@pytest.mark.parametrize(
    ("ranks", "answer"),
    [((0.9, 1.2, 2.0), "supported"), ((0.9, 0.9, 2.0), "depends"), ((1.1, 1.2, 2.0), "refuted")],
)
def test_the_cap_on_the_rank(ranks, answer):
    table = []
    for arm, rank in zip(zero_rank.SCHEMES, ranks, strict=True):
        table += rows(arm, zero_rank.RANK, [rank], 128.0)
        table += rows(arm, zero_rank.ACCURACY, [0.95], 128.0)
    assert CLAIMS.get("zero_rank").judge(Table(table)).answer == answer


def spread(centre, width=0.02):
    return np.linspace(centre - width, centre + width, 10)


def over_sizes(exponents):
    """Measurements of arms whose best rates go with the size to these powers."""
    return [
        row
        for arm, exponent in exponents.items()
        for row in [
            *rows(arm, sizes.EXPONENT, spread(exponent)),
            *rows(arm, sizes.RATE, np.full(10, 0.1), 64),
            *rows(arm, sizes.RATE, np.full(10, 0.1 * 8**exponent), 512),
        ]
    ]


@pytest.mark.parametrize(
    ("adam", "sgd", "answer"),
    [
        ((-0.9, 0.0), (-0.8, 0.1), "supported"),
        ((-0.9, 0.0), (-0.1, 0.0), "depends"),
        ((-0.9, -0.6), (-0.1, 0.0), "refuted"),
        ((-0.9, 0.33), (-0.9, 0.0), "cannot tell"),
    ],
)
def test_a_rate_carries_over_where_one_exponent_stays_and_the_other_falls(adam, sgd, answer):
    arms = ["adam, standard", "adam, muP", "sgd, standard", "sgd, muP"]
    table = Table(over_sizes(dict(zip(arms, [*adam, *sgd], strict=True))))
    assert CLAIMS.get("mup_rate_transfers").judge(table).answer == answer


@pytest.mark.parametrize(
    ("mup", "complete", "answer"),
    [(-0.6, 0.1, "supported"), (-0.6, -0.5, "refuted"), (-0.33, 0.0, "cannot tell")],
)
def test_a_rate_carries_over_in_depth_likewise(mup, complete, answer):
    table = Table(over_sizes({"adam, muP": mup, "adam, CompleteP": complete}))
    assert CLAIMS.get("completep_rate_transfers").judge(table).answer == answer


def test_the_best_rate_of_a_seed_lies_between_those_tried():
    tried = np.array([1e-3, 1e-2, 1e-1])
    losses = np.exp(np.log10(tried / 2e-2) ** 2)[:, None] * [1.0, 2.0]
    response = SimpleNamespace(rates=tuple(tried), final_losses=losses, constant_loss=2.3)
    assert rates.best_rates(response) == pytest.approx([2e-2, 2e-2])
    falls = {size: np.array([1 / size, 2.0]) for size in (2.0, 4.0, 8.0)}
    assert rates.exponents(falls) == pytest.approx([-1.0, 0.0], abs=1e-12)


@pytest.mark.parametrize(
    ("wide", "answer"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "supported"),
        ([0, 2, 1, 3, 4, 5, 6, 7], "cannot tell"),  # some, but not a quarter
        ([7, 6, 5, 4, 3, 2, 1, 0], "refuted"),
        ([0, 0, 0, 0, 0, 0, 0, 1], "supported"),
        ([0, 0, 0, 0, 0, 0, 0, 0], "cannot tell"),
    ],
)
def test_a_ranking_carries_over_where_no_told_pair_changes_sides(wide, answer):
    measured = [
        row
        for network, places in {"narrow": range(8), "wide": wide}.items()
        for name, place in zip(ranking.SCHEMES, places, strict=True)
        for row in rows(f"{network}: {name}", "training loss", spread(0.1 * place, 0.001))
    ]
    assert CLAIMS.get("ranking_transfers").judge(Table(measured)).answer == answer


@pytest.mark.parametrize(
    ("gains", "answer"),
    [((0.1, 0.1), "supported"), ((0.1, 0.0), "depends"), ((0.0, 0.0), "refuted"),
     ((0.1, 0.02), "cannot tell")],
)  # fmt: skip
def test_warm_up_is_judged_scheme_by_scheme(gains, answer):
    first, *others = warmup.SCHEMES
    measured = rows(first, warmup.GAIN, spread(gains[0], 0.005))
    for name in others:
        measured += rows(name, warmup.GAIN, spread(gains[1], 0.005))
    for how in warmup.SHARES:
        for name in warmup.SCHEMES:
            measured += rows(f"{how}: {name}", "best rate", [0.1])
    assert CLAIMS.get("warmup_by_scheme").judge(Table(measured)).answer == answer
