"""Delta-orthogonal kernels let a plain tanh network of 16 convolutions train quickly."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Lines, Strips
from initclaims.laboratory.table import Measurement, Table
from initsweep.architectures.image_parts import BlankConv2d
from initsweep.architectures.mlp import BlankLinear

ACCURACY, RESPONSE = "test score", "validation accuracy"
LAYERS, CHANNELS, SIDE = 16, 32, 8
DELTA, HE, GLOROT = "delta-orthogonal", "He", "Glorot"
SCHEMES = {
    DELTA: Scheme.named("delta_orthogonal", gain=1.0),
    HE: Scheme.named("he_normal"),
    GLOROT: Scheme.named("xavier_normal"),
}
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
REACHED, AHEAD = 0.9, 0.01
READINGS = {
    "supported": (
        "A rotation of the channels loses nothing however many follow each other; random kernels "
        "mix and fade."
    ),
    "refuted": "It does not reach 0.9 in these steps even at its best rate.",
    "depends": (
        "Delta-orthogonal kernels train as promised, but so do common ones: at 16 layers, each at "
        "its own best rate, {best} comes first. A kernel that only rotates channels also has to "
        "learn to look at neighbours. The paper's case for it is made at thousands of layers."
    ),
    "cannot tell": "The intervals leave open whether 0.9 is reached, or whether it is ahead.",
}


class PlainConvolutions(nn.Module):
    """A convolution, pooling to half the side, 15 more convolutions, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        fans = [1] + [CHANNELS] * (LAYERS - 1)
        self.convolutions = nn.ModuleList(BlankConv2d(fan, CHANNELS, 3, padding=1) for fan in fans)
        self.head = BlankLinear(CHANNELS * (SIDE // 2) ** 2, 10)
        self.activation_after = {f"convolutions.{i}": torch.tanh for i in range(LAYERS)}

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, 10), for inputs of (batch, 64)."""
        signal = inputs.reshape(-1, 1, SIDE, SIDE)
        for place, convolution in enumerate(self.convolutions):
            signal = torch.tanh(convolution(signal))
            if place == 0:
                signal = functional.max_pool2d(signal, 2)
        outputs: Tensor = self.head(signal.flatten(1))
        return outputs


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test the three schemes."""
    setup = Setup(
        data=lab.data(), network=partial(PlainConvolutions), epochs=lab.pick(10, 3), batch_size=32
    )
    rows = []
    for arm, scheme in SCHEMES.items():
        tuned = tune(
            lab, setup, scheme, lab.pick(RATES, RATES[1:5]), seeds=lab.pick((2, 6), (1, 2))
        )
        rows += measured(tuned, arm)
        rows += tuned.response.measured(RESPONSE, tuned.response.final_scores, arm)
    return rows


def judge(table: Table) -> Judgement:
    """Ask whether it reaches 0.9, and whether it is ahead of both others."""
    reached = table.mean(ACCURACY, DELTA)
    leads = {arm: table.difference(ACCURACY, DELTA, arm) for arm in (HE, GLOROT)}
    answer = first_that(
        refuted=reached.high < REACHED,
        supported=reached.low > REACHED and all(lead.low > AHEAD for lead in leads.values()),
        depends=reached.low > REACHED and any(lead.high < AHEAD for lead in leads.values()),
    )
    return judged(
        answer,
        {
            "delta-orthogonal: test accuracy at the best rate": (
                reached,
                "about 0.95 on training batches in 1000 steps",
            ),
            **{f"ahead of {arm}, each at its best rate": lead for arm, lead in leads.items()},
        },
        (
            READINGS[answer].format(
                best=max(SCHEMES, key=lambda arm: float(table.values(ACCURACY, arm).mean()))
            )
        ),
        on="what is asked: it reaches 0.9, but is not ahead",
        rates=table,
    )


CLAIM = Claim(
    title="Delta-orthogonal kernels train deep tanh CNNs",
    statement=(
        "With delta-orthogonal kernels a plain network of 16 tanh convolutions of 32 channels "
        "exceeds an accuracy of 0.9 within 1000 steps, where common random kernels lag."
    ),
    source="Xiao et al. 2018, and the demonstration published by its authors",
    experiment=(
        "16 convolutions of 32 channels with tanh on digits (8 x 8, pooled to 4 x 4 after the "
        "first), a linear head, SGD with momentum in batches of 32, 340 steps (102 if quick); "
        "three schemes, each at its own best of six rates or more (four if quick), test rows."
    ),
    criterion=(
        "Supported if delta-orthogonal exceeds 0.9 and is ahead of both He and Glorot by more than "
        "one point (limits of the intervals); depends if it exceeds 0.9 but at least one of them "
        "is less than a point behind; refuted if it stays below 0.9."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=(
            Lines(quantity=RESPONSE, x="learning rate", log_x=True, limits=(0.0, 1.0)),
            Strips(quantity=ACCURACY, label="test accuracy at the best rate"),
        )
    ),
    section="papers",
)
