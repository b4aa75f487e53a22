"""Learning-rate finders: how far their suggestion moves with the seed, and where it falls."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.rate_finders import RULES, Curve
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core import numbers
from initsweep.core.randomness import batch_order
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

DECADES, INSIDE = "suggested rate, decades", "inside the basin"
SCHEMES = {
    "He": Scheme.named("he_normal"),
    "Xavier": Scheme.named("xavier_uniform"),
    "default": Scheme.named("torch_default"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
}
RATES = tuple(float(f"{10 ** (-4 + step / 2):.3g}") for step in range(9))  # 0.0001 to 1
STEPS, BATCH, MOMENTUM = 100, 64, 0.9
BASIN = 0.05  # nats of validation loss above the best
MOVED = 0.5  # decades: the factor of three that users complain about


def measure(lab: Lab) -> list[Measurement]:
    """Sweep under every seed, apply each rule, and train for real to find the basin."""
    rows = []
    for label, scheme in SCHEMES.items():
        setup = Setup(
            data=lab.data(), network=lab.mlp(6, 64), epochs=lab.pick(25, 10), batch_size=BATCH
        )
        runs = lab.train(setup, scheme, RATES, range(lab.pick(5, 2)))
        low, high = basin(runs.rates, runs.final_losses.mean(axis=1))
        for name, value in (("basin from", low), ("basin to", high), ("best rate", runs.best())):
            rows.append(Measurement.of(label, name, value))
        # What short real trainings tell instead: by seed, the best of the same rates.
        rows += [
            Measurement.of(f"training, {label}", DECADES, np.log10(runs.rates[best]), seed=seed)
            for seed, best in zip(runs.seeds, runs.final_losses.argmin(axis=0), strict=True)
        ]
        for rule, (first, last, find) in RULES.items():
            seeds = lab.seeds(20, 6)
            curves = sweeps(lab, setup, scheme, seeds, first, last)
            for seed, curve in zip(seeds, curves, strict=True):
                found = np.log10(find(*curve))
                inside = float(np.log10(low) <= found <= np.log10(high))
                rows += [
                    Measurement.of(f"{rule}, {label}", name, value, seed=seed)
                    for name, value in ((DECADES, float(found)), (INSIDE, inside))
                ]
    return rows


def basin(rates: tuple[float, ...], losses: Curve) -> tuple[float, float]:
    """Return the lowest and highest rate around the best whose loss is near the best.

    Widened by half a step of the grid on both sides, in favour of the finders.
    """
    best = int(losses.argmin())
    near = losses <= losses[best] + BASIN
    low = high = best
    while low > 0 and near[low - 1]:
        low -= 1
    while high < len(rates) - 1 and near[high + 1]:
        high += 1
    return rates[low] * 10**-0.25, rates[high] * 10**0.25


def sweeps(
    lab: Lab, setup: Setup, scheme: Scheme, seeds: Sequence[int], first: float, last: float
) -> list[tuple[Curve, Curve]]:
    """Train with a rate that rises from step to step, under all seeds side by side.

    Returns:
        By seed, rates and the loss of each batch before its step, until a loss is no number.
    """
    model, train = setup.model(), setup.data.train

    def loss_of(state: dict[str, Tensor], rows: Tensor) -> Tensor:
        return setup.data.loss(
            functional_call(model, state, (train.features[rows],)), train.targets[rows]
        )

    step_of = vmap(grad_and_value(loss_of))
    states = [lab.state(setup, scheme, seed) for seed in seeds]
    values = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    moving = {name: torch.zeros_like(value) for name, value in values.items()}
    orders = torch.stack([batches(seed, len(train.targets)) for seed in seeds])
    rates, losses = np.geomspace(first, last, STEPS), np.empty((STEPS, len(states)))
    for step, rate in enumerate(rates):
        gradients, loss = step_of(values, orders[:, step * BATCH : (step + 1) * BATCH])
        losses[step] = loss.numpy()
        for name, gradient in gradients.items():
            moving[name] = MOMENTUM * moving[name] + gradient
            values[name] = values[name] - float(rate) * moving[name]
    ends = [until_finite(losses[:, place]) for place in range(len(states))]
    return [(rates[:end], losses[:end, place]) for place, end in enumerate(ends)]


def batches(seed: int, rows: int) -> Tensor:
    """Return the rows of all steps, one after the other, shape (steps * batch,)."""
    epochs = -(-STEPS * BATCH // rows)
    return torch.cat([batch_order(seed, epoch, rows) for epoch in range(epochs)])


def until_finite(losses: Curve) -> int:
    """Return how many losses come before the first that is no number."""
    broken = ~np.isfinite(losses)
    return int(broken.argmax()) if broken.any() else len(losses)


def judge(table: Table) -> Judgement:
    """A rule is unstable if it moves by half a decade, and misses if half lie outside."""
    moved = {rule: spread(table, rule) for rule in RULES}
    hits = {
        rule: mean_interval(
            np.mean([table.values(INSIDE, f"{rule}, {scheme}") for scheme in SCHEMES], axis=0)
        )
        for rule in RULES
    }
    bad = [rule for rule in RULES if moved[rule] > MOVED or hits[rule].high < 0.5]
    good = [rule for rule in RULES if rule not in bad]
    answer = first_that(supported=not good, refuted=not bad, depends=True)
    return judged(
        answer,
        {
            **{
                f"{rule}: decades between highest and lowest suggestion, mean of schemes": moved[
                    rule
                ]
                for rule in RULES
            },
            **{f"{rule}: share of suggestions inside the basin": hits[rule] for rule in RULES},
            **{
                f"{scheme}: width of the basin, decades": width
                for scheme, width in ((s, basin_width(table, s)) for s in SCHEMES)
            },
        },
        (
            " ".join(
                [
                    *([f"{listed(bad)} failed and {listed(good)} passed."] if bad and good else []),
                    *(told(table, rule, hits[rule]) for rule in RULES),
                    strictness(table),
                ]
            )
        ),
        on="the rule",
    )


def told(table: Table, rule: str, hits: Interval) -> str:
    """Say what a rule suggests, how often it lies in the basin, and whose suggestions scatter."""
    found = {scheme: table.values(DECADES, f"{rule}, {scheme}") for scheme in SCHEMES}
    middle = [10 ** float(np.median(values)) for values in found.values()]
    low, high = (numbers.rate(float(f"{end:.1g}")) for end in (min(middle), max(middle)))
    inside = {scheme: table.values(INSIDE, f"{rule}, {scheme}").mean() for scheme in SCHEMES}
    text = f"{rule} suggests {low if low == high else f'{low} to {high}'} (medians by scheme)"
    if hits.high == 0:
        text += " and never lies in the basin"
    else:
        least, most = (pick(inside, key=lambda s: inside[s]) for pick in (min, max))
        text += (
            f" and lies in the basin in {100 * hits.estimate:.0f} % of the runs "
            f"({100 * inside[least]:.0f} % from {least}, {100 * inside[most]:.0f} % from {most})"
        )
    ranges = {scheme: float(np.ptp(values)) for scheme, values in found.items()}
    widest = max(ranges, key=lambda scheme: ranges[scheme])
    others = float(np.mean([ranges[scheme] for scheme in SCHEMES if scheme != widest]))
    if ranges[widest] > 2 * others:
        text += (
            f"; its highest and lowest are {numbers.fixed(ranges[widest], 1)} decades apart from "
            f"{widest} and {numbers.fixed(others, 1)} from the others"
        )
    return f"{text}."


def strictness(table: Table) -> str:
    """Say how much scatter the limit allows, by the arm whose range lies nearest to it."""
    ranges = {arm: float(np.ptp(table.values(DECADES, arm))) for arm in table.arms(DECADES)}
    arm = min(ranges, key=lambda name: abs(ranges[name] - MOVED))
    values = table.values(DECADES, arm)
    return (
        f"The limit of {MOVED:g} decades is strict: highest minus lowest grows with the number of "
        f"seeds, and a standard deviation of {numbers.fixed(float(values.std(ddof=1)))} ({arm}) "
        f"comes to {numbers.fixed(ranges[arm])} over {len(values)} seeds. Short real trainings at "
        "several rates and seeds give an interval instead of one number."
    )


def spread(table: Table, rule: str) -> float:
    """Return highest minus lowest suggestion over seeds, averaged over schemes, in decades."""
    return float(
        np.mean([np.ptp(table.values(DECADES, f"{rule}, {scheme}")) for scheme in SCHEMES])
    )


def basin_width(table: Table, scheme: str) -> float:
    """Return the width of the interval of good rates, in decades."""
    low, high = (float(table.values(f"basin {end}", scheme)[0]) for end in ("from", "to"))
    return float(np.log10(high / low))


CLAIM = Claim(
    title="Learning-rate finders depend on the seed",
    statement=(
        "The suggestion of a learning-rate finder moves from seed to seed by more than a factor of "
        "three, or misses the rates that train well."
    ),
    source=(
        "Users' reports to fastai (#3295), Lightning (#1767, #21141) and torch-lr-finder (#56, #68)"
    ),
    experiment=(
        "ReLU networks of six layers of 64 units on digits from four schemes; sweeps of 100 steps "
        "of SGD with momentum with the range, smoothing, stop and rule of each finder, 20 seeds (6 "
        "if quick). The basin: neighbouring rates whose mean validation loss after 25 epochs (10 "
        "if quick) is within 0.05 nats of the best, half a grid step wider."
    ),
    criterion=(
        "A rule fails if its highest and lowest suggestion over seeds are more than half a decade "
        "apart (mean over schemes), or less than half of its suggestions lie in the basin (limit "
        "of the interval). Supported if all three rules fail, refuted if none."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(
        quantity=DECADES,
        label="log10 of the suggested rate",
        arms=tuple(f"{rule}, {scheme}" for rule in RULES for scheme in SCHEMES),
    ),
    section="papers",
)
