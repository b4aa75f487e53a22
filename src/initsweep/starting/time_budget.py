"""What to train in the time there is: from the profile to epochs, grid, seeds and schemes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from initsweep.core.params import Params, Tune
from initsweep.core.records import Schema
from initsweep.stages.tuning import REFINEMENT_BATCH
from initsweep.statistics import racing
from initsweep.statistics.looks import STAYING, sizes

FEWEST_FRESH_SEEDS = 9
"""Below that no winner is ever named (`docs/statistics.md`)."""

MOST_FRESH_SEEDS = 59
"""Of that many runs, a failure that happens in 5 % of them is missed in 5 %."""

FIRST_FRESH_SEED = 100
USEFUL_STEPS = 1000
"""Steps of one training that the default number of epochs aims at."""

FEW_STEPS = 100
"""With fewer, networks are compared while the loss still falls from where it began."""

CORE = (
    "random_normal_small",
    "xavier_uniform",
    "xavier_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "orthogonal",
    "torch_default",
)
FEW = ("xavier_normal", "he_normal", "lecun_normal", "orthogonal", "torch_default")
FEWEST = ("xavier_normal", "he_normal", "torch_default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much is trained.

    Attributes:
        schemes: What is compared; empty for all that params.yaml has.
        epochs: Of every training.
        points: Rates of the grid, over four decades.
        refinement: Rates tried after the grid.
        tuning_seeds: Trainings per rate.
        fresh_seeds: Trainings of the final comparison, per scheme.
        most_seeds: The same of a scheme that may still be recommended after those.
    """

    schemes: tuple[str, ...]
    epochs: int
    points: int
    refinement: int
    tuning_seeds: int
    fresh_seeds: int
    most_seeds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Trainings that start together.

    Attributes:
        lanes: How many trainings.
        count: How many such batches; expected, so it may be a fraction.
    """

    lanes: int
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a study will train; expected, because grids grow where the best rate is on their edge.

    Attributes:
        schemes: How many schemes.
        steps: Of one training.
        batches: What is trained, of all schemes together.
        judged: How many trained networks are judged on the rows held out.
    """

    schemes: int
    steps: int
    batches: tuple[Batch, ...]
    judged: int

    @property
    def trainings(self) -> float:
        """How many trainings there are."""
        return sum(batch.lanes * batch.count for batch in self.batches)


def batch_size(train_rows: int) -> int:
    """Return a usual batch size for so many training rows."""
    if train_rows < 2_000:
        return max(1, min(32, train_rows))
    return 128 if train_rows < 50_000 else 256


def steps_per_epoch(train_rows: int, batch: int) -> int:
    """Return how many batches an epoch has; the engine leaves out an incomplete one."""
    return max(1, train_rows // batch)


def budgets(train_rows: int) -> Iterator[Budget]:
    """Yield budgets for so many training rows, the most thorough one first.

    The second is the usual one. None has fewer than nine fresh seeds.

    Yields:
        Budgets.
    """
    steps = steps_per_epoch(train_rows, batch_size(train_rows))
    epochs = min(100, max(5, math.ceil(USEFUL_STEPS / steps)))
    whole = Budget(
        schemes=(), epochs=epochs, points=9, refinement=8, tuning_seeds=5, fresh_seeds=10,
        most_seeds=MOST_FRESH_SEEDS,
    )  # fmt: skip
    core = replace(whole, schemes=CORE)
    short = replace(whole, schemes=FEW, points=7, refinement=4, tuning_seeds=3, most_seeds=0)
    least = replace(short, schemes=FEWEST, points=5, refinement=0, tuning_seeds=2, fresh_seeds=9)
    yield replace(whole, fresh_seeds=20)
    yield whole
    yield core
    yield replace(core, most_seeds=0)
    yield replace(core, points=7, refinement=4, tuning_seeds=3, most_seeds=0)
    yield short
    yield replace(short, epochs=max(1, epochs // 2))
    yield replace(short, epochs=max(1, epochs // 4), fresh_seeds=9)
    for divisor in (4, 8, 16, 32):
        yield replace(least, epochs=max(1, epochs // divisor))


def usual(train_rows: int) -> Budget:
    """Return the budget that is taken where there is time enough."""
    return list(budgets(train_rows))[1]


def choose(
    train_rows: int, minutes: float, seconds: Callable[[Budget], float], *, thorough: bool
) -> Budget:
    """Return the most thorough budget that fits, or the smallest one if none does.

    Args:
        train_rows: Rows to train on.
        minutes: The time there is.
        seconds: Estimates how long a budget takes.
        thorough: Whether more than the usual may be done with time that is left.
    """
    candidates = list(budgets(train_rows))[0 if thorough else 1 :]
    for budget in candidates:
        if seconds(budget) <= 60 * minutes:
            return budget
    return candidates[-1]


def work_of(params: Params, schema: Schema) -> Work:
    """Return what the study of these parameters will train.

    Every second grid is expected to grow by a decade: of the default study's schemes, about half
    find their best rate on the edge of the first grid, and grow once. Fresh seeds are expected to
    be trained at two rates, because loss and score mostly choose different ones, and half of the
    schemes to get all blocks of more.
    """
    schemes, fresh = len(params.schemes), len(params.confirm.seeds)
    each = schemes * (params.tune.retunes + 1)
    blocks = len(sizes(fresh, params.decide.most_seeds)) - 1
    more = len(params.more_seeds)
    steps = steps_per_epoch(schema.rows["train"], params.training.batch_size)
    return Work(
        schemes=schemes,
        steps=steps * params.training.epochs,
        batches=(
            *(replace(one, count=each * one.count) for one in _tuning(params.tune)),
            Batch(lanes=fresh, count=each + schemes),
            Batch(lanes=round(more / max(1, blocks)), count=STAYING * schemes * blocks),
        ),
        judged=round(schemes * (2 * fresh + STAYING * more)),
    )


def _tuning(tune: Tune) -> tuple[Batch, ...]:
    """Return what one tuning of one scheme is expected to train; a race starts seed by seed."""
    decade = max(1, round(1 / tune.grid.spacing))
    grown, seeds = 0.5 * min(1, tune.extension_rounds), len(tune.seeds)
    if tune.strategy == "racing":
        rungs = [(racing.rungs(tune, tune.grid.points), 1.0), (racing.rungs(tune, decade), grown)]
        return (
            *(Batch(lanes=lanes, count=count) for rung, count in rungs for lanes in rung),
            Batch(lanes=1, count=racing.refinements(tune) * seeds),
        )
    whole, rest = divmod(tune.refinement_trials, REFINEMENT_BATCH)
    return (
        Batch(lanes=tune.grid.points * seeds, count=1),
        Batch(lanes=decade * seeds, count=grown),
        Batch(lanes=REFINEMENT_BATCH * seeds, count=whole),
        Batch(lanes=rest * seeds, count=min(1, rest)),
    )


def planned(params: Params, budget: Budget) -> Params:
    """Return the parameters with a budget."""
    tune = {
        "grid": params.tune.grid.model_copy(update={"points": budget.points}),
        "seeds": tuple(range(budget.tuning_seeds)),
        "refinement_trials": budget.refinement,
    }
    fresh = tuple(range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + budget.fresh_seeds))
    return params.model_copy(
        update={
            "schemes": budget.schemes or params.schemes,
            "training": params.training.model_copy(update={"epochs": budget.epochs}),
            "tune": params.tune.model_copy(update=tune),
            "confirm": params.confirm.model_copy(update={"seeds": fresh}),
            "decide": params.decide.model_copy(update={"most_seeds": budget.most_seeds}),
        }
    )
