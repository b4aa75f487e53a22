"""The best scheme and rate of a small network: are they the best of a wider or a deeper one?"""

from collections.abc import Mapping

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import TRAIN, best_arm, contest, seen, within
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Scheme, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import capital
from initsweep.core import numbers
from initsweep.core.records import Interval

MARGIN = 0.05
SMALL = (3, 32)
TARGETS = {"8 times wider": (3, 256), "5 times deeper": (15, 32)}
SCHEME_ONLY, WITH_RATE = "tuned again", "old rate"
REGRET, WINNER = "regret of the small network's winner, nats", "place of the winner"
SCHEMES = {
    "he_normal": Scheme.named("he_normal"),
    "xavier_normal": Scheme.named("xavier_normal"),
    "lecun_normal": Scheme.named("lecun_normal"),
    "orthogonal": Scheme.named("orthogonal", gain="auto"),
    "lsuv": Scheme.named("lsuv", batch_size=256),
    "torch_default": Scheme.named("torch_default"),
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)


def measure(lab: Lab) -> list[Measurement]:
    """Find the winner of the small network and what it costs to keep it in the larger ones."""
    seeds = lab.pick((5, 12), (2, 4))
    rows = compete(lab, SMALL, "small", seeds)
    found = Table(rows)
    winner = best_arm(found, [f"small: {name}" for name in SCHEMES])
    name, rate = winner.removeprefix("small: "), float(found.values("best rate", winner)[0])
    rows.append(Measurement.of(name, WINNER, [*SCHEMES].index(name), setting=rate))
    for target, shape in TARGETS.items():
        competed = compete(lab, shape, target, seeds)
        table = Table(competed)
        best = table.values(TRAIN, best_arm(table, [f"{target}: {other}" for other in SCHEMES]))
        kept = lab.train(
            setup(lab, shape), SCHEMES[name], [rate], range(FRESH_SEED, FRESH_SEED + seeds[1])
        )
        losses = {
            SCHEME_ONLY: table.values(TRAIN, f"{target}: {name}"),
            WITH_RATE: kept.final_losses[0],
        }
        rows += competed
        rows += [
            Measurement.of(f"{target}, {how}", REGRET, value, seed=i)
            for how, values in losses.items()
            for i, value in enumerate(values - best)
        ]
    return rows


def setup(lab: Lab, shape: tuple[int, int]) -> Setup:
    """Return a network of this depth and width on the training rows."""
    return Setup(data=seen(lab.data()), network=lab.mlp(*shape), epochs=lab.pick(20, 10))


def compete(
    lab: Lab, shape: tuple[int, int], where: str, seeds: tuple[int, int]
) -> list[Measurement]:
    """Tune all schemes on one network."""
    schemes = {f"{where}: {name}": scheme for name, scheme in SCHEMES.items()}
    told = setup(lab, shape)
    plain = Setup(data=lab.data(), network=told.network, epochs=told.epochs)
    return contest(lab, plain, schemes, seeds=seeds, rates=RATES, on_training_rows=True)


def judge(table: Table) -> Judgement:
    """Scheme and rate together have to lose less than the margin, in both directions."""
    regret = {arm: table.mean(REGRET, arm) for arm in table.arms(REGRET)}
    winner, rate = next((r.arm, r.setting) for r in table.rows if r.quantity == WINNER)
    rates = {
        target: float(table.values("best rate", f"{target}: {winner}")[0]) for target in TARGETS
    }
    return judged(
        [within(regret[f"{target}, {WITH_RATE}"], MARGIN) for target in TARGETS],
        {
            f"{arm}: regret, nats of training loss": interval
            for arm, interval in sorted(regret.items(), key=lambda item: -item[1].estimate)
        },
        (
            f"On the small network {winner} came first, at a rate of {rate:g}. Its own best rate "
            + " and ".join(
                f"is {numbers.rate(value)} in the network {t}" for t, value in rates.items()
            )
            + ". "
            + " ".join(f"{capital(t)}, {costs(regret, t)}." for t in TARGETS)
            + f" {close_race(table, winner)}Scheme and rate are two things: after a change of "
            "shape tune the rate again."
        ),
        on="whether width or depth changes",
        rates=table,
    )


def close_race(table: Table, winner: str) -> str:
    """Say whether the small network's winner is close to chance."""
    losses = {name: float(table.values(TRAIN, f"small: {name}").mean()) for name in SCHEMES}
    behind = max(losses.values()) - losses[winner]
    if behind >= MARGIN:
        return ""
    return (
        f"On the small network all {len(losses)} schemes end within {numbers.fixed(behind, 4)} "
        "nats of the winner, so that the first place is close to chance. "
    )


def costs(regret: Mapping[str, Interval], target: str) -> str:
    """Say what keeping the winner costs in one network, with its old rate and a new one."""
    costs = (regret[f"{target}, {how}"].estimate for how in (WITH_RATE, SCHEME_ONLY))
    kept, tuned = map(numbers.fixed, costs)
    return f"keeping both costs {kept} nats and keeping only the scheme {tuned}"


CLAIM = Claim(
    title="The winner transfers to other widths and depths",
    statement=(
        "An initialization that proved best on one network, with its learning rate, is robust to a "
        "change of the architecture's width and depth."
    ),
    source="Chapter, answer 9",
    experiment=(
        "Six schemes at their own best rates on a ReLU network of three layers of 32 units on "
        "digits, on one of three layers of 256 and on one of 15 layers of 32; 20 epochs, fresh "
        "seeds, training loss. Regret: loss of the small network's winner, with its rate of there "
        "or tuned again, minus loss of the best scheme of the larger network."
    ),
    criterion=(
        "Supported if the regret of keeping scheme and rate is below 0.05 nats for the wider and "
        "for the deeper network (limits of the intervals), refuted if above for both, depends if "
        "for one of them."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=REGRET, reference=(0.0, "the best")),
    section="chapter",
)
