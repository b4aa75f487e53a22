"""How deep a tanh network can be trained, against the depth to which theory sees its inputs."""

import math
from itertools import pairwise

import torch
from scipy import stats
from torch import Tensor

from initsweep.claims import CLAIMS, Answer, Claim, Effect, Judgement, depends_on
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Beside, Lines
from initsweep.laboratory.runs import Runs
from initsweep.laboratory.table import Measurement, Table, exactly
from initsweep.probes.mean_field import chi, correlation_slope, next_covariance, next_variance
from initsweep.randomness import torch_stream

BIAS_VARIANCE, CRITICAL = 0.05, 1.76
VARIANCES = (1.0, 1.5, CRITICAL, 2.5, 4.0)
ACCURACY, DEPTH = "accuracy at the best rate", "trainable depth"
MEASURED, THEORY = "measured", "theory: 6 ξ"
TRAINS, FACTOR = 0.5, 2.0
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
ITERATIONS, TOLERANCE = 4000, 1e-9
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
}


def measure(lab: Lab) -> list[Measurement]:
    """Train over the grid of variances and depths, each cell at its own best rate."""
    rows = [
        Measurement(arm=THEORY, quantity=DEPTH, setting=at, seed=0, value=6 * depth_scale(at))
        for at in VARIANCES
        if at != CRITICAL
    ]
    for variance in VARIANCES:
        arm = f"σw² = {variance:g}"
        cells = []
        for depth in lab.pick((10, 20, 40, 80, 120), (10, 40)):
            runs = cell(lab, variance, depth)
            means = runs.final_scores.mean(axis=1)
            scores = runs.final_scores[means.argmax()]
            cells.append((depth, scores))
            rows += [
                Measurement(
                    arm=arm, quantity=ACCURACY, setting=float(depth), seed=seed, value=float(score)
                )
                for seed, score in zip(runs.seeds, scores, strict=True)
            ]
        for place, seed in enumerate(runs.seeds):
            reached = trainable([(depth, float(scores[place])) for depth, scores in cells])
            rows.append(
                Measurement(
                    arm=MEASURED, quantity=DEPTH, setting=variance, seed=seed, value=reached
                )
            )
    return rows


def cell(lab: Lab, variance: float, depth: int) -> Runs:
    """Return the runs of one variance at one depth."""
    setup = Setup(
        data=lab.images(),
        network=lab.mlp(depth, 100, activation="tanh"),
        epochs=lab.pick(20, 10),
    )

    def weights(seed: int) -> dict[str, Tensor]:
        return drawn_state(setup, variance, seed)

    scheme = Scheme(label=f"variance {variance:g}, biases {BIAS_VARIANCE}", weights=weights)
    rates = lab.pick(RATES, RATES[::2])
    return lab.train(setup, scheme, rates, lab.seeds(3, 1))


def drawn_state(setup: Setup, variance: float, seed: int) -> dict[str, Tensor]:
    """Return weights from N(0, variance / fan_in) and biases from N(0, 0.05)."""
    state = {}
    for name, value in setup.model().named_parameters():
        std = math.sqrt(BIAS_VARIANCE if value.dim() == 1 else variance / value.shape[1])
        drawn = torch.empty_like(value, requires_grad=False)
        state[name] = drawn.normal_(std=std, generator=torch_stream("mean field", seed, name))
    return state


def depth_scale(variance: float) -> float:
    """Return ξ, the number of layers over which the correlation of two inputs settles.

    Source: Schoenholz et al. 2017, equations 9 and 10: ξ = -1 / log χ at the fixed point.
    """
    start = torch.ones(1, dtype=torch.float64)
    q = start
    for _ in range(ITERATIONS):
        q = next_variance(q, torch.tanh, variance, BIAS_VARIANCE)
    if float(chi(q, torch.tanh, variance)) < 1:
        return -1 / math.log(float(chi(q, torch.tanh, variance)))
    covariance = 0.5 * q
    for _ in range(ITERATIONS):
        before = covariance
        covariance = next_covariance(q, before, torch.tanh, variance, BIAS_VARIANCE)
        if float((covariance - before).abs()) < TOLERANCE:
            break
    return -1 / math.log(float(correlation_slope(q, covariance, torch.tanh, variance)))


def critical_variance() -> float:
    """Return the variance at which χ = 1 at the fixed point, by bisection."""
    low, high = 1.0, 4.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        q = torch.ones(1, dtype=torch.float64)
        for _ in range(ITERATIONS // 10):
            q = next_variance(q, torch.tanh, middle, BIAS_VARIANCE)
        low, high = (low, middle) if float(chi(q, torch.tanh, middle)) > 1 else (middle, high)
    return (low + high) / 2


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
    """Ask for the order over variances, then for the factor."""
    theory = {at: float(table.values(DEPTH, THEORY, at)[0]) for at in VARIANCES if at != CRITICAL}
    found = {at: table.mean(DEPTH, MEASURED, at) for at in VARIANCES}
    deepest = max(table.settings(ACCURACY))
    censored = {at: found[at].estimate >= deepest for at in theory}
    order = float(
        stats.spearmanr(list(theory.values()), [found[at].estimate for at in theory]).statistic
    )
    peak = found[CRITICAL].estimate >= max(found[at].estimate for at in theory)
    ratios = {at: found[at].estimate / theory[at] for at in theory}
    near = all(1 / FACTOR < ratio < FACTOR or censored[at] for at, ratio in ratios.items())
    answer: Answer = "refuted"
    if order > 0.75 and peak:
        answer = "supported" if near and not any(censored.values()) else "depends"
    return Judgement(
        answer=answer,
        effects=[
            Effect(name="rank correlation of trainable depth with 6 ξ", value=exactly(order)),
            *(
                Effect(
                    name=f"σw² = {at:g}: {DEPTH} (at most {deepest:.0f} was tried)",
                    value=value,
                    published=f"theory: {theory[at]:.0f}" if at in theory else "theory: unlimited",
                )
                for at, value in found.items()
            ),
            Effect(
                name="critical σw² at σb² = 0.05, by quadrature",
                value=exactly(critical_variance()),
                published="1.76",
            ),
        ],
        reading=READINGS[answer],
        on=depends_on(answer, "what is asked: the order holds, the factor 6 is not seen"),
    )


CLAIMS.add(
    "schoenholz2017_trainable_depth",
    Claim(
        title="Tanh networks train to about six depth scales",
        statement=(
            "A random tanh network can be trained if it is not deeper than about six times the "
            "depth scale ξ over which the correlation of two inputs settles; ξ is unlimited at a "
            "critical variance."
        ),
        source="Schoenholz et al. 2017, figure 5",
        experiment=(
            "Tanh networks of 100 units and 10 to 120 layers (10 and 40 if quick) on digits, "
            "biases from N(0, 0.05), weights of five variances, SGD with momentum, 160 steps (80 "
            "if quick), each cell at its best of five rates; the depth at which accuracy on "
            "validation rows falls to a half. ξ by quadrature."
        ),
        criterion=(
            "Supported if the trainable depth has the order of 6 ξ over the variances (rank "
            "correlation above 0.75), is greatest at the critical one, and is within a factor of "
            "two of 6 ξ at all others; depends if the order holds and the factor does not, or "
            "cannot be seen because the deepest network trains; refuted if the order fails."
        ),
        measure=measure,
        judge=judge,
        picture=Beside(
            pictures=(
                Lines(quantity=ACCURACY, x="hidden layers", limits=(0.0, 1.0)),
                # 6 ξ has a pole at the critical variance: a line through its points would hide it.
                Lines(
                    quantity=DEPTH,
                    x=f"σw² (6 ξ is unlimited at {CRITICAL})",
                    log=True,
                    points=(THEORY,),
                ),
            ),
        ),
        section="papers",
    ),
)
