"""What does warm-up buy, and does that depend on the initial weights?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed
from initsweep.core import numbers

MARGIN = 0.02
GAIN = "gain of warm-up, nats of training loss"
WITHOUT, WITH = "without", "with"
SHARES = {WITHOUT: 0.0, WITH: 0.2}
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "torch_default": Scheme.named("torch_default"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "N(0, 0.1²)": Scheme.named("random_normal", std=0.1),
    "N(0, 0.3²)": Scheme.named("random_normal", std=0.3),
}


def measure(lab: Lab) -> list[Measurement]:
    """Give every scheme its own best rate with and without warm-up."""
    rows = []
    for how, share in SHARES.items():
        setup = Setup(
            data=lab.data(), network=lab.mlp(5, 128), epochs=lab.pick(20, 8),
            training={"warmup_fraction": share},
        )  # fmt: skip
        schemes = {f"{how}: {name}": scheme for name, scheme in SCHEMES.items()}
        rows += contest(lab, setup, schemes, seeds=lab.pick((5, 12), (2, 5)), on_training_rows=True)
    table = Table(rows)
    return rows + [
        Measurement.of(name, GAIN, value, seed=seed)
        for name in SCHEMES
        for seed, value in enumerate(
            table.values(TRAIN, f"{WITHOUT}: {name}") - table.values(TRAIN, f"{WITH}: {name}")
        )
    ]


def judge(table: Table) -> Judgement:
    """Warm-up has to lower the loss of every scheme by more than the margin."""
    gains = {name: table.mean(GAIN, name) for name in SCHEMES}
    order = sorted(gains, key=lambda name: -gains[name].estimate)
    rates = [
        f"{name} from {numbers.rate(_rate(table, WITHOUT, name))} to "
        f"{numbers.rate(_rate(table, WITH, name))}"
        for name in SCHEMES
        if _rate(table, WITHOUT, name) != _rate(table, WITH, name)
    ]
    moved = f"Best rates move: {listed(rates)}. " if rates else "No best rate moves. "
    return judged(
        [beyond(gain, MARGIN) for gain in gains.values()],
        {f"{name}: {GAIN}": gains[name] for name in order},
        (
            f"{moved}At one and the same rate warm-up may save a scheme that would blow up; here "
            "each has its own best rate with and without, so that what remains is what warm-up "
            "buys."
        ),
        on="the scheme",
        rates=table,
    )


def _rate(table: Table, how: str, name: str) -> float:
    return float(table.values("best rate", f"{how}: {name}")[0])


CLAIM = Claim(
    title="Warm-up lowers the loss whatever the initialization",
    statement="A warm-up of the learning rate lets networks train to a lower loss.",
    source=(
        "Goyal et al. 2017, section 2.2; Kalra and Barkeshli 2024, who expect less of it where the "
        "initial weights are mild"
    ),
    experiment=(
        "ReLU networks of five layers of 128 units on digits, six schemes, SGD with momentum, 20 "
        "epochs, without warm-up and with one over the first fifth of all steps, each at its own "
        "best rate; training loss of fresh seeds, paired by seed."
    ),
    criterion=(
        "Helps a scheme if the loss without warm-up is more than 0.02 nats above that with it, "
        "does not if less (limits of the intervals). Supported if it helps every scheme, refuted "
        "if none, depends if some and not others."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=GAIN, reference=(0.0, "no gain")),
    section="papers",
)
