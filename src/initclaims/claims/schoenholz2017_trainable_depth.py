"""How deep a tanh network can be trained, against the depth to which theory sees its inputs."""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from scipy import stats
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import SCORE, all_of, beyond, measured, tune
from initclaims.laboratory.depth_scales import critical_variance, depth_scale
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.runs import Tuned
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.randomness import torch_stream
from initsweep.core.records import Interval

BIAS_VARIANCE, CRITICAL = 0.05, 1.76
VARIANCES = (1.0, 1.5, CRITICAL, 2.5, 4.0)
ACCURACY, DEPTH, DEEPEST = "accuracy at the best rate", "trainable depth", "deepest network tried"
MEASURED = "measured"
# Two arms, so that no line is drawn across the critical variance, where 6 ξ is unlimited.
THEORIES = ("theory: 6 ξ, below 1.76", "theory: 6 ξ, above 1.76")
TRAINS, FACTOR = 0.5, 2.0
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
READINGS = {
    "supported": (
        "Off the critical variance two inputs become indistinguishable after some layers, or lose "
        "all they have in common, and a network deeper than six times that scale does not train."
    ),
    "refuted": "The trainable depth does not follow the order that theory gives.",
    "depends": (
        "The order is that of theory, with the greatest depth at the critical variance, but the "
        "factor is not 6 at every variance: how deep a network trains also depends on its width "
        "and on how many steps and which rate it gets."
    ),
    "cannot tell": (
        "The order is that of theory. {open}. How deep a network trains also depends on its width "
        "and on how many steps it gets."
    ),
}
NO_PEAK = "Whether depth is greatest at the critical variance is open"


def measure(lab: Lab) -> list[Measurement]:
    """Go deeper at every variance until nothing trains, each cell at its own best rate."""
    rows = [
        Measurement.of(
            THEORIES[at > CRITICAL], DEPTH, 6 * depth_scale(at, BIAS_VARIANCE), setting=at
        )
        for at in VARIANCES
        if at != CRITICAL
    ]
    for variance in VARIANCES:
        cells = []
        for depth in lab.pick((10, 20, 40, 80, 120, 180, 260), (10, 40)):
            tuned = cell(lab, variance, depth)
            cells.append((depth, tuned.test_scores))
            rows += [
                replace(row, quantity=ACCURACY) if row.quantity == SCORE else row
                for row in measured(tuned, f"σw² = {variance:g}", float(depth))
            ]
            if tuned.test_scores.max() <= TRAINS:
                break  # where accuracy first falls to a half is known for every seed
        reached = [
            trainable([(depth, float(scores[place])) for depth, scores in cells])
            for place in range(len(cells[0][1]))
        ]
        rows += [
            Measurement.of(MEASURED, quantity, value, seed=seed, setting=variance)
            for quantity, values in ((DEPTH, reached), (DEEPEST, [float(cells[-1][0])]))
            for seed, value in enumerate(values)
        ]
    return rows


def cell(lab: Lab, variance: float, depth: int) -> Tuned:
    """Return one variance at one depth, at its best rate by accuracy, on fresh seeds."""
    setup = Setup(
        data=lab.images(), network=lab.mlp(depth, 100, activation="tanh"), epochs=lab.pick(20, 10)
    )

    def weights(seed: int) -> dict[str, Tensor]:
        return drawn_state(setup, variance, seed)

    scheme = Scheme(label=f"variance {variance:g}, biases {BIAS_VARIANCE}", weights=weights)
    rates, seeds = lab.pick(RATES, RATES[1::2]), lab.pick((3, 8), (1, 3))
    return tune(lab, setup, scheme, rates, seeds=seeds, by="score")


def drawn_state(setup: Setup, variance: float, seed: int) -> dict[str, Tensor]:
    """Return weights from N(0, variance / fan_in) and biases from N(0, 0.05)."""
    state = {}
    for name, value in setup.model().named_parameters():
        std = math.sqrt(BIAS_VARIANCE if value.dim() == 1 else variance / value.shape[1])
        drawn = torch.empty_like(value, requires_grad=False)
        state[name] = drawn.normal_(std=std, generator=torch_stream("mean field", seed, name))
    return state


def trainable(cells: list[tuple[int, float]]) -> float:
    """Return where accuracy falls to a half, between two depths of the grid on a log scale.

    The least depth if it does not even train there, the greatest if it trains everywhere.
    """
    for (flat, above), (deep, below) in pairwise(cells):
        if above <= TRAINS:
            break
        if below <= TRAINS:
            share = (above - TRAINS) / (above - below)
            return flat * math.exp(share * math.log(deep / flat))
    return float(cells[-1][0] if cells[0][1] > TRAINS else cells[0][0])


def judge(table: Table) -> Judgement:
    """Ask for the order over variances and for the peak, then for the factor."""
    theory = {
        at: float(table.values(DEPTH, THEORIES[at > CRITICAL], at)[0])
        for at in VARIANCES
        if at != CRITICAL
    }
    found = {at: table.mean(DEPTH, MEASURED, at) for at in VARIANCES}
    order = float(
        stats.spearmanr(list(theory.values()), [found[at].estimate for at in theory]).statistic
    )
    leads = {at: table.difference(DEPTH, MEASURED, MEASURED, CRITICAL, at) for at in theory}
    peak = all_of([beyond(lead, 0.0) for lead in leads.values()])
    near = all_of([agrees(found[at], theory[at]) for at in theory])
    # The deepest network trains: the trainable depth is this or more, and the factor unknown.
    deepest = {at: table.values(DEEPEST, MEASURED, at)[0] for at in VARIANCES}
    censored = any(table.values(DEPTH, MEASURED, at).max() >= deepest[at] for at in theory)
    answer = first_that(
        refuted=order <= 0.75 or peak is False,
        supported=peak and (near is not None or censored) and near and not censored,
        depends=peak and (near is not None or censored),
    )
    return judged(
        answer,
        {
            "rank correlation of trainable depth with 6 ξ": order,
            **{f"{DEPTH} at σw² = 1.76 above that at {at:g}": lead for at, lead in leads.items()},
            **{
                f"σw² = {at:g}: {DEPTH} (the deepest one tried has {deepest[at]:.0f})": (
                    value,
                    f"theory: {theory[at]:.0f}" if at in theory else "theory: unlimited",
                )
                for at, value in found.items()
            },
            "critical σw² at σb² = 0.05, by quadrature": (critical_variance(BIAS_VARIANCE), "1.76"),
        },
        READINGS[answer].format(open=unsettled(found, theory) if peak else NO_PEAK),
        on="what is asked: the order holds, the factor 6 is not seen",
        rates=table,
    )


def unsettled(found: dict[float, Interval], theory: dict[float, float]) -> str:
    """Return in words at which variances the factor is open."""
    cells = ", ".join(
        f"at σw² = {at:g} ({found[at].low:.0f} to {found[at].high:.0f} layers against {depth:.0f})"
        for at, depth in theory.items()
        if agrees(found[at], depth) is None
    )
    return (
        "Depth is greatest at the critical variance for certain; whether it is within a factor of "
        f"two of 6 ξ is open {cells}"
    )


def agrees(found: Interval, theory: float) -> bool | None:
    """Return whether a depth is within a factor of two of theory, None where that is open."""
    if found.low > theory / FACTOR and found.high < theory * FACTOR:
        return True
    return False if found.high < theory / FACTOR or found.low > theory * FACTOR else None


CLAIM = Claim(
    title="Tanh networks train to about six depth scales",
    statement=(
        "A random tanh network can be trained if it is not deeper than about six times the depth "
        "scale ξ over which the correlation of two inputs settles; ξ is unlimited at a critical "
        "variance."
    ),
    source="Schoenholz et al. 2017, figure 5",
    experiment=(
        "Tanh networks of 100 units and 10, 20, 40, 80, 120, 180 and 260 layers (10 and 40 if "
        "quick) on digits, biases from N(0, 0.05), weights of five variances, SGD with momentum, "
        "160 steps (80 if quick), each cell at its own best rate by validation accuracy; the depth "
        "at which accuracy on test rows first falls to a half, fresh seeds. Deeper networks than "
        "one that none of the seeds trains are left out. ξ by quadrature."
    ),
    criterion=(
        "Supported if the trainable depth has the order of 6 ξ over the variances (rank "
        "correlation above 0.75), is greatest at the critical one, and is within a factor of two "
        "of 6 ξ at all others (limits of the intervals); depends if the order holds and the factor "
        "does not, or cannot be seen because the deepest network trains; refuted if the order "
        "fails or another variance trains deeper; else we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=ACCURACY, x="hidden layers", label="test accuracy", limits=(0.0, 1.0)),
            Lines(quantity=DEPTH, x="variance of weights times inputs, σw²", log=True),
        )
    ),
    section="papers",
)
