"""Does the best rate stay where it is when a residual network gets deeper, under CompleteP?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.sizes import RATE, carries_over, measured_over, moved, told
from initclaims.laboratory.table import Measurement, Table

DEPTHS = (4, 8, 16, 32)
WIDTH = 64
MUP, COMPLETEP = "muP", "CompleteP"
PUBLISHED = {COMPLETEP: "0"}


def measure(lab: Lab) -> list[Measurement]:
    """Find the best rates of both at every depth."""
    schemes = {
        MUP: Scheme.named("mup", base_width=WIDTH),
        COMPLETEP: Scheme.named("completep", base_width=WIDTH, base_depth=DEPTHS[0] - 1),
    }
    depths = lab.pick(DEPTHS, DEPTHS[:3])
    networks = {depth: lab.mlp(depth, WIDTH, residual=True, norm="layer") for depth in depths}
    return measured_over(lab, networks, schemes, "adam", seeds=lab.pick(10, 4), epochs=5)


def judge(table: Table) -> Judgement:
    """CompleteP's rate has to stay, and that of muP to fall."""
    rates = "; ".join(f"{name}: {moved(table, f'adam, {name}')}" for name in (MUP, COMPLETEP))
    return judged(
        [carries_over(table, "adam", COMPLETEP, MUP)],
        told(table, PUBLISHED),
        (
            f"Mean best rates at the least and at the greatest depth: {rates}. Without a change of "
            "width muP is the standard parametrization."
        ),
    )


CLAIM = Claim(
    title="Under CompleteP the best rate carries over to deeper ones",
    statement=(
        "With residual branches divided by the depth the best learning rate of a shallow residual "
        "network is that of a deep one; with muP alone it falls with the depth."
    ),
    source="Dey et al. 2025 (CompleteP), figure 1",
    experiment=(
        "Residual ReLU networks with layer normalization, 4 to 32 layers of 64 units on digits, "
        "He's normal weights, muP and CompleteP with these at the base, Adam, 5 epochs, training "
        "loss. Each seed's best rate is the lowest point of a parabola through its response, and "
        "each seed's exponent the slope of the logarithm of its best rate."
    ),
    criterion=(
        "Supported if CompleteP's exponent lies within 0.33 of 0, a factor of two over eight times "
        "the depth, and muP's below -0.33 (limits of the intervals), refuted if one of them lies "
        "on the other side."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=RATE, x="depth, layers", log=True, log_x=True),
    section="papers",
)
