"""Made-up studies whose truth is known, compared by what the compare stage calls."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from initsweep.core.params import Decide
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Confirmation, CurveRow, Provenance, RunRow, Schema, Selection
from initsweep.statistics.evidence import Evidence, check_evidence
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.selection import unsettled
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.verdict import Comparison, compare

Array = NDArray[np.float64]
CAP = 1.0
RATES = (0.001, 0.00316227766, 0.01, 0.0316227766, 0.1)
VALLEY = (0.32, 0.12, 0.0, 0.08, 0.30)  # loss above the best rate's
BASE = 0.3
SPREAD = 0.02
DECIDE = Decide(margin=0.001, basin_tolerance=0.1, trainable_skill=0.05, alpha=0.05, most_seeds=0)
PROVENANCE = Provenance(params_sha="p", data_sha="d", code_sha="c", versions={"numpy": "2"})
SCHEMA = Schema(
    source="made_up", reference="", task="classification", loss_name="cross_entropy",
    score_name="accuracy", n_features=1, n_outputs=2, rows={"test": 1000}, feature_names=[],
    class_names=[], feature_mean=[], feature_scale=[], target_mean=0.0, target_scale=1.0,
    class_counts=[], class_weights=[], select_by="loss", constant_validation_score=0.1,
    constant_test_score=0.1, constant_validation_loss=CAP, constant_test_loss=CAP, data_sha="d",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Law:
    """How runs of one scheme at one rate differ between seeds: mean 0, unit SPREAD or `capped`.

    Attributes:
        narrow: By what the spread is divided.
    """

    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    capped: float = 0.0
    narrow: float = 1.0

    @property
    def difference_spread(self) -> float:
        """Standard deviation of the difference of two independent runs."""
        return SPREAD * math.sqrt(2)


def _lognormal(sigma: float) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    mean = math.exp(sigma**2 / 2)
    spread = mean * math.sqrt(math.exp(sigma**2) - 1)
    return lambda stream, size: (np.exp(sigma * stream.normal(size=size)) - mean) / spread


def _normal(stream: np.random.Generator, size: tuple[int, ...]) -> Array:
    return stream.normal(size=size)


LAWS = {
    "normal": Law(draw=_normal),
    "skewed": Law(draw=_lognormal(0.5)),
    "strongly skewed": Law(draw=_lognormal(1.0)),
    "heavy tails": Law(draw=lambda stream, size: stream.standard_t(3, size) / math.sqrt(3)),
    "some capped": Law(draw=_normal, capped=0.3),
    "few capped": Law(draw=_normal, capped=0.05),
}
NARROW = Law(draw=_normal, narrow=10.0)
FEW_CAPPED_SHIFT = -0.05 / 0.95 * (CAP - BASE)
"""How much lower the runs that are not capped must be, for the mean to be that of no failures."""


def stream_of(address: tuple[str | int, ...]) -> np.random.Generator:
    """Return the random stream of one measurement."""
    return numpy_stream("calibration", *address)


def law_samples(law: str, seeds: int, repetitions: int) -> tuple[Array, Array, float]:
    """Return two sets of samples of one law, shape (repetitions, seeds), and their true mean."""
    stream, chosen = stream_of(("samples", law, seeds)), LAWS[law]
    one, other = (_losses(stream, chosen, BASE, (repetitions, seeds)) for _ in range(2))
    return one, other, chosen.capped * CAP + (1 - chosen.capped) * BASE


def _losses(stream: np.random.Generator, law: Law, mean: float, size: tuple[int, ...]) -> Array:
    losses = mean + SPREAD / law.narrow * law.draw(stream, size)
    return np.where(stream.random(size) < law.capped, CAP, losses)


def true_response(shifts: Sequence[float]) -> dict[str, float]:
    """Return what a study of these shifts would find about its second scheme with endless seeds.

    For laws without capped runs.
    """
    means = [BASE + shift + np.array(VALLEY) for shift in shifts]
    best, own = min(mean.min() for mean in means), means[1]
    decades = np.log10(RATES)

    def width(threshold: float) -> float:
        # One valley, the lines between its rates cross a threshold once on either side.
        lowest = int(own.argmin())
        low = np.interp(-threshold, -own[: lowest + 1], decades[: lowest + 1])
        return float(np.interp(threshold, own[lowest:], decades[lowest:]) - low)

    ranked = np.sort(own)
    budgets = {
        f"budget {n}": sum(
            ranked[j] * math.comb(len(own) - 1 - j, n - 1) / math.comb(len(own), n)
            for j in range(len(own))
        )
        for n in (1, 3, 5)
    }
    return {
        "basin_width": width(own.min() + CAP * DECIDE.basin_tolerance),
        "global_basin_width": width(best + CAP * DECIDE.basin_tolerance),
        "regret": float(own.mean() - best),
        "tuned_gap": float(own.min() - best),
        "sensitivity": float(own.mean() - own.min()),
        "wortsman_sensitivity": float(own.mean() - own.min()),
        "area_under_curve": (CAP + BASE + shifts[1]) / 2,
        **budgets,
    }


def draw_study(
    address: tuple[str | int, ...],
    laws: Law | Sequence[Law],
    shifts: Sequence[float | None],
    seeds: int,
    tuning_seeds: int = 5,
    most: int = 0,
) -> Comparison:
    """Draw a study and compare its schemes, which are called s0, s1 and so on.

    Args:
        address: Names the random stream.
        laws: How runs differ between seeds, for all schemes or for each.
        shifts: How much higher each scheme's losses are; None for one that never trains.
        seeds: Fresh seeds.
        tuning_seeds: Tuning seeds.
        most: Fresh seeds of schemes that may still be recommended, given in blocks.

    Returns:
        What the compare stage would write.
    """
    stream = stream_of((*address, seeds))
    each = [laws] * len(shifts) if isinstance(laws, Law) else laws
    evidence = [
        _evidence(f"s{index}", stream, law, shift, max(seeds, most), tuning_seeds)
        for index, (law, shift) in enumerate(zip(each, shifts, strict=True))
    ]
    decide = DECIDE.model_copy(update={"most_seeds": most})
    evidence = settled(evidence, seeds, Thresholds.of(SCHEMA, decide, seeds))
    first, more = range(100, 100 + seeds), range(100 + seeds, 100 + max(seeds, most))
    check_evidence(evidence, SCHEMA, first, more)
    return compare(evidence, SCHEMA, decide, PROVENANCE, seeds)


def settled(evidence: Sequence[Evidence], first: int, thresholds: Thresholds) -> list[Evidence]:
    """Return the schemes with as many of their fresh seeds as the settle stage would train."""
    counts = {one.scheme: first for one in evidence}

    def so_far() -> list[Evidence]:
        return [_with_seeds(one, counts[one.scheme]) for one in evidence]

    while block := unsettled(summarize(so_far(), thresholds), thresholds):
        counts |= {row.scheme: row.seeds for row in block}
    return so_far()


def _with_seeds(one: Evidence, count: int) -> Evidence:
    confirm = one.confirm[:count]
    seeds = [run.seed for run in confirm]
    return replace(
        one,
        confirm=confirm,
        confirmation=replace(one.confirmation, seeds=seeds),
        curves=[row for row in one.curves if row.seed in seeds],
    )


def _evidence(
    scheme: str,
    stream: np.random.Generator,
    law: Law,
    shift: float | None,
    seeds: int,
    tuning_seeds: int,
) -> Evidence:
    def losses(above: float, count: int) -> Array:
        if shift is None:
            return np.minimum(CAP, CAP + 1e-4 * stream.normal(size=count))
        return _losses(stream, law, BASE + shift + above, (count,))

    tuning = [losses(above, tuning_seeds) for above in VALLEY]
    best = RATES[int(np.argmin([loss.mean() for loss in tuning]))]
    # Losses of fresh runs come from the middle of the valley whichever rate was chosen: what is
    # asked here is how means are compared, and the truth must be known.
    validation, test = losses(0.0, seeds), losses(0.0, seeds)
    return evidence_of(scheme, best, dict(zip(RATES, tuning, strict=True)), validation, test)


def evidence_of(
    scheme: str,
    best: float,
    tuning: Mapping[float, Array],
    validation: Array,
    test: Array,
    grid: Sequence[float] = RATES,
) -> Evidence:
    """Return what a study hands over about a scheme with these losses.

    Args:
        scheme: Its name.
        best: The rate that it chose.
        tuning: Losses of the tuning runs by rate, shape (seeds,) each; CAP is that of a failed run.
        validation: Losses of the fresh runs, shape (seeds,).
        test: Their test losses.
        grid: The rates of the grid; others are refinement.
    """
    shared = {"scheme": scheme, "initializer": scheme, "options": {}, "learning_rate": best}
    fresh = range(100, 100 + len(validation))
    return Evidence(
        scheme=scheme,
        selection=Selection(
            **shared, other_learning_rate=best, mean_loss=0.0, grid=list(grid), censored="no",
            engine="torch", provenance=PROVENANCE,
        ),
        tuning=[
            _run(scheme, "grid" if rate in grid else "refinement", rate, seed, loss)
            for rate, row in tuning.items()
            for seed, loss in enumerate(row.tolist())
        ],
        confirmation=Confirmation(
            **shared, seeds=list(fresh), median_seed=100, engine="torch", provenance=PROVENANCE
        ),
        confirm=[
            _run(scheme, "confirm", best, seed, loss, held_out)
            for seed, loss, held_out in zip(fresh, validation.tolist(), test.tolist(), strict=True)
        ],
        curves=[
            _epoch(scheme, best, seed, epoch, value)
            for seed, loss in zip(fresh, validation.tolist(), strict=True)
            for epoch, value in enumerate((CAP, loss))
        ],
    )  # fmt: skip


def _run(
    scheme: str, kind: str, rate: float, seed: int, loss: float, test: float | None = None
) -> RunRow:
    capped = loss >= CAP
    return RunRow(
        scheme=scheme, kind=kind, trial=0, learning_rate=rate, seed=seed,
        status="diverged" if loss == CAP else "finished",
        diverged_at_step=1 if loss == CAP else None, initial_loss=CAP,
        train_loss=None if capped else loss, validation_loss=None if capped else loss,
        validation_score=None if capped else 1 - loss, capped_loss=min(loss, CAP), test_loss=test,
        test_score=None if test is None else 1 - min(test, CAP),
        capped_test_loss=None if test is None else min(test, CAP),
    )  # fmt: skip


def _epoch(scheme: str, rate: float, seed: int, epoch: int, loss: float) -> CurveRow:
    return CurveRow(
        scheme=scheme, kind="confirm", trial=0, learning_rate=rate, seed=seed, epoch=epoch,
        train_loss=loss if epoch else None, validation_loss=loss, validation_score=1 - loss,
    )  # fmt: skip
