"""How much one tanh layer shortens a small change, under the standard and the normalized law."""

import torch
from torch import Tensor

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Lines
from initclaims.laboratory.signals import snapshot
from initclaims.laboratory.table import Measurement, Table
from initsweep.probes.capture import Layer
from initsweep.statistics.intervals import mean_interval

DEPTH, MARGIN = 5, 0.1
VALUE = "mean singular value of a layer's Jacobian"
STANDARD, NORMALIZED = "standard, U(±1/√n)", "normalized, U(±√6/√(n + m))"
SCHEMES = {
    STANDARD: Scheme.named("lecun_uniform", gain=3**-0.5),
    NORMALIZED: Scheme.named("xavier_uniform"),
}
PUBLISHED = {STANDARD: 0.5, NORMALIZED: 0.8}
READINGS = {
    "supported": (
        "A square matrix of variance v/n has a mean singular value of 0.85 √v; tanh takes a part "
        "of it. With v = 1/3 a layer halves changes, and so gradients; with v = 1 it keeps four "
        "fifths."
    ),
    "refuted": "The mean singular values are not where the paper found them.",
    "depends": "One of the two laws has the paper's value, the other has not.",
    "cannot tell": "The intervals leave open whether the values are the paper's.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Take the Jacobian of every square layer on a few examples."""
    network = lab.mlp(DEPTH, lab.pick(300, 128), activation="tanh")
    setup = Setup(data=lab.images(), network=network, epochs=1)
    rows = []
    for arm, scheme in SCHEMES.items():
        for seed in lab.seeds(5, 3):
            layers = snapshot(lab, setup, scheme, seed).layers[1:DEPTH]
            for place, layer in enumerate(layers, start=2):
                value = float(jacobians(layer, 2).mean())
                rows.append(Measurement.of(arm, VALUE, value, seed=seed, setting=place))
    return rows


def jacobians(layer: Layer, examples: int) -> Tensor:
    """Return the singular values of ∂tanh(Wx + b)/∂x, shape (examples, width)."""
    slopes = 1 - layer.activations[:examples].square()
    jacobian = slopes[:, :, None] * layer.weight
    # Roots of the eigenvalues of J Jᵀ: several times faster than a decomposition of J.
    squares: Tensor = torch.linalg.eigvalsh(jacobian @ jacobian.mT)
    return squares.clamp_min(0).sqrt()


def judge(table: Table) -> Judgement:
    """Compare the mean over layers with the paper's two numbers."""
    means = {}
    for arm in SCHEMES:
        layers = [table.values(VALUE, arm, at) for at in table.settings(VALUE, arm)]
        means[arm] = mean_interval(sum(layers) / len(layers))
    inside = [
        abs(means[arm].low - PUBLISHED[arm]) < MARGIN
        and abs(means[arm].high - PUBLISHED[arm]) < MARGIN
        for arm in SCHEMES
    ]
    outside = [
        means[arm].low > PUBLISHED[arm] + MARGIN or means[arm].high < PUBLISHED[arm] - MARGIN
        for arm in SCHEMES
    ]
    answer = first_that(
        supported=all(inside), refuted=all(outside), depends=any(inside) and any(outside)
    )
    return judged(
        answer,
        {f"{arm}: {VALUE}": (means[arm], f"about {PUBLISHED[arm]}") for arm in SCHEMES},
        READINGS,
        on="the law",
    )


CLAIM = Claim(
    title="Glorot's law keeps 0.8 of a change per tanh layer",
    statement=(
        "The Jacobian of one tanh layer has a mean singular value of about 0.8 under the "
        "normalized law and of about 0.5 under the law that was standard before."
    ),
    source="Glorot and Bengio 2010, section 4.2.1",
    experiment=(
        "Untrained tanh networks of five layers of 300 units (128 if quick) on digits; the "
        "singular values of the derivative of each square layer's outputs by its inputs, on two "
        "examples, averaged over values, layers and examples. The paper: 1000 units."
    ),
    criterion=(
        "Supported if both means are within 0.1 of the paper's (limits of the intervals); refuted "
        "if both are further away; depends if one is and one is not."
    ),
    measure=measure,
    judge=judge,
    picture=Lines(quantity=VALUE, x="layer", limits=(0.0, 1.0)),
    section="papers",
)
