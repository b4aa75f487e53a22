"""The verdict on losses that somebody measured elsewhere, by the rules of a study."""

import math
import numbers
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from initsweep.core.errors import ParamsError, shown
from initsweep.core.numbers import loss
from initsweep.core.params import Decide
from initsweep.core.records import Interval, Outcome
from initsweep.statistics.comparison import (
    FEWEST_SEEDS,
    Losses,
    Runs,
    compare_with,
    holm,
    outcome_of,
    seeds_needed,
    with_failures,
)
from initsweep.statistics.intervals import mean_interval, mean_of
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.two_samples import permutation_p, unpaired_interval
from initsweep.statistics.wording import counted

if TYPE_CHECKING:
    import pandas as pd

SKILL = 0.05
"""The share of the baseline that a run must stay below it by, else it failed; as in a study."""

HIGHEST = 1e100
"""What a baseline must stay below: of losses far above it no cube is finite."""

Place = Literal["best", "tied", "cannot tell", "worse", "failed"]
_Pair = tuple[Interval, float, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossComparison:
    """How schemes compare; `print` it for sentences.

    Attributes:
        best: The scheme with the lowest mean loss; None if all failed.
        ties: Those not shown to be worse, with a mean within the margin of the best.
        cannot_tell: Those beyond the margin, and not shown to be worse, and those with too few runs
            to say anything of: more would tell.
        worse: Those shown to be worse.
        failed: Those that are on average no better than the baseline.
        margin: The smallest difference that matters, in the unit of the losses.
        needed: How many runs of each it takes to tell any two apart, None where all have them.
        table: A data frame with a row per scheme, lowest mean first: `scheme`, `stands` ("best",
            "tied", ...), `mean_loss` with its 95 % interval `low` to `high`, how many `runs` and
            how many `failed_runs`; and compared with the best the `difference`, its interval
            `difference_low` to `difference_high` and the p-value, corrected by Holm's method.
    """

    best: str | None
    ties: list[str]
    cannot_tell: list[str]
    worse: list[str]
    failed: list[str]
    margin: float
    needed: int | None
    table: Any  # pandas is untyped

    def __str__(self) -> str:
        rows = {row.scheme: row for row in self.table.itertuples()}
        said = ["No scheme is better than the baseline."] if self.best is None else []
        if self.best is not None:
            top = rows[self.best]
            said.append(
                f"{self.best} has the lowest mean loss, {loss(top.mean_loss)} (95 % interval "
                f"{loss(top.low)} to {loss(top.high)}, {counted(top.runs, 'run')})."
            )
        for head, names in {
            f"Tied with it, within {loss(self.margin)}": self.ties,
            "Cannot tell": self.cannot_tell,
            "Shown to be worse": self.worse,
            "No better than the baseline": self.failed if self.best else [],
        }.items():
            said += [f"{head}: {', '.join(names)}."] if names else []
        if self.needed is not None:
            said.append(f"It takes at least {self.needed} runs of each to tell.")
        few = [f"{row.scheme} ({row.failed_runs} of {row.runs})" for row in rows.values()
               if row.failed_runs and row.scheme not in self.failed]  # fmt: skip
        return " ".join([*said, *([f"Some runs failed: {', '.join(few)}."] if few else [])])


def compare_losses(
    losses: "Mapping[str, Sequence[float]] | pd.DataFrame",
    *,
    baseline: float,
    paired: bool = False,
    margin: float = 0.01,
    alpha: float = 0.05,
) -> LossComparison:
    """Give the verdict on losses that were measured elsewhere, one per run, small being good.

    The scheme with the lowest mean is compared with every other, as a study compares validation
    losses: a difference must pass a test that counts the comparisons, one within the margin does
    not matter, and a scheme that fails now and then is not called better for its other runs. Loss
    counts up to the baseline, so that one run that blew up does not decide alone. At least nine
    runs of each are needed to tell schemes apart.

    Args:
        losses: The final losses of the runs of each scheme, 0 or more, by its name; or a data frame
            with a column per scheme. NaN, infinity, None and pandas' NA are runs that failed, and
            so are those less than 5 % below the baseline.
        baseline: The loss of guessing: of a predictor that ignores its input, such as the entropy
            of the class frequencies (ln 10 for ten equal classes), or the variance of the target.
        paired: Whether the first losses of all schemes come from one seed, the second from another
            one and so on: same split, same order of batches. That tells more from as many runs.
        margin: The smallest difference that matters, as a share of the baseline.
        alpha: The significance level of the comparisons with the best, corrected for their number.
            The best is the luckiest of several means, so where all schemes are the same, some
            scheme is shown to be worse more often: in about 4 % of cases with two schemes of ten
            runs, 7 % with four, 10 to 15 % with eight, 10 to 20 % with sixteen. One that beats all
            others is named falsely in less than 1 % with four schemes or more.

    Returns:
        Which is best, and how the others stand to it.

    Raises:
        ParamsError: If losses, baseline, margin or level are no usable numbers.

    Examples:
        >>> import initsweep
        >>> he = [0.31, 0.33, 0.30, 0.32, 0.31, 0.34, 0.30, 0.33, 0.32, 0.31]
        >>> found = initsweep.compare_losses(
        ...     {"he": he, "xavier": [x + 0.01 for x in he], "zeros": [2.31] * 9 + [float("nan")]},
        ...     baseline=2.303,
        ... )
        >>> print(found)
        he has the lowest mean loss, 0.317 (95 % interval 0.307 to 0.327, 10 runs). Tied with
        it, within 0.0230: xavier. No better than the baseline: zeros.
        >>> found.best, found.ties, found.failed
        ('he', ['xavier'], ['zeros'])
    """
    measured = _checked(losses, paired=paired)
    _number("baseline", baseline, HIGHEST)
    _number("margin", margin, 1)
    _number("alpha", alpha, 1)
    thresholds = _thresholds(float(baseline), float(margin), float(alpha))
    runs = {scheme: _runs(values, thresholds) for scheme, values in measured.items()}
    means = {scheme: mean_of(one.losses) for scheme, one in runs.items()}
    order = sorted(runs, key=lambda scheme: (means[scheme], scheme))
    left = [scheme for scheme in order if means[scheme] <= thresholds.ceiling]
    return _found(runs, order, left, thresholds, paired=paired)


def _found(
    runs: Mapping[str, Runs],
    order: Sequence[str],
    left: Sequence[str],
    thresholds: Thresholds,
    *,
    paired: bool,
) -> LossComparison:
    compare, margin = _paired if paired else _unpaired, thresholds.margin("validation")
    pairs = compare({scheme: runs[scheme] for scheme in left}, thresholds) if left else {}
    needed = seeds_needed(len(pairs), thresholds.decide.alpha) if paired else FEWEST_SEEDS
    few = {scheme for scheme in left if len(runs[scheme].losses) < needed}
    places: dict[str, Place] = {
        scheme: "failed" if scheme not in left
        else "best" if scheme == left[0]
        else "cannot tell" if few & {scheme, left[0]}
        else _place(pairs[scheme], margin)
        for scheme in order
    }  # fmt: skip
    return LossComparison(
        best=left[0] if left else None,
        ties=[scheme for scheme in order if places[scheme] == "tied"],
        cannot_tell=[scheme for scheme in order if places[scheme] == "cannot tell"],
        worse=[scheme for scheme in order if places[scheme] == "worse"],
        failed=[scheme for scheme in order if places[scheme] == "failed"],
        margin=margin,
        needed=needed if few else None,
        table=_table(runs, places, pairs, thresholds),
    )


def _place(pair: _Pair, margin: float) -> Place:
    difference, _, outcome = pair
    if outcome == "worse":
        return "worse"
    return "tied" if difference.estimate <= margin else "cannot tell"


def _paired(runs: Mapping[str, Runs], thresholds: Thresholds) -> dict[str, _Pair]:
    """Return every scheme compared with the first, run by run."""
    rows = compare_with("validation", next(iter(runs)), runs, thresholds)
    return {
        row.scheme: (
            Interval(low=row.low, estimate=row.mean_difference, high=row.high),
            row.p_holm,
            row.outcome,
        )
        for row in rows
    }


def _unpaired(runs: Mapping[str, Runs], thresholds: Thresholds) -> dict[str, _Pair]:
    """Return every scheme compared with the first, whose runs have nothing in common."""
    (_, best), *others = runs.items()
    corrected = holm([permutation_p(one.losses, best.losses) for _, one in others])
    found = {}
    for (scheme, one), p_value in zip(others, corrected, strict=True):
        difference, shared = unpaired_interval(one.losses, best.losses), len(one.losses)
        margin, alpha = thresholds.margin("validation"), thresholds.decide.alpha
        outcome = outcome_of(difference, p_value, margin, alpha)
        cap = thresholds.cap("validation")
        outcome = with_failures(outcome, difference, one, best, cap, shared)
        found[scheme] = (difference, p_value, outcome)
    return found


def _table(
    runs: Mapping[str, Runs],
    places: Mapping[str, Place],
    pairs: Mapping[str, _Pair],
    thresholds: Thresholds,
) -> Any:  # noqa: ANN401 - pandas is untyped
    import pandas as pd

    lines = []
    for scheme, place in places.items():
        one, pair = runs[scheme], pairs.get(scheme)
        mean = mean_interval(one.losses, (0.0, thresholds.cap("validation")))
        lines.append({
            "scheme": scheme, "stands": place, "mean_loss": mean.estimate, "low": mean.low,
            "high": mean.high, "runs": len(one.losses), "failed_runs": int(one.failed.sum()),
            "difference": math.nan if pair is None else pair[0].estimate,
            "difference_low": math.nan if pair is None else pair[0].low,
            "difference_high": math.nan if pair is None else pair[0].high,
            "p_value": math.nan if pair is None else pair[1],
        })  # fmt: skip
    return pd.DataFrame(lines)


def _thresholds(baseline: float, margin: float, alpha: float) -> Thresholds:
    decide = Decide(
        margin=margin, basin_tolerance=SKILL, trainable_skill=SKILL, alpha=alpha, most_seeds=0
    )
    return Thresholds(validation_constant=baseline, test_constant=baseline, decide=decide)


def _runs(values: Losses, thresholds: Thresholds) -> Runs:
    cap = thresholds.cap("validation")
    capped = np.minimum(np.where(np.isfinite(values), values, cap), cap)
    return Runs(losses=capped, failed=capped > thresholds.ceiling)


def _number(name: str, value: object, below: float) -> None:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 < value < below:  # type: ignore[operator]
        raise ParamsError(
            f"{name}: received {shown(value)}. Give a number above 0 and below {below:g}."
        )


def _checked(losses: object, *, paired: object) -> dict[str, Losses]:
    """Return the losses as arrays, NaN where a run failed.

    Raises:
        ParamsError: If they are no losses of at least two schemes, or not as many where paired.
    """
    import pandas as pd

    if not isinstance(losses, Mapping | pd.DataFrame) or len(names := [*losses.keys()]) < 2:
        raise ParamsError(
            f"losses: received {shown(losses)}. Give the losses of at least two schemes, such as "
            '{"he": [0.31, 0.33], "xavier": [0.30, 0.35]}.'
        )
    for name, times in Counter(names).items():
        if times > 1 or not isinstance(name, str) or not name.strip():
            raise ParamsError(
                f"losses: received the name {shown(name)}{' twice' if times > 1 else ''}. Give "
                "each scheme a text as its name, and no two the same."
            )
    if not isinstance(paired, bool | np.bool_):
        raise ParamsError(f"paired: received {shown(paired)}. Give True or False.")
    found = {scheme: _one(scheme, values) for scheme, values in losses.items()}
    counts = {scheme: len(values) for scheme, values in found.items()}
    if paired and len(set(counts.values())) > 1:
        told = ", ".join(f"{scheme} {count}" for scheme, count in counts.items())
        raise ParamsError(
            f"losses: paired ones belong to the same seeds, but their numbers differ ({told}). "
            "Leave out runs without a partner, or paired=True."
        )
    return found


def _one(scheme: str, values: Any) -> Losses:  # noqa: ANN401 - a user's
    ordered = not isinstance(values, str | bytes | Mapping | Set)
    try:
        numeric = np.array([_loss(value) for value in values] if ordered else [])
    except (TypeError, ValueError, OverflowError):
        numeric = np.zeros(0)
    if len(numeric) < 2 or bool((numeric < 0).any()):
        raise ParamsError(
            f"losses[{shown(scheme)}]: received {shown(values)}. Give at least two losses, numbers "
            "of 0 or more; NaN for a run that failed."
        )
    return numeric


def _loss(value: Any) -> float:  # noqa: ANN401 - a user's
    """Return a loss as Python's own number, NaN for what stands for none.

    Raises:
        TypeError: If it is no number; True and False are none.
    """
    import pandas as pd

    if value is None or value is pd.NA:
        return math.nan
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, bool) or not isinstance(plain, numbers.Real):
        raise TypeError
    return float(plain)
