"""Every activation with every scheme: does the textbook's pairing come out on top?"""

import math

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, best_arm, beyond, contest, within
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.rates import LEARNED
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import estimate, listed

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
    swapped = [activation for activation in ACTIVATIONS if swap_costs(table, activation, best)]
    return judged(
        list(parts.values()),
        {
            "activations whose textbook scheme is best or ties with it, of 5": sum(
                part is True for part in parts.values()
            ),
            f"activations where another's textbook scheme is more than {MARGIN} behind": len(
                swapped
            ),
            **{
                f"{a}: {TEXTBOOK[a]} behind {best[a].split(', ')[1]}, nats": behind[a]
                for a in ACTIVATIONS
            },
        },
        reading(table, parts, best, swapped),
        on="the activation",
        rates=table,
    )


def swap_costs(table: Table, activation: str, best: dict[str, str]) -> bool:
    """Return whether the textbook's scheme of another activation is behind for certain here."""
    others = set(TEXTBOOK.values()) - {TEXTBOOK[activation]}
    return any(
        beyond(table.difference(TRAIN, pair(activation, scheme), best[activation]), MARGIN)
        for scheme in others
    )


def learns(table: Table, arm: str) -> bool:
    """Return whether the loss is clearly below that of guessing one of ten digits."""
    return table.mean(TRAIN, arm).high < LEARNED * math.log(10)


def reading(
    table: Table, parts: dict[str, bool | None], best: dict[str, str], swapped: list[str]
) -> str:
    """Say where the pairing holds, where it does not, and whether it matters at all."""
    behind = {a: table.difference(TRAIN, pair(a, TEXTBOOK[a]), best[a]) for a in parts}
    by_part: dict[bool | None, list[str]] = {
        part: [a for a in parts if parts[a] is part] for part in (True, False, None)
    }
    told = []
    for part, what in ((False, "The textbook's scheme is behind for"), (None, "Open for")):
        if by_part[part]:
            each = [
                f"{a} ({estimate(behind[a])} nats behind, {DEPTHS[a]} layers)"
                for a in by_part[part]
            ]
            told.append(f"{what} {listed(each)}.")
    held = by_part[True]
    if held:
        tie = f"For {listed(held)} the textbook's scheme is the best or ties with it"
        tied = [a for a in held if a not in swapped]
        if tied == held:
            tie += (
                ", but so do the textbook's schemes for other activations: at tuned rates the "
                "pairing hardly matters"
            )
        elif tied:
            tie += f"; for {listed(tied)} so do the textbook's schemes for other activations"
        told.append(f"{tie}. {laggards(table, held, best)}".strip())
    return " ".join(told)


def laggards(table: Table, activations: list[str], best: dict[str, str]) -> str:
    """Say which schemes fall behind where the textbook's does not, "" if none."""
    found = {
        scheme: [
            a
            for a in activations
            if beyond(table.difference(TRAIN, pair(a, scheme), best[a]), MARGIN)
        ]
        for scheme in SCHEMES
    }
    each = [f"{scheme} ({', '.join(where)})" for scheme, where in found.items() if where]
    return f"Behind for certain: only {listed(each)}." if each else ""


CLAIM = Claim(
    title="The textbook's scheme is never far behind",
    statement=(
        "Which initialization is best depends on the activation: He for ReLU and its kin, Xavier "
        "for tanh and sigmoid, LeCun for SELU."
    ),
    source="Chapter, answer 9",
    experiment=(
        "Networks of eight layers of 64 units on digits (three with sigmoid, which does not learn "
        "with eight in this time), five activations times He, Xavier, LeCun (all normal), "
        "orthogonal with the activation's gain and PyTorch's default, each pair at its own best "
        "rate, 30 epochs, fresh seeds, training loss. The best scheme is chosen on other seeds."
    ),
    criterion=(
        "Agrees for an activation if the textbook's scheme is less than 0.05 nats of training loss "
        "behind the best (limit of the interval). Supported if it agrees for all five, refuted if "
        "for none, depends if it is further behind for some; otherwise, or where no scheme learns, "
        "we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=TRAIN, label="training loss, nats"),
    section="chapter",
)
