"""Every activation with every scheme: does the textbook's pairing come out on top?"""

import math

from initsweep.claims import CLAIMS, Claim, Effect, Judgement
from initsweep.laboratory.contest import TRAIN, best_arm, contest, edges, verdict, within
from initsweep.laboratory.lab import Lab, Scheme, Setup
from initsweep.laboratory.pictures import Strips
from initsweep.laboratory.rates import LEARNED
from initsweep.laboratory.table import Measurement, Table, exactly

MARGIN, WIDTH = 0.05, 64
DEPTHS = {"relu": 8, "gelu": 8, "tanh": 8, "sigmoid": 3, "selu": 8}
ACTIVATIONS = tuple(DEPTHS)
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "lecun_normal": Scheme.named("lecun_normal"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "torch_default": Scheme.named("torch_default"),
}
TEXTBOOK = {
    "relu": "he_normal",
    "gelu": "he_normal",
    "tanh": "xavier_normal",
    "sigmoid": "xavier_normal",
    "selu": "lecun_normal",
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test all pairs."""
    rows = []
    for activation in ACTIVATIONS:
        network = lab.mlp(DEPTHS[activation], WIDTH, activation=activation)
        setup = Setup(data=lab.data(), network=network, epochs=lab.pick(30, 10))
        rows += contest(
            lab,
            setup,
            {pair(activation, name): scheme for name, scheme in SCHEMES.items()},
            seeds=lab.pick((3, 20), (2, 4)),
            rates=RATES,
            on_training_rows=True,
        )
    return rows


def pair(activation: str, scheme: str) -> str:
    """Return what the pair is called."""
    return f"{activation}, {scheme}"


def judge(table: Table) -> Judgement:
    """The textbook's scheme may be at most the margin behind the best, for every activation."""
    best, behind = {}, {}
    for activation, scheme in TEXTBOOK.items():
        best[activation] = best_arm(table, [pair(activation, other) for other in SCHEMES])
        behind[activation] = table.difference(TRAIN, pair(activation, scheme), best[activation])
    parts = {
        activation: within(interval, MARGIN) if learns(table, best[activation]) else None
        for activation, interval in behind.items()
    }
    answer = verdict(list(parts.values()))
    off = [activation for activation, part in parts.items() if part is False]
    return Judgement(
        answer=answer,
        effects=[
            Effect(
                name="activations whose textbook scheme is best or ties with it, of 5",
                value=exactly(sum(part is True for part in parts.values())),
            ),
            *(
                Effect(
                    name=f"{a}: {TEXTBOOK[a]} behind {best[a].split(', ')[1]}, nats",
                    value=behind[a],
                )
                for a in ACTIVATIONS
            ),
            *edges(table),
        ],
        reading=reading(off, best),
    )


def learns(table: Table, arm: str) -> bool:
    """Return whether the loss is clearly below that of guessing one of ten digits."""
    return table.mean(TRAIN, arm).high < LEARNED * math.log(10)


def reading(off: list[str], best: dict[str, str]) -> str:
    """Say where the textbook's pairing is behind, and what is best instead."""
    others = "; ".join(f"{a} (best: {best[a].split(', ')[1]})" for a in off)
    start = (
        f"The textbook's scheme is more than the margin behind for {others}. "
        if off
        else "For no activation was the textbook's scheme behind by more than the margin for sure. "
    )
    return start + (
        "With its own best rate per scheme many pairs differ little at eight layers; where they "
        "differ, the scale of the signal counts more than the name."
    )


CLAIMS.add(
    "activation_scheme_matrix",
    Claim(
        title="Each activation has its own best scheme",
        statement=(
            "Which initialization is best depends on the activation: He for ReLU and its kin, "
            "Xavier for tanh and sigmoid, LeCun for SELU."
        ),
        source="Chapter, answer 9",
        experiment=(
            "Networks of eight layers of 64 units on digits (three with sigmoid, which does not "
            "learn with eight in this time), five activations times He, Xavier, LeCun (all "
            "normal), orthogonal with the activation's gain and PyTorch's default, each pair at "
            "its own best rate, 30 epochs, fresh seeds, training loss. The best scheme is chosen "
            "on other seeds."
        ),
        criterion=(
            "Agrees for an activation if the textbook's scheme is less than 0.05 nats of training "
            "loss behind the best (limit of the interval). Supported if it agrees for all five, "
            "refuted if for none, depends if it is further behind for some; otherwise, or where no "
            "scheme learns, we cannot tell."
        ),
        measure=measure,
        judge=judge,
        picture=Strips(quantity=TRAIN, label="training loss, nats"),
        section="chapter",
    ),
)
