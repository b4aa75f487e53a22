import dataclasses

import pytest

from initsweep.core.records import ResponseRow
from initsweep.views.terminal.answer import Answer
from initsweep.views.terminal.sparkline import BLOCKS, DIVERGED, grid_of, span, sparklines
from tests.made_study import changed, make_study


def point(scheme, rate, loss, *, diverged=0.0, kind="grid"):
    return ResponseRow(
        scheme=scheme, learning_rate=rate, kind=kind, low=loss, mean_loss=loss, high=loss,
        best_loss=loss, worst_loss=loss, failure_rate=diverged, divergence_rate=diverged,
        in_basin=False, seeds=5,
    )  # fmt: skip


@pytest.fixture
def answer():
    study = make_study(names=["he_normal", "zeros"])
    he = next(row for row in study.schemes if row.scheme == "he_normal")
    zeros = next(row for row in study.schemes if row.scheme == "zeros")
    return changed(
        Answer(),
        verdict=dataclasses.replace(study.verdict, constant_loss=1.0),
        challenge=study.challenge,
        schemes=[
            dataclasses.replace(he, learning_rate=0.013),
            dataclasses.replace(zeros, learning_rate=0.001),
        ],
        response=[
            point("he_normal", 0.001, 1.0),
            point("he_normal", 0.01, 0.01),
            point("he_normal", 0.013, 0.009, kind="refinement"),
            point("he_normal", 0.1, 0.1, diverged=0.4),
            point("he_normal", 1.0, 1.0, diverged=0.5),
            point("he_normal", 10.0, 1.0, diverged=1.0, kind="extension"),
            point("zeros", 0.001, 1.0),
            point("zeros", 0.01 * (1 + 1e-9), 1.0),
            point("zeros", 0.1, 1.0),
        ],
    )


def test_low_is_good_the_chosen_rate_is_marked_and_divergence_is_no_height(answer):
    high, low, middle = BLOCKS[-1], BLOCKS[0], BLOCKS[round((len(BLOCKS) - 1) / 2)]
    drawn = sparklines(answer)
    assert drawn["he_normal"] == f"{high}[{low}]{middle}{DIVERGED}{DIVERGED}"


def test_schemes_share_rates_and_scale_and_a_rate_not_tried_stays_empty(answer):
    high = BLOCKS[-1]
    assert sparklines(answer)["zeros"] == f"[{high}]{high}{high}  "
    assert len({len(line) for line in sparklines(answer).values()}) == 1


def test_the_rates_are_those_tried_for_their_own_sake_once_each(answer):
    assert grid_of(answer) == [0.001, 0.01, 0.1, 1.0, 10.0]
    assert span(answer) == "0.001 to 10"


def test_a_loss_of_zero_has_a_height_too(answer):
    response = [dataclasses.replace(row, mean_loss=row.mean_loss - 0.01) for row in answer.response]
    drawn = sparklines(changed(answer, response=response))
    assert drawn["he_normal"].startswith(f"{BLOCKS[-1]}[{BLOCKS[0]}]{BLOCKS[1]}")


def test_where_nothing_gets_below_the_constant_predictor_all_is_high(answer):
    response = [dataclasses.replace(row, mean_loss=1.0) for row in answer.response]
    drawn = sparklines(changed(answer, response=response))
    assert set(drawn["zeros"]) == set("[] " + BLOCKS[-1])
