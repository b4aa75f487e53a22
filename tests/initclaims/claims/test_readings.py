"""Readings follow the table: what is known is said where the whole is open, and no tie is won."""

import pytest

from initclaims.claims import CLAIMS, chapter_experiment_is_noise, sinusoidal2025_tuned
from initclaims.claims import anyinit_silu as anyinit
from initclaims.claims import good_init_generalizes_better as generalizes
from initclaims.claims import good_init_takes_fewer_steps as steps
from initclaims.claims import imbalanced_minority_recall as imbalanced
from initclaims.claims import random_biases_rescue_zero_weights as biases
from initclaims.claims import theory_picks_the_best as theory
from initclaims.claims import xavier_keeps_both_variances as xavier
from initclaims.laboratory.table import Measurement, Table

SPREAD = (-0.01, 0.01, 0.0, 0.02, -0.02)


def rows(arm, quantity, values, setting=0.0):
    return [
        Measurement(arm=arm, quantity=quantity, setting=setting, seed=seed, value=float(value))
        for seed, value in enumerate(values)
    ]


def around(middle, wide=1.0):
    return [middle + wide * step for step in SPREAD]


def judged(name, table):
    return CLAIMS.get(name).judge(Table(table))


@pytest.mark.parametrize(
    ("rescued", "answer", "said"),
    [
        (around(0.2), "supported", "different"),
        (around(0.255), "cannot tell", "worse for certain"),
        (around(0.22, 5), "cannot tell", "How far it ends behind He is open"),
        (around(0.5), "depends", "does not get as far"),
        (around(2.3), "refuted", "do not help"),
        (around(2.25), "cannot tell", "Whether random biases help is open"),
    ],
)
def test_random_biases(rescued, answer, said):
    table = [
        *rows(biases.ZERO, biases.LOSS, [2.3] * 5),
        *rows(biases.RESCUED, biases.LOSS, rescued),
        *rows(biases.HE, biases.LOSS, [0.2] * 5),
    ]
    found = judged("random_biases_rescue_zero_weights", table)
    assert (found.answer, bool(found.on)) == (answer, answer == "depends")
    assert said in found.reading


@pytest.mark.parametrize(
    ("fails", "answer", "said"),
    [(0, "supported", "1.68"), (2, "cannot tell", "2 of 8 runs with 30 layers learn nothing.")],
)
def test_the_gain_of_silu(fails, answer, said):
    table = []
    for depth in anyinit.DEPTHS:
        for arm in anyinit.SCHEMES:
            logs = [-3.0 + (arm == anyinit.DEFAULT)] * 8
            if depth == 30 and arm == anyinit.GAIN:
                logs[:fails] = [0.0] * fails
            table += rows(anyinit.named(arm, depth), anyinit.DECADES, logs)
            table += rows(anyinit.named(arm, depth), anyinit.LOSS, [10**log for log in logs])
    found = judged("anyinit_silu", table)
    assert found.answer == answer
    assert said in found.reading


def test_sinusoidal_weights_lead_who_does_not_train_and_the_closest_comes_first():
    claim = sinusoidal2025_tuned
    middle = {claim.DEFAULT: 0.1, claim.HE: 0.9, claim.ORTHOGONAL: 0.93, claim.SINUSOIDAL: 0.94}
    table = []
    for depth in claim.DEPTHS:
        for arm, score in middle.items():
            wide = 1.0 if arm == claim.SINUSOIDAL else 0.0
            table += rows(claim.named(arm, depth), claim.ACCURACY, around(score, wide))
            table += rows(claim.named(arm, depth), claim.UNTUNED, around(score, wide))
    found = judged("sinusoidal2025_tuned", table)
    assert found.answer == "cannot tell"
    assert found.effects[0].name == "30 layers, best rates: accuracy of sinusoidal minus orthogonal"
    assert "ahead of PyTorch's default, which does not train" in found.reading
    assert "level with orthogonal" in found.reading
    assert "far more than in the paper" in found.reading


def test_schemes_that_tie_share_the_first_place():
    claim = chapter_experiment_is_noise
    scores = ([0.5, 0.52, 0.5], [0.5, 0.52, 0.48], [0.48, 0.5, 0.5], [0.47, 0.5, 0.49])
    table = [
        row
        for arm, values in zip(claim.SCHEMES, scores, strict=True)
        for row in rows(arm, claim.SCORE, values)
    ]
    shares = [e.value.estimate for e in judged(claim.__name__.split(".")[-1], table).effects[-4:]]
    assert shares == pytest.approx([1 / 2, 1 / 3, 1 / 6, 0])


def test_the_regret_that_is_certain_comes_first():
    quantity = theory.REGRET
    table = [
        *rows("relu-20, orthogonal", quantity, around(0.06)),
        *rows("relu-10 + skip, torch_default", quantity, around(0.3)),
        *rows("tanh-3, lsuv", quantity, [0.0] * 5),
    ]
    found = judged("theory_picks_the_best", table)
    assert found.told == "depends on the network"
    assert found.effects[0].name.startswith("relu-10 + skip")
    assert "in 1 of 3 networks: relu-10 + skip, where torch_default is best." in found.reading
    assert "Open: relu-20 (" in found.reading
    table = [*rows("tanh-3, lsuv", quantity, [0.0] * 5)]
    assert "in none of 1 networks. Where" in judged("theory_picks_the_best", table).reading


@pytest.mark.parametrize(
    ("sigmoid", "answer", "said"),
    [
        (0.25, "depends", "for sigmoid it does not hold"),
        (1.0, "supported", "is multiplied by 1.00"),
    ],
)
def test_what_ten_layers_make_of_a_gradient(sigmoid, answer, said):
    factors = {"tanh": 0.9, "sigmoid": sigmoid, "identity": 1.0}
    table = []
    for arm, factor in factors.items():
        for layer in (1, xavier.DEPTH):
            forward, backward = 0.9**layer, factor ** (xavier.DEPTH - layer)
            table += rows(arm, xavier.FORWARD, [forward] * 3, layer)
            table += rows(arm, xavier.BACKWARD, [backward] * 3, layer)
    found = judged("xavier_keeps_both_variances", table)
    assert found.answer == answer
    assert said in found.reading
    assert ("1/260 000" in found.reading) == (answer == "depends")


def test_one_wrong_scheme_makes_the_spread_of_recall_and_a_rate_that_diverges_is_said():
    wrong, too_hot = imbalanced.LARGE, [*imbalanced.BESIDE][1]
    table = []
    for arm in (*imbalanced.SCHEMES, *imbalanced.BESIDE):
        recall = {wrong: 0.05, too_hot: 0.0}.get(arm, 0.25)
        table += rows(arm, imbalanced.RECALL, around(recall, 0.1))
        table += rows(arm, imbalanced.ACCURACY, around(0.0 if arm == too_hot else 0.9, 0.1))
    found = judged("imbalanced_minority_recall", table)
    assert f"One scheme, {wrong}, makes the whole spread" in found.reading
    assert "at three times it the network does not train." in found.reading
    assert too_hot not in CLAIMS.get("imbalanced_minority_recall").picture.pictures[0].arms


def test_gaps_of_capped_losses_and_runs_that_never_got_there():
    table = []
    for n in generalizes.NETWORKS:
        for name in generalizes.SCHEMES:
            seeds = 5 if name == generalizes.GOOD else 4
            loss = 2.302 if name == generalizes.BAD[1] else 0.3
            table += rows(f"{n}, {name}", generalizes.LOSS, [loss] * (seeds + 1))
            table += rows(f"{n}, {name}", generalizes.ACCURACY, [0.9] * (seeds + 1))
    found = judged("good_init_generalizes_better", table)
    assert found.told == "depends on whether weights are too small or too large"
    assert "as nearly all of He's weights x 3 (3 layers)" in found.reading
    assert "1 of 6 runs of He's weights / 3 (3 layers)" in found.reading


@pytest.mark.parametrize(("last", "said"), [(800.0, True), (408.0, False)])
def test_runs_that_took_all_steps_there_were(last, said):
    table = [
        row
        for n in steps.NETWORKS
        for name in steps.SCHEMES
        for row in rows(f"{n}, {name}", steps.STEPS, [40] * 4 + [40 if name == "He" else last])
    ]
    table += rows("all", steps.WHOLE, [800.0])
    reading = judged("good_init_takes_fewer_steps", table).reading
    assert ("1 of 5 runs of He's weights / 3 (3 layers)" in reading) is said
