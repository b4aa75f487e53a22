"""Schemes against another, each at its own best rate, on a grid that grows until it holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from initclaims.laboratory.claim import Answer, Effect
from initclaims.laboratory.data import Data
from initclaims.laboratory.lab import FRESH_SEED, TUNING_SEED, Lab, Scheme, Setup
from initclaims.laboratory.rates import learns, next_rate
from initclaims.laboratory.runs import By, Runs, Tuned
from initclaims.laboratory.table import Measurement, Table, exactly
from initsweep.core.records import Interval
from initsweep.statistics.intervals import mean_interval

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Half-decade steps in which SGD with momentum finds the best rate of most networks here."""
TRAIN = "training loss"
LOSS, SCORE, CHOSEN, EDGE = "test loss", "test score", "validation loss", "best rate at the edge"
CHOSEN_SCORE = "validation score"
NOTHING, FROM, TO = "learned at no rate", "lowest rate tried", "highest rate tried"
MOST_STEPS = 6
FEWEST = 5
Seeds = tuple[int, int]


def contest(
    lab: Lab,
    setup: Setup,
    schemes: Mapping[str, str | Scheme],
    *,
    seeds: Seeds,
    rates: Sequence[float] = RATES,
    setting: float = 0.0,
    on_training_rows: bool = False,
    by: By = "loss",
) -> list[Measurement]:
    """Give every scheme its own best rate and test it on fresh seeds.

    Args:
        lab: The bench.
        setup: Network and data.
        schemes: By arm.
        seeds: How many to tune on and how many to test on.
        rates: Where the search begins; see `tune`.
        setting: Where along the horizontal axis this contest stands.
        on_training_rows: Whether to choose rates by the loss on the training rows and to report
            that one. Deep networks without regularization fit digits long before their test loss
            stops rising, so where the question is what trains, the test loss would punish the
            scheme that does.
        by: Whether rates are chosen by loss or by score.

    Returns:
        For each arm the test loss and score of the fresh seeds, the mean validation loss or score
        by which the rate was chosen, the rate, whether it lies at the edge all the same, which
        rates were tried, and whether nothing was learned at any.
    """
    rows = []
    if on_training_rows:
        setup = replace(setup, data=seen(setup.data))
    for arm, scheme in schemes.items():
        rows += measured(tune(lab, setup, scheme, rates, seeds=seeds, by=by), arm, setting)
    if on_training_rows:
        names = {LOSS: TRAIN, SCORE: "training score"}
        rows = [replace(row, quantity=names.get(row.quantity, row.quantity)) for row in rows]
    return rows


def seen(data: Data) -> Data:
    """Return data whose validation and test rows are the training rows."""
    return replace(
        data,
        name=f"{data.name}, training rows",
        splits=dict.fromkeys(data.splits, data.train),
        constant_loss=dict.fromkeys(data.constant_loss, data.constant_loss["train"]),
    )


def tune(
    lab: Lab,
    setup: Setup,
    scheme: str | Scheme,
    rates: Sequence[float] = RATES,
    *,
    seeds: Seeds,
    by: By = "loss",
) -> Tuned:
    """Return a scheme at its best rate; the grid grows until it holds that rate.

    It grows by half-decade steps, six at most, as `next_rate` says.
    """
    response = respond(lab, setup, scheme, rates, seeds=seeds[0], by=by)
    fresh = range(FRESH_SEED, FRESH_SEED + seeds[1])
    runs = lab.train(setup, scheme, [response.best(by)], fresh, split="test")
    return Tuned(response=response, fresh=runs, by=by)


def respond(
    lab: Lab,
    setup: Setup,
    scheme: str | Scheme,
    rates: Sequence[float] = RATES,
    *,
    seeds: int,
    by: By = "loss",
) -> Runs:
    """Return the runs of a scheme on the tuning seeds, on a grid grown as `tune` says."""
    tuning = range(TUNING_SEED, TUNING_SEED + seeds)
    response = lab.train(setup, scheme, rates, tuning)
    for _ in range(MOST_STEPS):
        beyond = next_rate(response, by)
        if beyond is None:
            break
        response = response.joined(lab.train(setup, scheme, [beyond], tuning))
    return response


def measured(tuned: Tuned, arm: str, setting: float = 0.0) -> list[Measurement]:
    """Return what `contest` tells of one arm."""
    response, fresh, place = tuned.response, tuned.fresh, tuned.response.at(tuned.rate)
    learned = learns(response, tuned.by)
    single = {
        "best rate": tuned.rate,
        CHOSEN: float(response.final_losses[place].mean()),
        EDGE: float(learned and next_rate(response, tuned.by) is not None),
        FROM: min(response.rates),
        TO: max(response.rates),
        NOTHING: float(not learned),
    }
    if tuned.by == "score":
        single[CHOSEN_SCORE] = float(response.final_scores[place].mean())
    columns = {LOSS: tuned.test_losses, SCORE: tuned.test_scores}
    rows = [
        (name, seed, v)
        for name, vs in columns.items()
        for seed, v in zip(fresh.seeds, vs, strict=True)
    ]
    rows += [(name, 0, value) for name, value in single.items()]
    return [
        Measurement.of(arm, name, value, seed=seed, setting=setting) for name, seed, value in rows
    ]


def best_arm(
    table: Table, arms: Sequence[str], setting: float | None = None, by: By = "loss"
) -> str:
    """Return the arm that is best on the validation rows, without a look at the test rows."""
    if by == "score":
        return max(arms, key=lambda arm: float(table.values(CHOSEN_SCORE, arm, setting)[0]))
    return min(arms, key=lambda arm: float(table.values(CHOSEN, arm, setting)[0]))


def common_difference(table: Table, quantity: str, arm: str, other: str) -> Interval | None:
    """Return the mean of `arm` minus `other` over the seeds that both have, None if few.

    For quantities that a diverged run does not have; fewer than five seeds say nothing.
    """
    first, second = (
        {row.seed: row.value for row in table.rows if (row.arm, row.quantity) == (name, quantity)}
        for name in (arm, other)
    )
    paired = [first[seed] - second[seed] for seed in first if seed in second]
    return mean_interval(paired) if len(paired) >= FEWEST else None


def beyond(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference exceeds a margin, None where its interval holds the margin."""
    if difference.low > margin:
        return True
    return False if difference.high < margin else None


def within(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference stays below a margin, None where its interval holds it."""
    exceeds = beyond(difference, margin)
    return None if exceeds is None else not exceeds


def close(difference: Interval, margin: float) -> bool | None:
    """Return whether a difference lies within a margin either way, None where that is open."""
    if difference.low > -margin and difference.high < margin:
        return True
    return False if difference.low > margin or difference.high < -margin else None


def all_of(parts: Sequence[bool | None]) -> bool | None:
    """Return whether all parts hold: False if one does not, None if that is open."""
    if False in parts:
        return False
    return None if None in parts else True


def verdict(parts: Sequence[bool | None]) -> Answer:
    """Return what several comparisons say together.

    Supported or refuted if all agree, depends if one holds and another does not, and otherwise,
    with at least one open and none against the rest, we cannot tell.
    """
    if all(part is True for part in parts):
        return "supported"
    if all(part is False for part in parts):
        return "refuted"
    return "depends" if True in parts and False in parts else "cannot tell"


def edges(table: Table) -> list[Effect]:
    """Return what there is to know of the rates, nothing where every best rate was found.

    How many best rates lie at the edge of their grid, and which arms learned at no rate.
    """
    found = sum(row.value for row in table.rows if row.quantity == EDGE)
    name = "best rates at the edge of the grid (these could be better still)"
    effects = [Effect(name=name, value=exactly(found))] if found else []
    for row in table.rows:
        if row.quantity == NOTHING and row.value:
            low, high, loss = (
                float(table.values(quantity, row.arm, row.setting)[0])
                for quantity in (FROM, TO, CHOSEN)
            )
            at = f", {row.setting:g}" if len(table.settings(NOTHING, row.arm)) > 1 else ""
            name = f"{row.arm}{at}: learned at no rate tried ({low:g} to {high:g}); its best loss"
            effects.append(Effect(name=name, value=exactly(loss)))
    return effects
