"""In how many directions do the features of a trained network vary, from good weights and bad?"""

from dataclasses import replace

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.contest import beyond, common_difference, respond, seen
from initclaims.laboratory.good_and_bad import BAD, FACTORS, GOOD, NETWORKS, RATES, SCHEMES, WIDTH
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import FRESH_SEED, Lab, Setup
from initclaims.laboratory.pictures import Beside, Strips
from initclaims.laboratory.signals import snapshot
from initclaims.laboratory.table import Measurement, Table
from initclaims.laboratory.wording import factors
from initsweep.probes.measures.rank import activation_rank

MARGIN = 1.0
BEFORE, AFTER = "effective rank, untrained", "effective rank, trained"


def measure(lab: Lab) -> list[Measurement]:
    """Take the effective rank of the last hidden layer before and after training."""
    rows = []
    for network, depth in NETWORKS.items():
        setup = Setup(data=lab.data(), network=lab.mlp(depth, WIDTH), epochs=lab.pick(60, 20))
        # By the training loss: where weights are large, the test loss of networks that are sure of
        # their errors is above guessing at every rate and does not tell rates apart.
        training = replace(setup, data=seen(setup.data))
        for name, scheme in SCHEMES.items():
            rate = respond(lab, training, scheme, RATES, seeds=lab.pick(4, 2)).best_rate
            seeds = range(FRESH_SEED, FRESH_SEED + lab.pick(30, 8))
            runs = lab.train(setup, scheme, [rate], seeds, split="test", keep_states=True)
            for seed, state in runs.kept(rate):
                for quantity, weights in ((BEFORE, None), (AFTER, state)):
                    shown = snapshot(lab, setup, scheme, seed, state=weights)
                    value = activation_rank(shown.layers[depth - 1])
                    rows.append(Measurement.of(f"{network}, {name}", quantity, value, seed=seed))
    return rows


def judge(table: Table) -> Judgement:
    """He's features have to vary in one direction more than those of each bad scheme."""
    gains = {
        (n, bad): common_difference(table, AFTER, f"{n}, {GOOD}", f"{n}, {bad}")
        for n in NETWORKS
        for bad in BAD
    }
    parts = {key: None if gain is None else beyond(gain, MARGIN) for key, gain in gains.items()}
    told = {
        (n, when): table.mean(when, f"{n}, {GOOD}").estimate
        for n in NETWORKS
        for when in (BEFORE, AFTER)
    }
    return judged(
        [*parts.values()],
        {
            **{
                f"{n}: He's rank minus that of {bad}, trained": gain
                for (n, bad), gain in gains.items()
            },
            **{
                f"{arm}: {when}": table.mean(when, arm)
                for when in (BEFORE, AFTER)
                for arm in table.arms(when)
            },
        },
        (
            "Training changes He's rank "
            + " and ".join(
                f"from {told[n, BEFORE]:.1f} to {told[n, AFTER]:.1f} with {n}" for n in NETWORKS
            )
            + "; trained, "
            + " and ".join(f"{bad} have {rank_of(table, bad)}" for bad in BAD)
            + ". With zero biases the scale of the weights does not change the rank of the start, "
            "so any difference comes from training. A rank counts directions, not whether they "
            "are of use: features that stay near their random start vary in many."
        ),
        on=factors(parts, FACTORS),
    )


def rank_of(table: Table, name: str) -> str:
    """Return the mean rank after training in each network, in words."""
    return ", ".join(f"{table.mean(AFTER, f'{n}, {name}').estimate:.1f} ({n})" for n in NETWORKS)


CLAIM = Claim(
    title="Good initialization gives richer features",
    statement=(
        "Networks from a good initialization end with more expressive features, which vary in more "
        "directions."
    ),
    source="Chapter, answers 1 and 2",
    experiment=(
        "ReLU networks of 3 and 6 layers of 64 units on digits from He and from He's weights "
        "divided and multiplied by 3, each at the rate with the lowest training loss; effective "
        "rank of the last hidden layer's activations on 256 training rows, before and after 60 "
        "epochs."
    ),
    criterion=(
        "Supported if He's effective rank after training exceeds that of both bad scales by more "
        "than 1 in both networks (limits of the intervals), refuted if in none of the four cases, "
        "depends if in some."
    ),
    measure=measure,
    judge=judge,
    picture=Beside(pictures=(Strips(quantity=BEFORE), Strips(quantity=AFTER))),
    section="chapter",
)
