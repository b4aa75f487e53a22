"""Imbalanced classes: is it the minority class that initialization decides about?"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.data import Data, guessing
from initclaims.laboratory.good_and_bad import LARGE, SMALL
from initclaims.laboratory.good_and_bad import SCHEMES as SPOILED
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import FRESH_SEED, TUNING_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.rates import half_decade
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.trained import outputs
from initsweep.core.numbers import fixed
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval
from initsweep.engine.lanes import Split

MINORITY, KEPT, MARGIN, RESAMPLES = 8, 0.1, 0.02, 2000
RECALL, ACCURACY = "recall of the minority class", "accuracy over all classes"
HE, BESIDE = "he_normal", {"he_normal, rate / 3": -1, "he_normal, rate x 3": 1}
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "lecun_normal": Scheme.named("lecun_normal"),
    "torch_default": Scheme.named("torch_default"),
    SMALL: SPOILED[SMALL],
    LARGE: SPOILED[LARGE],
}
SHOWN = (HE, *(arm for arm, step in BESIDE.items() if step < 0), *(a for a in SCHEMES if a != HE))
USUAL = 4
GUESSES = 0.2
"""Accuracy below which a network counts as untrained; guessing one of ten digits gives 0.1."""
RATES = tuple(half_decade(1e-5, step) for step in range(11))
READINGS = {
    "supported": (
        "Schemes differ in what they do with the rare class, and more so than overall, as the "
        "recall of one class does more than a mean over ten anyway."
    ),
    "depends": "Schemes differ in the recall of the rare class, but no more than in accuracy.",
    "refuted": (
        "At its own best rate every scheme recalls the rare class about equally well; what is "
        "left are differences from seed to seed."
    ),
    "cannot tell": (
        "Recall of a class with few test rows is noisy: a spread over schemes beyond the margin "
        "was neither found nor excluded."
    ),
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune six schemes on thinned digits and test them on rows of all classes."""
    data = thinned(lab.data())
    setup = Setup(data=data, network=lab.mlp(3, 64), epochs=lab.pick(40, 15))
    seeds = range(FRESH_SEED, FRESH_SEED + lab.pick(40, 8))
    rows = []
    for arm, scheme in SCHEMES.items():
        tuning = lab.train(setup, scheme, RATES, range(TUNING_SEED, TUNING_SEED + lab.pick(5, 2)))
        best = tuning.best("score")
        rates = {arm: best}
        if arm == HE:
            rates |= {beside: half_decade(best, step) for beside, step in BESIDE.items()}
        runs = lab.train(setup, scheme, [*rates.values()], seeds, split="test", keep_states=True)
        for name, states in zip(rates, runs.states, strict=True):
            rows.append(Measurement.of(name, "rate", rates[name]))
            for seed, state in zip(runs.seeds, states, strict=True):
                rows += tested(setup, name, seed, state)
    return rows


def tested(
    setup: Setup, arm: str, seed: int, state: Mapping[str, Tensor] | None
) -> list[Measurement]:
    """Return recall and accuracy of one run, both 0 if it diverged."""
    found = scores(setup, state) if state is not None else (0.0, 0.0)
    return [
        Measurement.of(arm, quantity, value, seed=seed)
        for quantity, value in zip((RECALL, ACCURACY), found, strict=True)
    ]


def thinned(data: Data) -> Data:
    """Return data in which training and validation keep a tenth of the minority class."""
    splits = dict(data.splits)
    for name in ("train", "validation"):
        split = data.splits[name]
        rare = (split.targets == MINORITY).nonzero().flatten()
        keep = torch.ones(len(split.targets), dtype=torch.bool)
        keep[rare[max(1, round(KEPT * len(rare))) :]] = False
        splits[name] = Split(features=split.features[keep], targets=split.targets[keep])
    constant = guessing(splits, data.n_outputs)
    return replace(data, name=f"{data.name}, few {MINORITY}", splits=splits, constant_loss=constant)


def scores(setup: Setup, state: Mapping[str, Tensor]) -> tuple[float, float]:
    """Return recall of the minority class and accuracy on the test rows."""
    targets = setup.data.splits["test"].targets
    right = (outputs(setup, state).argmax(dim=1) == targets).double()
    return float(right[targets == MINORITY].mean()), float(right.mean())


def judge(table: Table) -> Judgement:
    """The schemes' true spread in recall: beyond the margin, and beyond that in accuracy."""
    values = {q: np.array([table.values(q, arm) for arm in SCHEMES]) for q in (RECALL, ACCURACY)}
    spreads = {quantity: spread(found) for quantity, found in values.items()}
    p_value = float(stats.friedmanchisquare(*values[RECALL]).pvalue)
    recall, accuracy = spreads[RECALL], spreads[ACCURACY]
    usual = spread(values[RECALL][:USUAL])
    told = values[RECALL].mean(axis=1).tolist()
    answer = first_that(
        refuted=recall.high < MARGIN,
        supported=recall.low > MARGIN and p_value < 0.05 and recall.low > accuracy.high,
        depends=recall.low > MARGIN and p_value < 0.05,
    )
    return judged(
        answer,
        {
            **{
                f"standard deviation over schemes of the {q}, noise removed": s
                for q, s in spreads.items()
            },
            "the same of the recall, over the four usual schemes alone": usual,
            "p of equal recall (Friedman, over seeds)": p_value,
            **{
                f"{arm}: {RECALL}{fate(table, arm)}": table.mean(RECALL, arm)
                for arm in (*SCHEMES, *BESIDE)
            },
        },
        (
            f"{READINGS[answer]} Mean recall runs from {fixed(min(told))} to {fixed(max(told))}. "
            + alone(values[RECALL], recall, usual)
            + "Rates were chosen by validation accuracy, to which so rare a class adds little. "
            + beside(table)
        ),
        on="what is compared: recall differs, but no more than accuracy",
    )


def alone(values: NDArray[np.float64], recall: Interval, usual: Interval) -> str:
    """Say whether the spread is that of one scheme, or only of the wrong ones."""
    if recall.low <= MARGIN:
        return ""
    left = {arm: spread(np.delete(values, at, axis=0)) for at, arm in enumerate(SCHEMES)}
    arm = min(left, key=lambda name: left[name].high)
    if left[arm].high < MARGIN:
        return f"One scheme, {arm}, makes the whole spread: without it there is none. "
    if usual.high < MARGIN:
        return "Among the four usual schemes there is no such spread: the scale is what counts. "
    return ""


def beside(table: Table) -> str:
    """Say what other rates do to He's recall."""
    own = f"At He's own rate its recall is {fixed(table.mean(RECALL, HE).estimate)}"
    told = []
    for arm, what in zip(BESIDE, ("a third of it", "three times it"), strict=True):
        trains = table.mean(ACCURACY, arm).estimate > GUESSES
        share = fixed(table.mean(RECALL, arm).estimate)
        told.append(f"at {what} {share}" if trains else f"at {what} the network does not train")
    return f"{own}, {', '.join(told)}."


def fate(table: Table, arm: str) -> str:
    """Return a note on an arm whose networks do not train, which counts as recall 0."""
    return "" if table.mean(ACCURACY, arm).estimate > GUESSES else " (does not train)"


def spread(values: NDArray[np.float64]) -> Interval:
    """Return the schemes' standard deviation beyond what seeds explain, with its interval.

    Args:
        values: Shape (schemes, seeds).

    Returns:
        The root of the variance component of schemes, at least 0, with a percentile interval over
        resampled seeds.

    Source: the one-way analysis of variance, (between - within / seeds), as in Searle, Casella and
    McCulloch 1992, Variance Components, section 3.
    """
    stream = numpy_stream("claims", "spread over schemes", values.shape[1])
    seeds = values.shape[1]
    drawn = [component(values)]
    drawn += [component(values[:, stream.integers(0, seeds, seeds)]) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn[1:], (0.025, 0.975))
    return Interval(
        low=min(float(low), drawn[0]), estimate=drawn[0], high=max(float(high), drawn[0])
    )


def component(values: NDArray[np.float64]) -> float:
    """Return the root of the schemes' variance component."""
    between = float(values.mean(axis=1).var(ddof=1))
    within = float(values.var(axis=1, ddof=1).mean()) / values.shape[1]
    return math.sqrt(max(between - within, 0.0))


CLAIM = Claim(
    title="On imbalanced data the minority class depends on it",
    statement=(
        "With imbalanced classes initialization matters for the minority class in particular."
    ),
    source="Chapter, answer 9",
    experiment=(
        "Digits with a tenth of the eights left in training and validation and all of them in "
        "testing; a ReLU network of three layers of 64 units, six schemes including two of a wrong "
        "scale, each at its own best rate by validation accuracy, fresh seeds. How much recall of "
        "the eights and accuracy differ between schemes beyond the noise of seeds."
    ),
    criterion=(
        "Supported if the standard deviation of recall over schemes, noise removed, exceeds 0.02 "
        "and that of accuracy (limits of the intervals, and a Friedman test below 0.05); depends "
        "if it exceeds 0.02 but not the accuracy's; refuted if it is below 0.02; otherwise we "
        "cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(pictures=tuple(Strips(quantity=q, arms=SHOWN) for q in (RECALL, ACCURACY))),
    section="chapter",
)
