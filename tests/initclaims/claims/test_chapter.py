"""Judges of the chapter's claims: every answer that the criterion names can come out."""

import pytest

from initclaims.claims import CLAIMS
from initclaims.claims import data_scale_matters as scale
from initclaims.claims import he_beats_xavier_on_deep_relu as he
from initclaims.claims import relu_wants_larger_variance as relu
from initclaims.claims import variance_matters_more_with_depth as variance
from initclaims.laboratory.contest import CHOSEN_SCORE, SCORE, TRAIN
from initclaims.laboratory.table import Measurement, Table


def rows(arm, quantity, values, setting=0.0):
    return [
        Measurement(arm=arm, quantity=quantity, setting=setting, seed=seed, value=float(value))
        for seed, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("large", "small", "answer"),
    [
        ((0.8, 0.8), (0.5, 0.5), "supported"),
        ((0.95, 0.95), (0.5, 0.5), "depends"),
        ((0.95, 0.95), (0.95, 0.95), "refuted"),
        ((0.9, 1.0), (0.5, 0.5), "cannot tell"),
    ],
)
def test_the_scale_of_the_data_is_judged_by_accuracy(large, small, answer):
    table = []
    for arm in scale.SCHEMES:
        for factor, scores in ((1.0, (0.96, 0.96)), (100.0, large), (0.01, small)):
            table += rows(arm, SCORE, scores, factor)
            table += rows(arm, CHOSEN_SCORE, [0.9], factor) + rows(arm, "best rate", [0.1], factor)
        for kind in (scale.UNCENTRED, scale.HEAVY):
            table += rows(scale.shaped(arm, kind), SCORE, (0.95, 0.95), 1.0)
    assert CLAIMS.get("data_scale_matters").judge(Table(table)).answer == answer


@pytest.mark.parametrize(
    ("behind", "answer"),
    [
        ((0.0, 1.0, 1.0, 1.0), "supported"),
        ((0.0, 0.0, 1.0, 1.0), "depends"),
        ((1.0, 0.0, 0.0, 0.0), "refuted"),  # five layers are not deep
    ],
)
def test_he_is_judged_at_deep_networks_only(behind, answer):
    table = []
    for depth, gap in zip(he.DEPTHS, behind, strict=True):
        table += rows(he.HE, TRAIN, (0.1, 0.1), float(depth))
        table += rows(he.XAVIER, TRAIN, (0.1 + gap, 0.1 + gap), float(depth))
    assert CLAIMS.get("he_beats_xavier_on_deep_relu").judge(Table(table)).answer == answer


@pytest.mark.parametrize(
    ("small", "large", "answer"),
    [(1.0, 1.0, "supported"), (1.0, 0.0, "depends"), (0.0, 0.0, "refuted")],
)
def test_a_price_that_grows_with_depth(small, large, answer):
    table = []
    for depth in variance.DEPTHS:
        for arm, price in zip(variance.SCALES, (small, 0.0, large), strict=True):
            loss = 0.1 + price * depth / 20
            table += rows(arm, TRAIN, (loss, loss), float(depth))
            table += rows(arm, "best rate", [0.01], float(depth))
    judgement = CLAIMS.get("variance_matters_more_with_depth").judge(Table(table))
    assert judgement.answer == answer


@pytest.mark.parametrize(
    ("of_relu", "of_tanh", "answer"),
    [(1.0, 0.0, "supported"), (1.0, 1.0, "depends"), (0.0, 0.0, "refuted")],
)
def test_what_relu_and_tanh_gain_by_twice_the_variance(of_relu, of_tanh, answer):
    table = []
    for arm, gain in (("relu", of_relu), ("tanh", of_tanh)):
        for at in relu.SCALES:
            loss = 0.1 + gain * (at != 2.0)
            table += rows(arm, TRAIN, (loss, loss), at) + rows(arm, relu.FACTOR, (at, at), at)
    assert CLAIMS.get("relu_wants_larger_variance").judge(Table(table)).answer == answer
