"""The chapter's own comparison, as printed: random features, random labels, one seed."""

import numpy as np
from scipy import stats

from initsweep.claims import CLAIMS, Answer, Claim, Effect, Judgement
from initsweep.laboratory.data import drawn
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Strips
from initsweep.laboratory.table import Measurement, Table, exactly
from initsweep.randomness import numpy_stream

ROWS, FEATURES, WIDTH, EPOCHS, RATE = 1000, 10, 64, 10, 0.001
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
            rows.append(
                Measurement(
                    arm=arm, quantity=SCORE, setting=0.0, seed=seed,
                    value=float(runs.final_scores[0, 0]),
                )
            )  # fmt: skip
    return rows


def judge(table: Table) -> Judgement:
    """Supported if no scheme differs from guessing and one seed spans more than any difference."""
    means = {arm: table.mean(SCORE, arm) for arm in SCHEMES}
    spread = float(np.mean([table.values(SCORE, arm).std(ddof=1) for arm in SCHEMES]))
    values = np.array([table.values(SCORE, arm) for arm in SCHEMES])
    winners = np.bincount(values.argmax(axis=0), minlength=len(SCHEMES)) / values.shape[1]
    friedman = float(stats.friedmanchisquare(*values).pvalue)
    guessing = all(mean.low < 0.52 and mean.high > 0.48 for mean in means.values())
    largest = max(m.estimate for m in means.values()) - min(m.estimate for m in means.values())
    answer: Answer = "refuted"
    if guessing and largest < spread:
        answer = "supported"
    elif friedman >= 0.05:
        answer = "cannot tell"
    return Judgement(
        answer=answer,
        effects=[
            *(Effect(name=f"{arm}: mean accuracy", value=mean) for arm, mean in means.items()),
            Effect(name="standard deviation of one run's accuracy", value=exactly(spread)),
            Effect(name="p of equal schemes (Friedman, over seeds)", value=exactly(friedman)),
            *(
                Effect(name=f"{arm}: share of seeds in which it comes first", value=exactly(share))
                for arm, share in zip(SCHEMES, winners.tolist(), strict=True)
            ),
        ],
        reading=(
            "The labels are coin flips, so no network can do better than guess; which scheme comes "
            "first in one run is chance. If any scheme profits it is zeros, which always says the "
            "commoner label and comes first most often."
            if winners.argmax() == 0
            else "The labels are coin flips; which scheme comes first in one run is chance."
        ),
    )


CLAIMS.add(
    "chapter_experiment_is_noise",
    Claim(
        title="The chapter's own experiment carries no information",
        statement=(
            "The comparison that the chapter prints (1000 x 10 random features, random labels, 64 "
            "hidden units, Adam, 10 epochs, one seed) cannot tell initializers apart."
        ),
        source="Our claim about the chapter's code, answer 9",
        experiment=(
            "The same experiment 200 times, each with its own data, weights and batches, under "
            "four schemes; accuracy on the fifth of the rows that is kept for testing."
        ),
        criterion=(
            "Supported if every scheme's mean accuracy is a half (interval touching 0.48 to 0.52) "
            "and the largest difference of means is below the standard deviation of a single run; "
            "otherwise refuted, or undecided if a Friedman test finds no difference either."
        ),
        measure=measure,
        judge=judge,
        picture=Strips(quantity=SCORE, reference=(0.5, "coin flip")),
        section="chapter",
    ),
)
