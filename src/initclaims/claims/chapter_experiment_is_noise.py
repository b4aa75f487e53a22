"""The chapter's own comparison, as printed: random features, random labels, one seed."""

import numpy as np
from scipy import stats

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.data import drawn
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.numbers import fixed, significant
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval

ROWS, FEATURES, WIDTH, EPOCHS, RATE = 1000, 10, 64, 10, 0.001
CERTAIN = 0.05
SCORE = "accuracy on rows that were not trained on"
SCHEMES = {
    "zeros": Scheme.named("zeros"),
    "random": Scheme.named("random_normal", std=0.05),
    "Xavier": Scheme.named("xavier_uniform"),
    "He": Scheme.named("he_normal"),
}


def measure(lab: Lab) -> list[Measurement]:
    """Repeat the experiment with fresh random data and weights for every seed."""
    rows = []
    for seed in lab.seeds(200, 20):
        stream = numpy_stream("chapter experiment", seed)
        labels = stream.integers(0, 2, ROWS)
        data = drawn(f"noise {seed}", "classification", stream.random((ROWS, FEATURES)), labels)
        setup = Setup(
            data=data,
            network=lab.mlp(1, WIDTH),
            epochs=EPOCHS,
            batch_size=32,
            optimizer={"name": "adam"},
        )
        for arm, scheme in SCHEMES.items():
            runs = lab.train(setup, scheme, [RATE], [seed], split="test")
            rows.append(Measurement.of(arm, SCORE, runs.final_scores[0, 0], seed=seed))
    return rows


def judge(table: Table) -> Judgement:
    """Supported if no scheme differs from guessing and one seed spans more than any difference."""
    means = {arm: table.mean(SCORE, arm) for arm in SCHEMES}
    spread = float(np.mean([table.values(SCORE, arm).std(ddof=1) for arm in SCHEMES]))
    values = np.array([table.values(SCORE, arm) for arm in SCHEMES])
    first = values == values.max(axis=0)
    winners = (first / first.sum(axis=0)).mean(axis=1)  # a tie is shared
    friedman = float(stats.friedmanchisquare(*values).pvalue)
    guessing = all(mean.low < 0.52 and mean.high > 0.48 for mean in means.values())
    largest = max(m.estimate for m in means.values()) - min(m.estimate for m in means.values())
    even = friedman >= CERTAIN
    answer = first_that(supported=guessing and largest < spread, refuted=not even)
    return judged(
        answer,
        {
            **{f"{arm}: mean accuracy": mean for arm, mean in means.items()},
            "standard deviation of one run's accuracy": spread,
            "p of equal schemes (Friedman, over seeds)": friedman,
            **{
                f"{arm}: share of seeds in which it comes first, ties shared": share
                for arm, share in zip(SCHEMES, winners.tolist(), strict=True)
            },
        },
        reading(means, spread, friedman, values.shape[1]),
    )


def reading(means: dict[str, Interval], spread: float, friedman: float, seeds: int) -> str:
    """Say what one run shows, and what all of them do."""
    told = (
        "The labels are coin flips, so no network can do better than guess; which scheme comes "
        "first in one run is chance."
    )
    if friedman >= CERTAIN:
        return f"{told} {seeds} runs do not tell the schemes apart either."
    best = max(means, key=lambda arm: means[arm].estimate)
    lead = means[best].estimate - min(mean.estimate for mean in means.values())
    told += (
        f" {seeds} runs do show {best} ahead (p = {significant(friedman, 1)}), by {fixed(lead, 3)} "
        f"at most, where a single run scatters by {fixed(spread, 3)}."
    )
    if best == "zeros":
        told += " Its network always says the label that is commoner in training."
    return told


CLAIM = Claim(
    title="The chapter's own experiment carries no information",
    statement=(
        "The comparison that the chapter prints (1000 x 10 random features, random labels, 64 "
        "hidden units, Adam, 10 epochs, one seed) cannot tell initializers apart."
    ),
    source="Our claim about the chapter's code, answer 9",
    experiment=(
        "The same experiment 200 times, each with its own data, weights and batches, under four "
        "schemes; accuracy on the fifth of the rows that is kept for testing."
    ),
    criterion=(
        "Supported if every scheme's mean accuracy is a half (interval touching 0.48 to 0.52) and "
        "the largest difference of means is below the standard deviation of a single run; "
        "otherwise refuted, or undecided if a Friedman test finds no difference either."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=SCORE, reference=(0.5, "coin flip")),
    section="chapter",
)
