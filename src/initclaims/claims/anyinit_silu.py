"""Deep SiLU networks need the gain of SiLU, which quadrature gives and PyTorch does not."""

import numpy as np

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import measured, tune
from initclaims.laboratory.data import Data, drawn
from initclaims.laboratory.judging import first_that, judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import listed, span
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Interval

LOSS, DECADES = "test loss", "decades of test loss"
DEFAULT, GAIN, LSUV = "PyTorch's default", "gain by quadrature", "LSUV"
SCHEMES = {
    DEFAULT: Scheme.named("torch_default"),
    GAIN: Scheme.named("lecun_normal", gain="incoming"),
    LSUV: Scheme.named("lsuv"),
}
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
DEPTHS = (10, 30)
DEEP_LEAD = 0.5  # decades of loss at 30 layers
LEARNS_NOTHING = 0.9  # variances of the target
PUBLISHED = {10: "0.46 (0.00063 against 0.00022)", 30: "1.92 (0.116 against 0.0014)"}
READINGS = {
    "supported": (
        "PyTorch's default shrinks the signal of SiLU by more than half per layer, so that 30 "
        "layers pass on next to nothing. The right gain is 1.68, 1/√E[silu(z)²]; LSUV finds it "
        "from data."
    ),
    "refuted": "With its own best rate the default does as well as the gain by quadrature.",
    "depends": "The gain pays at one of the two depths only.",
}


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test the three schemes at both depths."""
    rows = []
    data = waves(1600)
    for depth in DEPTHS:
        setup = Setup(
            data=data,
            network=lab.mlp(depth, 64, activation="silu"),
            epochs=lab.pick(120, 15),
            optimizer={"name": "adam"},
        )
        for arm, scheme in SCHEMES.items():
            tuned = tune(
                lab, setup, scheme, lab.pick(RATES, RATES[1:]), seeds=lab.pick((2, 8), (1, 3))
            )
            rows += measured(tuned, named(arm, depth))
            rows += [
                Measurement.of(named(arm, depth), DECADES, np.log10(loss), seed=seed)
                for seed, loss in zip(tuned.fresh.seeds, tuned.test_losses, strict=True)
            ]
    return rows


def waves(rows: int) -> Data:
    """Return sin 3x cos 3y for x and y uniform between -1 and 1."""
    x, y = numpy_stream("waves", rows).uniform(-1, 1, (2, rows))
    features = np.stack([x, y], axis=1)
    return drawn(f"waves, {rows} rows", "regression", features, np.sin(3 * x) * np.cos(3 * y))


def named(arm: str, depth: int) -> str:
    """Return the arm's name at a depth."""
    return f"{arm}, {depth} layers"


def judge(table: Table) -> Judgement:
    """A lead of half a decade at 30 layers, and any certain lead at 10."""
    leads = {
        (depth, arm): table.difference(DECADES, named(DEFAULT, depth), named(arm, depth))
        for depth in (30, 10)
        for arm in (GAIN, LSUV)
    }
    needed = {30: DEEP_LEAD, 10: 0.0}
    holds = [leads[depth, GAIN].low > needed[depth] for depth in DEPTHS]
    fails = [leads[depth, GAIN].high < max(needed[depth], 0.1) for depth in DEPTHS]
    answer = first_that(supported=all(holds), refuted=all(fails), depends=any(holds) and any(fails))
    return judged(
        answer,
        {
            **{
                f"{depth} layers: {arm}, decades of test loss gained over the default": (
                    lead,
                    PUBLISHED[depth] if arm == GAIN else "",
                )
                for (depth, arm), lead in leads.items()
            },
            **{
                f"{named(arm, 30)}: test loss in variances of the target": table.mean(
                    LOSS, named(arm, 30)
                )
                for arm in SCHEMES
            },
        },
        (
            open_reading(table, {depth: leads[depth, GAIN] for depth in DEPTHS}, needed)
            if answer == "cannot tell"
            else READINGS[answer]
        ),
        on="depth",
        rates=table,
    )


def open_reading(table: Table, leads: dict[int, Interval], needed: dict[int, float]) -> str:
    """Say what is known where the whole is open, and what spreads the losses."""
    pays = [f"{span(leads[d])} decades with {d} layers" for d in DEPTHS if leads[d].low > 0]
    known = f"The gain pays for certain ({listed(pays)}). " if pays else ""
    short = [d for d in DEPTHS if leads[d].low <= needed[d]]
    asked = {
        d: f"the {needed[d]:g} decades asked for with {d} layers are reached"
        if needed[d]
        else f"the gain pays with {d} layers"
        for d in short
    }
    told = f"{known}Whether {listed([*asked.values()])} is open"
    failed = {d: int((table.values(LOSS, named(GAIN, d)) > LEARNS_NOTHING).sum()) for d in short}
    of = len(table.values(LOSS, named(GAIN, DEPTHS[0])))
    each = [f"{count} of {of} runs with {d} layers" for d, count in failed.items() if count]
    return told + (f": {listed(each)} learn nothing." if each else ".")


CLAIM = Claim(
    title="Deep SiLU networks need the gain of SiLU",
    statement=(
        "With weights scaled by the activation's own gain, found by quadrature, deep SiLU networks "
        "fit far better than from PyTorch's default, each at its best rate."
    ),
    source="AnyInit's documentation, experiment on depth",
    experiment=(
        "SiLU networks of 10 and 30 layers of 64 units learn sin 3x cos 3y from 960 points with "
        "Adam, 960 steps (120 if quick); three schemes, each at its own best of six rates or more "
        "(five if quick), fresh seeds, test rows."
    ),
    criterion=(
        "Supported if the gain's test loss is lower than the default's by more than half a decade "
        "at 30 layers and by any certain amount at 10 (limits of the intervals); depends if at one "
        "depth, and at the other it is less than that (than a tenth of a decade at 10); refuted if "
        "at neither."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(
        pictures=tuple(
            Strips(
                quantity=DECADES,
                label="log10 of the test loss in variances of the target",
                arms=tuple(named(arm, depth) for arm in SCHEMES),
                suffix=named("", depth),
            )
            for depth in DEPTHS
        ),
        titles=tuple(f"{depth} layers" for depth in DEPTHS),
    ),
    section="papers",
)
