"""What the bench of answers takes for the worth of a choice."""

import numpy as np
import pytest

from benchmarks.answer_studies import Adam, AtBestEpoch, Pick, Worth

LOSS = np.broadcast_to([[0.5, 0.2], [0.4, 0.3]], (4, 2, 2))  # outer, schemes, rates
EARLY = np.stack([LOSS - 0.1, 1.05 - LOSS])
WORTH = Worth(loss=LOSS, score=1 - LOSS, best_epoch=EARLY, adam=np.full((4, 2), [0.6, 0.3]))


@pytest.mark.parametrize(
    ("choice", "scheme", "lost"),
    [
        ((0, 1), 0, (0.0, 0.0)),
        ((1, 0), 1, (0.2, 0.2)),
        (AtBestEpoch((1, 0)), 1, (0.1, 0.15)),  # judged there, against the best after the last
        (Adam(), -1, (0.4, 0.5)),
    ],
)
def test_a_choice_loses_against_the_best_pair_after_the_last_epoch(choice, scheme, lost):
    assert WORTH.regret(choice) == pytest.approx(lost)
    assert Pick(choice).scheme == scheme
