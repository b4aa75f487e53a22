"""He against Xavier on ReLU networks, from shallow to deep."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, beyond, contest
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.table import Measurement, Table

MARGIN, WIDTH = 0.05, 64
DEPTHS = (5, 10, 20, 30)
DEEP = DEPTHS[1:]
HE, XAVIER = "he_normal", "xavier_normal"
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test He and Xavier at four depths."""
    rows = []
    for depth in DEPTHS:
        setup = Setup(data=lab.data(), network=lab.mlp(depth, WIDTH), epochs=lab.pick(60, 20))
        schemes, seeds = {HE: HE, XAVIER: XAVIER}, lab.pick((3, 20), (2, 5))
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
    """Xavier has to be behind wherever a network counts as deep."""
    behind = {depth: table.difference(TRAIN, XAVIER, HE, float(depth)) for depth in DEPTHS}
    found = {depth: beyond(difference, MARGIN) for depth, difference in behind.items()}
    return judged(
        [found[depth] for depth in DEEP],
        {
            f"{depth} layers: training loss of Xavier behind He, nats": (
                behind[depth],
                {30: "He et al. 2015: Xavier stalls at 30 layers"}.get(depth, ""),
            )
            for depth in reversed(DEPTHS)
        },
        reading(found),
        on="depth",
        rates=table,
    )


def reading(found: dict[int, bool | None]) -> str:
    """Say at which depths Xavier is behind."""
    behind = [str(depth) for depth, holds in found.items() if holds]
    if not behind:
        return "Xavier was behind by more than the margin at none of the depths."
    text = f"Tuned, Xavier is more than {MARGIN} nats behind at depth {', '.join(behind)}. "
    others = [str(depth) for depth in found if str(depth) not in behind]
    if others:
        text += f"At depth {', '.join(others)} it is not, or not with certainty. "
    return text + (
        "The budget counts: a small signal is slow before it is hopeless, and with more steps the "
        "depth at which Xavier falls behind moves up."
    )


CLAIM = Claim(
    title="He beats Xavier on deep ReLU networks",
    statement="On deep ReLU networks He initialization trains better than Xavier.",
    source="Chapter, answer 7; He et al. 2015, figure 3",
    experiment=(
        "ReLU networks of 5, 10, 20 and 30 layers of 64 units on digits from both schemes, each at "
        "its own best rate, 60 epochs, fresh seeds, training rows."
    ),
    criterion=(
        "Deep means 10 layers or more. Supported if Xavier's training loss is more than 0.05 nats "
        "behind He's at each of these depths (limit of the interval); depends if only at some; "
        "refuted if at no depth; otherwise we cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=TRAIN, x="layers", label="training loss, nats"),
    section="chapter",
)
