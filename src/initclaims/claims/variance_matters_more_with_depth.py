"""The deeper the network, the more it costs to miss the right weight variance."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

MARGIN, WIDTH = 0.1, 64
DEPTHS = (2, 5, 10, 20)
SCALES = {"half of He's variance": 1.0, "He's variance": 2.0, "twice He's variance": 4.0}
SMALL, RIGHT, LARGE = SCALES
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test three variances at four depths."""
    rows = []
    schemes = {
        arm: Scheme.named("random_scaled", scale=scale, mode="fan_in", distribution="normal")
        for arm, scale in SCALES.items()
    }
    for depth in DEPTHS:
        setup = Setup(data=lab.data(), network=lab.mlp(depth, WIDTH), epochs=lab.pick(60, 20))
        seeds = lab.pick((3, 20), (2, 6))
        rows += contest(
            lab,
            setup,
            schemes,
            seeds=seeds,
            rates=RATES,
            setting=float(depth),
            on_training_rows=True,
        )
    return rows


def judge(table: Table) -> Judgement:
    """The price of half and of twice the variance has to grow from 2 layers to 20."""
    growth = {arm: grown(table, arm) for arm in (SMALL, LARGE)}
    prices = {
        (arm, depth): table.difference(TRAIN, arm, RIGHT, float(depth))
        for arm in growth
        for depth in DEPTHS
    }
    told = {
        arm: ", ".join(f"{prices[arm, depth].estimate:.2f}" for depth in DEPTHS) for arm in growth
    }
    rates = {arm: table.values("best rate", arm, float(DEPTHS[-1]))[0] for arm in SCALES}
    return judged(
        [beyond(interval, MARGIN) for interval in growth.values()],
        {
            **{
                f"{arm}: price at 20 layers minus price at 2, nats": interval
                for arm, interval in growth.items()
            },
            **{
                f"{arm}, {depth} layers: training loss behind He's, nats": price
                for (arm, depth), price in prices.items()
            },
        },
        (
            f"With 2, 5, 10 and 20 layers half the variance costs {told[SMALL]} nats and twice "
            f"the variance {told[LARGE]} nats, each at its own best rate, which at 20 layers is "
            f"{rates[SMALL]:g}, against {rates[RIGHT]:g} for He and {rates[LARGE]:g} for twice the "
            "variance. A wrong factor per layer is raised to the power of the depth. The networks "
            "of 20 layers are those of the claim that ReLU wants a larger variance than tanh."
        ),
        on="whether the variance is too small or too large",
        rates=table,
    )


def grown(table: Table, arm: str) -> Interval:
    """Return by how much the price of an arm grows from the least depth to the largest."""
    first, last = (
        table.values(TRAIN, arm, float(depth)) - table.values(TRAIN, RIGHT, float(depth))
        for depth in (DEPTHS[0], DEPTHS[-1])
    )
    return mean_interval(last - first)


CLAIM = Claim(
    title="The variance matters more in deeper networks",
    statement="The deeper the network, the more it costs to miss the right weight variance.",
    source="Chapter, answer 3",
    experiment=(
        "ReLU networks of 2, 5, 10 and 20 layers of 64 units on digits, weight variance 1, 2 (He) "
        "and 4 over fan_in, each at its own best rate, 60 epochs, fresh seeds, training rows."
    ),
    criterion=(
        "The price of a variance is its training loss behind He's. Supported if the price grows by "
        "more than 0.1 nats from 2 layers to 20, for half and for twice the variance (limits of "
        "the intervals); depends if for one of them, refuted if for neither."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=TRAIN, x="layers", label="training loss, nats"),
    section="chapter",
)
