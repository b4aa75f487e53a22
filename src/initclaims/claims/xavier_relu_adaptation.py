"""Xavier with a gain of √2 for ReLU: as good as He, and better than Xavier as it was?"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from torch import nn

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, all_of, beyond, contest, verdict, within
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initsweep.core.numbers import fixed
from initsweep.core.records import Interval

MARGIN, DEPTH = 0.05, 20
WIDTHS = {"64 wide": (64, 64), "32/96 wide": (32, 96)}
PLAIN, ADAPTED, HE = "Xavier", "Xavier, gain √2", "He"
SCHEMES = {
    PLAIN: Scheme.named("xavier_normal"),
    ADAPTED: Scheme.named("xavier_normal", gain=2**0.5),
    HE: Scheme.named("he_normal"),
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Tune and test the three schemes on layers of one width and of two."""
    data, rows = lab.data(), []
    for where, widths in WIDTHS.items():
        network = layers(data.n_features, widths, data.n_outputs)
        setup = Setup(data=data, network=network, epochs=lab.pick(100, 20))
        schemes = {f"{scheme}, {where}": weights for scheme, weights in SCHEMES.items()}
        rows += contest(
            lab, setup, schemes, seeds=lab.pick((4, 30), (2, 5)), rates=RATES, on_training_rows=True
        )
    return rows


def layers(n_features: int, widths: tuple[int, int], n_outputs: int) -> Callable[[], nn.Module]:
    """Return what builds a ReLU network whose layers take these widths in turn."""
    sizes = [n_features, *(widths * (DEPTH // 2))]

    def build() -> nn.Module:
        hidden = [m for pair in pairwise(sizes) for m in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(*hidden, nn.Linear(sizes[-1], n_outputs))

    return build


def judge(table: Table) -> Judgement:
    """The gain has to help, and to leave nothing more to gain from He."""
    effects, parts, found = {}, [], {}
    for where in WIDTHS:
        behind = table.difference(TRAIN, f"{ADAPTED}, {where}", f"{HE}, {where}")
        gain = table.difference(TRAIN, f"{PLAIN}, {where}", f"{ADAPTED}, {where}")
        effects[f"{where}: gain of √2 behind He, training loss, nats"] = behind
        effects[f"{where}: gained over plain Xavier, nats"] = gain
        parts.append(all_of([beyond(gain, MARGIN), within(behind, MARGIN)]))
        found[where] = behind
    answer = verdict(parts)
    return judged(
        answer,
        effects,
        READINGS[answer] + outliers(table, found),
        on="the widths of the layers",
        rates=table,
    )


def outliers(table: Table, found: dict[str, Interval]) -> str:
    """Say where a difference from He is that of a single run."""
    told = ""
    for where, behind in found.items():
        gaps = table.values(TRAIN, f"{ADAPTED}, {where}") - table.values(TRAIN, f"{HE}, {where}")
        rest = np.delete(gaps, np.abs(gaps).argmax())
        if abs(behind.estimate) > FAR and abs(rest.mean()) < abs(behind.estimate) / 10:
            told += (
                f" In the network {where} the difference from He of {fixed(behind.estimate, 3)} "
                f"nats is that of one run; without it, it is {fixed(rest.mean(), 3)}."
            )
    return told


FAR = 0.01  # nats
_SAME = (
    "Where all layers are 64 wide, √2 times Xavier is He in every layer but the last, so that "
    "they can hardly differ; where widths change, it takes the mean of a layer's two. "
)
READINGS = {
    "supported": _SAME + "Either way the factor of two in the variance is what counts.",
    "depends": _SAME + "It is as good as He in one of the two networks, and not in the other.",
    "refuted": _SAME + "It either gains nothing over plain Xavier or stays behind He.",
    "cannot tell": _SAME + "The intervals do not settle whether it is as good as He.",
}

CLAIM = Claim(
    title="Xavier with a gain of √2 suits ReLU",
    statement=(
        "Xavier initialization is adapted to ReLU by a gain of √2, which makes it better than "
        "plain Xavier and as good as He."
    ),
    source="Chapter, answer 6",
    experiment=(
        "ReLU networks of 20 layers on digits, all 64 wide, or 32 and 96 wide in turn, from Xavier "
        "with and without the gain and from He, each at its own best rate, fresh seeds, training "
        "rows."
    ),
    criterion=(
        "Holds in a network if the gain takes more than 0.05 nats off plain Xavier's training loss "
        "and leaves it less than 0.05 behind He (limits of the intervals). Supported if in both "
        "networks, depends if in one, refuted if in neither."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=TRAIN, label="training loss, nats"),
    section="chapter",
)
