"""At 30 ReLU layers He's weights train and Xavier's stall, at 22 both train."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import estimate, span
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

ACCURACY, RESPONSE = "test score", "validation accuracy"
RATES = tuple(float(f"{10 ** (-4 + step / 2):.3g}") for step in range(9))  # 0.0001 to 1
ADAM_RATES = tuple(rate / 10 for rate in RATES)
HE, XAVIER = "He", "Xavier"
SCHEMES = {HE: Scheme.named("he_normal"), XAVIER: Scheme.named("xavier_normal")}
SGD, ADAM = "SGD", "Adam"
TRAINS, STALLS, CLOSE = 0.5, 0.2, 0.05
SETTINGS = ((SGD, 22), (SGD, 30), (ADAM, 30))
READINGS = {
    "supported": (
        "Xavier's variance is half of He's, so a signal has lost a factor of 2^15 after 30 layers "
        "in both directions; no rate makes up for that with SGD."
    ),
    "refuted": "At its own best rate Xavier trains 30 layers as well as He.",
    "cannot tell": "In so few steps it is not certain that even He's weights train 30 layers.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test both schemes at both depths with SGD, and at 30 layers with Adam."""
    rows = []
    for optimizer, depth in SETTINGS:
        setup = Setup(
            data=lab.images(),
            network=lab.mlp(depth, 128),
            epochs=lab.pick(40, 12),
            optimizer={"name": optimizer.lower()},
        )
        for name, scheme in SCHEMES.items():
            rates = RATES if optimizer == SGD else lab.pick(ADAM_RATES, ADAM_RATES[::2])
            tuned = tune(lab, setup, scheme, rates, seeds=lab.pick((3, 10), (1, 2)))
            arm = label(name, optimizer, depth)
            rows += measured(tuned, arm)
            rows += tuned.response.measured(RESPONSE, tuned.response.final_scores, arm)
    return rows


def label(scheme: str, optimizer: str, depth: int) -> str:
    """Return what a curve is called."""
    return f"{scheme}, {depth} layers, {optimizer}"


def judge(table: Table) -> Judgement:
    """The paper's pattern, a gap at 30 layers only, or none."""
    means = {
        (name, depth): table.mean(ACCURACY, label(name, SGD, depth))
        for name in SCHEMES
        for depth in (22, 30)
    }
    gap = table.difference(ACCURACY, label(HE, SGD, 30), label(XAVIER, SGD, 30))
    pattern = (
        means[XAVIER, 30].high < STALLS
        and means[XAVIER, 22].low > TRAINS
        and means[HE, 22].low > TRAINS
    )
    trains = means[HE, 30].low > TRAINS
    answer = first_that(
        supported=trains and pattern,
        refuted=trains and gap.high < CLOSE,
        depends=trains and gap.low > CLOSE,
    )
    missed = min(means[HE, 22].low, means[XAVIER, 22].low) <= TRAINS
    published = {(HE, 30): "trains", (XAVIER, 30): "stalls"}
    return judged(
        answer,
        {
            "SGD, 30 layers: accuracy of He minus Xavier": gap,
            **{
                f"{label(name, SGD, depth)}: test accuracy at the best rate": (
                    means[name, depth],
                    published.get((name, depth), "trains"),
                )
                for name, depth in means
            },
            **{
                f"{label(name, ADAM, 30)}: test accuracy at the best rate": table.mean(
                    ACCURACY, label(name, ADAM, 30)
                )
                for name in SCHEMES
            },
        },
        (partly(table, means) if answer == "depends" else READINGS[answer]) + adam(table),
        on="depth" if missed else "how little counts as stalled",
        rates=table,
    )


def partly(table: Table, means: dict[tuple[str, int], Interval]) -> str:
    """Say which parts of the paper's pattern show."""
    xavier, he = means[XAVIER, 30].estimate, means[HE, 30].estimate
    at_30 = (
        f"He trains and Xavier hardly does ({estimate(means[XAVIER, 30])}), as in the paper."
        if xavier < STALLS
        else f"He is ahead ({fixed(he)} against {fixed(xavier)}), but Xavier does not stall."
    )
    short = []
    if means[XAVIER, 22].low <= TRAINS:
        short.append(f"Xavier gets to {fixed(means[XAVIER, 22].estimate)} in so few steps")
    if means[HE, 22].low <= TRAINS:
        runs = table.values(ACCURACY, label(HE, SGD, 22))
        failed = int((runs < TRAINS).sum())
        short.append(
            f"{failed or 'none'} of He's {len(runs)} runs {'ends' if failed == 1 else 'end'} below "
            f"{TRAINS:g} at the rate chosen on other seeds (mean "
            f"{fixed(means[HE, 22].estimate)}, {span(means[HE, 22])})"
        )
    at_22 = f" Our 22 layers miss the pattern: {', and '.join(short)}." if short else ""
    return f"At 30 layers {at_30}{at_22}"


def adam(table: Table) -> str:
    """Return what Adam makes of it."""
    he, xavier = (float(table.values(ACCURACY, label(n, ADAM, 30)).mean()) for n in SCHEMES)
    return (
        f" With Adam, which rescales gradients, Xavier reaches {xavier:.2f} and He {he:.2f} at 30 "
        "layers."
    )


CLAIM = Claim(
    title="He trains 30 ReLU layers, Xavier stalls",
    statement=(
        "A ReLU network of 22 layers trains from He's and from Xavier's weights; at 30 layers He's "
        "still train and Xavier's stall completely."
    ),
    source="He et al. 2015, section 2.2, figures 2 and 3",
    experiment=(
        "ReLU networks of 22 and 30 layers of 128 units on digits, SGD with momentum, each scheme "
        "at its own best of nine rates or more, 320 steps (96 if quick), fresh seeds, test rows; "
        "30 layers with Adam as well. The paper: convolutional networks on ImageNet."
    ),
    criterion=(
        "With SGD: supported if He exceeds an accuracy of 0.5 at both depths, Xavier at 22, and "
        "Xavier stays below 0.2 at 30 (limits of the intervals); depends if at 30 layers He trains "
        "and leads by more than 0.05 without that pattern; refuted if it leads by less; we cannot "
        "tell if He does not train or the intervals leave it open."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=tuple(
            Lines(
                quantity=RESPONSE,
                x="learning rate",
                log_x=True,
                limits=(0.0, 1.0),
                arms=tuple(label(name, optimizer, depth) for name in SCHEMES),
                suffix=label("", optimizer, depth),
            )
            for optimizer, depth in SETTINGS
        ),
        titles=tuple(f"{depth} layers, {optimizer}" for optimizer, depth in SETTINGS),
    ),
    section="papers",
)
