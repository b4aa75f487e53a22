"""Is the order of schemes on a narrow network that on a wide one, each at its own best rate?"""

from itertools import combinations
from typing import NamedTuple

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, contest
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed

MARGIN, FEWEST, MOST = 0.01, 5, 0.25
WIDTHS = {"narrow": 32, "wide": 256}
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "lecun_normal": Scheme.named("lecun_normal"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "torch_default": Scheme.named("torch_default"),
    "N(0, 0.01²)": Scheme.named("random_normal", std=0.01),
    "N(0, 0.1²)": Scheme.named("random_normal", std=0.1),
    "N(0, 0.3²)": Scheme.named("random_normal", std=0.3),
}


class Pairs(NamedTuple):
    """Pairs of schemes of which both networks say who is better, and those they disagree on."""

    told: list[tuple[str, str]]
    reversed: list[tuple[str, str]]


def measure(lab: Lab) -> list[Measurement]:
    """Give every scheme its own best rate on both networks."""
    rows = []
    for network, width in WIDTHS.items():
        setup = Setup(data=lab.data(), network=lab.mlp(5, width), epochs=lab.pick(10, 6))
        rows += contest(
            lab, setup, {f"{network}: {name}": scheme for name, scheme in SCHEMES.items()},
            seeds=lab.pick((5, 12), (2, 5)), on_training_rows=True,
        )  # fmt: skip
    return rows


def pairs(table: Table) -> Pairs:
    """Compare all pairs of schemes by the training loss of fresh seeds."""
    told, turned = [], []
    for one, other in combinations(SCHEMES, 2):
        signs = [_sign(table, network, one, other) for network in WIDTHS]
        if 0 not in signs:
            told.append((one, other))
            if signs[0] != signs[1]:
                turned.append((one, other))
    return Pairs(told, turned)


def _sign(table: Table, network: str, one: str, other: str) -> int:
    """Return 1 if the first loses more by the margin, -1 if the other, 0 if that is open."""
    found = table.difference(TRAIN, f"{network}: {one}", f"{network}: {other}")
    return (found.low > MARGIN) - (found.high < -MARGIN)


def judge(table: Table) -> Judgement:
    """None of the pairs that both networks tell apart may change sides."""
    found = pairs(table)
    enough = len(found.told) >= FEWEST
    share = len(found.reversed) / len(found.told) if found.told else None
    changed = [f"{one} and {other}" for one, other in found.reversed]
    return judged(
        first_that(
            supported=enough and not changed,
            refuted=enough and share is not None and share > MOST,
        ),
        {
            "share of pairs that change sides": share,
            "pairs that both networks tell apart": float(len(found.told)),
            **{f"{arm}: training loss, nats": table.mean(TRAIN, arm) for arm in table.arms(TRAIN)},
        },
        (
            f"Of {len(list(combinations(SCHEMES, 2)))} pairs of schemes both networks tell "
            f"{len(found.told)} apart by more than {MARGIN:g} nats"
            + (f"; {listed(changed)} change sides. " if changed else ", and none changes sides. ")
            + "The others are ties in at least one of them, so their order says nothing."
        ),
        rates=table,
    )


CLAIM = Claim(
    title="The ranking of schemes carries over to a wider network",
    statement=(
        "Schemes that are better on a narrow network are better on a wide one, if each has its own "
        "best rate on both."
    ),
    source="What sweeps on small networks take for granted",
    experiment=(
        "Eight schemes on ReLU networks of five layers of 32 and of 256 units on digits, each at "
        "its own best rate, 10 epochs, training loss of fresh seeds. A pair is told apart where "
        "the whole interval of the difference, paired by seed, is beyond 0.01 nats."
    ),
    criterion=(
        "Of the pairs that both networks tell apart, supported if none changes sides, refuted if "
        "more than a quarter does; fewer than five such pairs tell nothing."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=TRAIN, log=True),
    section="papers",
)
