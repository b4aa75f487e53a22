"""Zero weights with non-zero random biases: one of the cases where zero is said to be fine."""

import torch
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, contest, within
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import span
from initsweep.core.numbers import fixed
from initsweep.core.randomness import torch_stream
from initsweep.core.records import Interval

LOSS, MARGIN = "test loss", 0.05
ZERO, RESCUED, HE = "zero weights and biases", "zero weights, random biases", "he_normal"
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
READINGS = {
    "supported": "Different biases make the units different, and training does the rest.",
    "refuted": (
        "Random biases do not help: every weight above a zero weight has no gradient to pass on."
    ),
    "depends": (
        "Random biases tell the units apart, so that the network learns, but it does not get as "
        "far as from He's weights in the same number of epochs."
    ),
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test zero weights with both kinds of biases, and He."""
    setup = Setup(data=lab.data(), network=lab.mlp(2, 64), epochs=lab.pick(60, 20))
    schemes = {
        ZERO: Scheme.named("zeros"),
        RESCUED: Scheme(label=RESCUED, weights=lambda seed: with_random_biases(setup, seed)),
        HE: Scheme.named(HE),
    }
    return contest(lab, setup, schemes, seeds=lab.pick((5, 80), (2, 5)), rates=RATES)


def with_random_biases(setup: Setup, seed: int) -> dict[str, Tensor]:
    """Return zero weights and biases from N(0, 1)."""
    state = {}
    for name, value in setup.model().named_parameters():
        blank = torch.zeros_like(value)
        if name.endswith("bias"):
            blank.normal_(generator=torch_stream("random biases", seed, name))
        state[name] = blank.detach()
    return state


def judge(table: Table) -> Judgement:
    """Fine means: better than zeros, and no more than the margin behind He."""
    gain = table.difference(LOSS, ZERO, RESCUED)
    behind = table.difference(LOSS, RESCUED, HE)
    helps, near = beyond(gain, MARGIN), within(behind, MARGIN)
    answer = first_that(
        refuted=helps is False, supported=helps and near, depends=helps and near is False
    )
    return judged(
        answer,
        {
            "test loss behind He, each at its best rate, nats": behind,
            "test loss gained over zero biases, nats": gain,
        },
        open_reading(gain, behind) if answer == "cannot tell" else READINGS[answer],
        on="what they are compared with: zero biases, or He's weights",
        rates=table,
    )


def open_reading(gain: Interval, behind: Interval) -> str:
    """Say what is known where the whole is open."""
    if not beyond(gain, MARGIN):
        return f"Whether random biases help is open: they gain {span(gain)} nats over zero ones."
    helps = (
        f"Random biases let the network learn ({fixed(gain.estimate, 1)} nats below zero biases). "
    )
    if behind.low > 0:
        return helps + (
            f"It ends {span(behind)} nats behind He, worse for certain; whether by more than the "
            f"margin of {MARGIN} is open."
        )
    return helps + f"How far it ends behind He is open: {span(behind)} nats."


CLAIM = Claim(
    title="Zero weights are fine with random biases",
    statement=(
        "Zero weights do no harm if the biases are random and not zero, because these break the "
        "symmetry; zero biases on top make things worse."
    ),
    source="Chapter, answer 4",
    experiment=(
        "A ReLU network of two layers of 64 units on digits from zero weights with zero biases, "
        "with biases from N(0, 1), and from He; each at its own best of six rates or more, fresh "
        "seeds, test rows."
    ),
    criterion=(
        "Supported if random biases gain more than 0.05 nats over zero ones and end less than 0.05 "
        "behind He (limits of the intervals); depends if they gain but end further behind; refuted "
        "if they do not gain."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=LOSS, label="test loss, nats"),
    section="chapter",
)
