"""Does bad initialization lead to poor minima, or only there more slowly?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest
from initclaims.laboratory.good_and_bad import BAD, FACTORS, GOOD, NETWORKS, RATES, SCHEMES, WIDTH
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import factors, listed
from initsweep.core.numbers import fixed

MARGIN, TIMES = 0.05, 10


def measure(lab: Lab) -> list[Measurement]:
    """Tune good and bad weights for a short and for a ten times longer training."""
    rows = []
    short = lab.pick(15, 5)
    for network, depth in NETWORKS.items():
        for epochs in (short, TIMES * short):
            setup = Setup(data=lab.data(), network=lab.mlp(depth, WIDTH), epochs=epochs)
            schemes = {f"{network}, {name}": scheme for name, scheme in SCHEMES.items()}
            rows += contest(
                lab,
                setup,
                schemes,
                seeds=lab.pick((3, 20), (2, 5)),
                rates=RATES,
                setting=float(epochs),
                on_training_rows=True,
            )
    return rows


def judge(table: Table) -> Judgement:
    """The gap has to be there after ten times the steps as well."""
    short, long = table.settings(TRAIN)
    gaps = {
        (n, bad, epochs): table.difference(TRAIN, f"{n}, {bad}", f"{n}, {GOOD}", epochs)
        for epochs in (long, short)
        for n in NETWORKS
        for bad in BAD
    }
    parts = {
        (n, bad): beyond(gap, MARGIN) for (n, bad, epochs), gap in gaps.items() if epochs == long
    }
    closed = [
        f"{bad} ({n}: {fixed(gaps[n, bad, short].estimate)} nats, then {fixed(gap.estimate, 3)})"
        for (n, bad, epochs), gap in gaps.items()
        if epochs == long and gap.high < MARGIN < gaps[n, bad, short].low
    ]
    return judged(
        [*parts.values()],
        {
            f"{n}, {epochs:g} epochs: {bad} behind He, nats": gap
            for (n, bad, epochs), gap in sorted(
                gaps.items(), key=lambda item: (-item[0][2], -item[1].estimate)
            )
        },
        (f"Ten times the steps close the gap of {listed(closed)}. " if closed else "")
        + (STAYS if True in parts.values() else OPEN if None in parts.values() else SLOW)
        + LIMITS,
        on=factors(parts, FACTORS),
        rates=table,
    )


SLOW = (
    "What looks like a poor minimum after a short training is a long way to go: with its own rate "
    "and time enough a network of this size fits its training rows from a wrong scale too."
)
OPEN = "Whether a gap stays after ten times the steps is open for at least one of the four."
STAYS = (
    "Where a gap stays after ten times the steps, no rate that was tried and no time of this "
    "length make up for the start."
)

LIMITS = (
    " Poor here means training loss, and networks of at most 6 layers. On new rows solutions "
    "differ (see “Good initialization generalizes better”), and the deeper networks on this page "
    "were not given ten times the steps."
)

CLAIM = Claim(
    title="Bad initialization ends in poor minima",
    statement=(
        "Bad initialization leads to poor minima: the loss stays worse even with the best learning "
        "rate and many more steps."
    ),
    source="Chapter, answer 2",
    experiment=(
        "ReLU networks of 3 and 6 layers of 64 units on digits from He and from He's weights "
        "divided and multiplied by 3, trained for 15 and for 150 epochs, each at its own best rate "
        "for that length; training loss on fresh seeds."
    ),
    criterion=(
        "Supported if after the longer training both bad scales are more than 0.05 nats of "
        "training loss behind He in both networks (limits of the intervals), refuted if in none of "
        "the four cases (the gap was only slowness), depends if in some."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Strips(quantity=TRAIN, setting="least", label="training loss, nats"),
            Strips(quantity=TRAIN, setting="greatest", label="training loss, nats"),
        ),
        titles=("Short training", "Ten times as long"),
    ),
    section="chapter",
)
