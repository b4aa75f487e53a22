"""Is it enough to take the scheme that theory names, or does one have to measure?"""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, best_arm, contest, within
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import estimate, listed
from initsweep.core.records import Interval, ModelOption
from initsweep.statistics.intervals import mean_interval

MARGIN, WIDTH = 0.05, 64
REGRET = "regret of theory's pick, nats"
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "lecun_normal": Scheme.named("lecun_normal"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "lsuv": Scheme.named("lsuv", batch_size=256),
    "torch_default": Scheme.named("torch_default"),
}
NETWORKS: dict[str, tuple[str, int, dict[str, ModelOption]]] = {
    "relu-3": ("he_normal", 3, {}),
    "relu-20": ("he_normal", 20, {}),
    "relu-10 + skip": ("he_normal", 10, {"residual": True}),
    "relu-10 + norm": ("he_normal", 10, {"norm": "layer"}),
    "tanh-3": ("xavier_normal", 3, {"activation": "tanh"}),
    "tanh-20": ("xavier_normal", 20, {"activation": "tanh"}),
    "selu-20": ("lecun_normal", 20, {"activation": "selu"}),
}
SMALLER = ("xavier_normal", "lecun_normal", "torch_default")
"""Schemes whose weights are smaller than He's."""
RATES = (0.003, 0.01, 0.03, 0.1)


def measure(lab: Lab) -> list[Measurement]:
    """Tune six schemes on seven networks; the regret is paired by seed."""
    rows = []
    for network, (pick, depth, options) in NETWORKS.items():
        setup = Setup(
            data=lab.data(), network=lab.mlp(depth, WIDTH, **options), epochs=lab.pick(30, 8)
        )
        arms = {f"{network}: {name}": scheme for name, scheme in SCHEMES.items()}
        seeds = lab.pick((3, 12), (1, 4))
        found = contest(lab, setup, arms, seeds=seeds, rates=RATES, on_training_rows=True)
        rows += [*found, *regrets(Table(found), network, pick, list(arms))]
    return rows


def regrets(table: Table, network: str, pick: str, arms: list[str]) -> list[Measurement]:
    """Return theory's loss minus that of the scheme that came first on the tuning seeds."""
    best = best_arm(table, arms)
    values = table.values(TRAIN, f"{network}: {pick}") - table.values(TRAIN, best)
    name = best.removeprefix(f"{network}: ")
    return [Measurement.of(f"{network}, {name}", REGRET, v, seed=i) for i, v in enumerate(values)]


def judge(table: Table) -> Judgement:
    """The regret has to stay below the margin for every network."""
    arms = table.arms(REGRET)
    regret = {arm: table.mean(REGRET, arm) for arm in arms}
    parts = {arm: within(interval, MARGIN) for arm, interval in regret.items()}
    mean = mean_interval([table.values(REGRET, arm).mean() for arm in arms])
    worst = sorted(arms, key=lambda arm: (parts[arm] is not False, -regret[arm].estimate))
    return judged(
        list(parts.values()),
        {
            **{f"{arm}: {REGRET}": regret[arm] for arm in worst},
            f"mean over {len(arms)} networks: {REGRET}": mean,
        },
        reading(regret, parts),
        on="the network",
        rates=table,
    )


def reading(regret: dict[str, Interval], parts: dict[str, bool | None]) -> str:
    """Say where theory's pick is behind, behind what, and why."""
    wrong, still_open = ([arm for arm in parts if parts[arm] is part] for part in (False, None))
    told = (
        f"Theory's pick costs more than {MARGIN} nats for certain in {len(wrong) or 'none'} of "
        f"{len(parts)} networks"
    )
    if wrong:
        each = [f"{network}, where {best} is best" for network, best in map(named, wrong)]
        told += ": " + "; ".join(each)
    told += ". "
    if any("skip" in network and best in SMALLER for network, best in map(named, wrong)):
        told += (
            "Skip connections add signals up, so that smaller weights than He's do better there; "
            "a pick by the activation alone does not see that. "
        )
    if still_open:
        each = [f"{named(arm)[0]} ({estimate(regret[arm], 3)})" for arm in still_open]
        told += f"Open: {listed(each)}. "
    return told + "Where several schemes tie, the name of the best one is chance."


def named(arm: str) -> tuple[str, str]:
    """Return the network and the best scheme of an arm of the regret."""
    network, best = arm.rsplit(", ", 1)
    return network, best


CLAIM = Claim(
    title="The scheme that theory names is the best one",
    statement=(
        "One can trust theory's choice of initialization (He for ReLU, Xavier for tanh, LeCun for "
        "SELU) and need not compare schemes by experiment."
    ),
    source="Chapter, answer 9, which advises to test",
    experiment=(
        "Seven networks on digits (3, 10 and 20 layers of 64 units; plain, with skip connections, "
        "with layer norm; ReLU, tanh, SELU), six schemes each at its own best rate, 30 epochs, "
        "fresh seeds, training loss. Theory's pick goes by the activation alone, as the chapter "
        "does. Regret: its loss minus that of the scheme that was best on other seeds; the picture "
        "names that one."
    ),
    criterion=(
        "Supported if the regret is below 0.05 nats in every network (limits of the intervals), "
        "refuted if above in every one, depends if above in some and below in others; otherwise we "
        "cannot tell."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(
        quantity=REGRET,
        label="regret of theory's pick against the scheme named, nats",
        reference=(0.0, "no regret"),
    ),
    section="chapter",
)
