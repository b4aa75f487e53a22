"""Does the statistics keep its promises? Thousands of made-up studies whose truth is known.

Every study is compared by the function that the compare stage calls. Four questions:

- schemes that are all the same: how often is a winner named, or any difference claimed?
- do 95 % intervals hold the true value in 93 to 97 % of studies?
- how large must a difference be, at how many seeds, to be found?
- does a scheme that never trains ever rank as robust?

    python -m benchmarks.calibration                     # a few minutes on 2 cores
    python -m benchmarks.calibration --write             # and into docs/statistics.md
    python -m benchmarks.calibration --repetitions 100   # a rough look
    python -m benchmarks.calibration --repetitions 2     # tiny
"""

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import comb
from statistics import NormalDist

import numpy as np

from benchmarks.calibration_studies import (
    FEW_CAPPED_SHIFT,
    LAWS,
    NARROW,
    draw_study,
    law_samples,
    stream_of,
    true_response,
)
from benchmarks.common import ROOT, add_write, count, parser_of, put
from initsweep.statistics.comparison import probability_better
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.proportions import share_interval, superiority_interval

PAGE = ROOT / "docs/statistics.md"
FEWEST = 2
"""Studies per line; some lines take half as many as others."""

MOST = 59

Task = tuple[Callable[..., dict[str, float]], tuple[object, ...]]


def same_schemes(
    law: str, schemes: int, seeds: int, repetitions: int, most: int = 0
) -> dict[str, float]:
    """Return how often studies of schemes that are all the same claim a difference."""
    found = {"winner": 0, "worse": 0, "test": 0}
    for number in range(repetitions):
        study = draw_study(
            ("same", law, schemes, number), LAWS[law], [0.0] * schemes, seeds, most=most
        )
        claims = {(pair.family, pair.outcome) for pair in study.pairs}
        found["winner"] += study.verdict.decision == "winner"
        found["worse"] += ("validation", "worse") in claims
        found["test"] += bool(claims & {("test", "better"), ("test", "worse")})
    return {name: count / repetitions for name, count in found.items()}


def unlike_schemes(law: str, seeds: int, repetitions: int, most: int = 0) -> dict[str, float]:
    """Return how often two schemes of one mean loss, but of unlike laws, are called different.

    The other scheme's runs are normal: with a tenth of the spread, or beside a scheme that fails in
    some runs with the same.
    """
    capped = LAWS[law].capped > 0
    laws, shift = (LAWS[law], LAWS["normal"] if capped else NARROW), FEW_CAPPED_SHIFT * capped
    found = {"winner": 0, "worse": 0, "test": 0}
    for number in range(repetitions):
        study = draw_study(("unlike", law, number), laws, [shift, 0.0], seeds, most=most)
        claims = {(pair.family, pair.outcome) for pair in study.pairs}
        found["winner"] += study.verdict.decision == "winner"
        found["worse"] += ("validation", "worse") in claims
        found["test"] += bool(claims & {("test", "better"), ("test", "worse")})
    return {name: count / repetitions for name, count in found.items()}


def planted(
    effect: float, seeds: int, schemes: int, repetitions: int, most: int = 0
) -> dict[str, float]:
    """Return how often a scheme better by `effect` standard deviations of a paired difference wins.

    `found` counts studies that call a given other scheme worse, `winner` those that name the better
    scheme the winner, `wrong` those that call the better one worse than another.
    """
    found = {"found": 0, "winner": 0, "wrong": 0}
    for number in range(repetitions):
        law = LAWS["normal"]
        shift = effect * law.difference_spread
        study = draw_study(
            ("planted", schemes, number), law, [-shift] + [0.0] * (schemes - 1), seeds, most=most
        )
        rows = {row.scheme: row for row in study.schemes}
        verdicts = {
            pair.scheme: pair.outcome for pair in study.pairs if pair.family == "validation"
        }
        best = study.verdict.best_on_validation == "s0"
        found["found"] += best and verdicts["s1"] == "worse"
        found["winner"] += study.verdict.decision == "winner" and best
        found["wrong"] += rows["s0"].standing == "worse"
    return {name: count / repetitions for name, count in found.items()}


def stalled(repetitions: int) -> dict[str, float]:
    """Return how often a scheme that never trains looks good, beside one that diverges often."""
    found = {"recommended": 0, "trainable": 0, "front": 0, "best regret": 0, "wortsman best": 0}
    for number in range(repetitions):
        study = draw_study(("stalled", number), LAWS["normal"], [0.0, 0.05, None], 10)
        rows = {row.scheme: row for row in study.schemes}
        dead = rows["s2"]
        found["recommended"] += study.verdict.recommended == "s2"
        found["trainable"] += dead.trainable
        found["front"] += dead.pareto
        found["best regret"] += dead.regret <= min(row.regret for row in study.schemes[:2])
        found["wortsman best"] += dead.wortsman_sensitivity <= min(
            row.wortsman_sensitivity for row in study.schemes[:2]
        )
    return {name: count / repetitions for name, count in found.items()}


def picked_again(ahead: float, schemes: int, repetitions: int, most: int = 0) -> dict[str, float]:
    """Return how often another study of the same schemes picks the same, as said and in truth.

    `said` is the mean share that studies state, `true` the share of pairs of studies that agree;
    `firm` is the share of firm choices, and `firm, true` that of agreement after them. One scheme
    is `ahead` of the others by so many standard deviations of a paired difference.
    """
    law, said, agreed, firm = LAWS["normal"], [], [], []
    shifts = [-ahead * law.difference_spread] + [0.0] * (schemes - 1)
    for number in range(repetitions):
        one, other = (
            draw_study(
                ("again", schemes, int(100 * ahead), number, turn), law, shifts, 10, most=most
            ).verdict
            for turn in (0, 1)
        )
        said.append(one.repicked)
        agreed.append(one.recommended == other.recommended)
        firm.append(one.firm)
    found = {name: float(np.mean(all_)) for name, all_ in
             (("said", said), ("true", agreed), ("firm", firm))}  # fmt: skip
    if any(firm):
        found["firm, true"] = float(np.mean(np.array(agreed)[firm]))
    return found


def mean_coverage(law: str, seeds: int, repetitions: int) -> dict[str, float]:
    """Return how often the interval of a mean, and of a paired difference, holds the truth."""
    one, other, mean = law_samples(law, seeds, repetitions)
    covered = {"mean": 0, "difference": 0}
    for first, second in zip(one, other, strict=True):
        interval = mean_interval(first)
        covered["mean"] += interval.low <= mean <= interval.high
        interval = mean_interval(first - second)
        covered["difference"] += interval.low <= 0.0 <= interval.high
    return {name: count / repetitions for name, count in covered.items()}


def study_coverage(law: str, tuning_seeds: int, repetitions: int) -> dict[str, float]:
    """Return how often the intervals of `intervals.csv` and `budget.csv` hold the truth."""
    shifts = [0.0, 0.02]
    truth = true_response(shifts)
    hits: dict[str, list[bool]] = {}
    for number in range(repetitions):
        study = draw_study(
            ("coverage", law, tuning_seeds, number), LAWS[law], shifts, 10, tuning_seeds
        )
        for row in study.quantities:
            if row.scheme == "s1" and row.quantity in truth:
                low = -np.inf if row.low is None else row.low - 1e-9
                high = np.inf if row.high is None else row.high + 1e-9
                hits.setdefault(row.quantity, []).append(low <= truth[row.quantity] <= high)
        for budget in study.budget:
            if budget.scheme == "s1" and budget.n in {1, 3, 5}:
                value = truth[f"budget {budget.n}"]
                hits.setdefault(f"budget {budget.n}", []).append(budget.low <= value <= budget.high)
    return {name: float(np.mean(held)) for name, held in hits.items()}


def share_coverage(truth: float, trials: int) -> dict[str, float]:
    """Return the exact coverage of Wilson's interval for one true share."""
    held = sum(
        comb(trials, k) * truth**k * (1 - truth) ** (trials - k)
        for k in range(trials + 1)
        if share_interval(k, trials)[0] <= truth <= share_interval(k, trials)[1]
    )
    return {"share": held}


def superiority_coverage(gap: float, seeds: int, repetitions: int) -> dict[str, float]:
    """Return how often the interval of P(A > B) holds the truth, runs unrelated and paired."""
    truth = NormalDist().cdf(gap / 2**0.5)
    stream = stream_of(("superiority", seeds, int(100 * gap)))
    held = {}
    for name, common in (("unrelated", 0.0), ("paired", 1.0)):
        # A part common to both schemes makes runs of one seed alike; it does not move P(A > B).
        spread = (1 + common**2) ** 0.5
        count = 0
        for _ in range(repetitions):
            shared = common * stream.normal(size=seeds)
            first = (stream.normal(size=seeds) + shared) / spread - gap
            second = (stream.normal(size=seeds) + shared) / spread
            estimate = probability_better(first, second)
            low, high = superiority_interval(estimate, seeds, seeds)
            count += low <= truth <= high
        held[name] = count / repetitions
    return held


def tasks(repetitions: int) -> dict[str, dict[str, Task]]:
    """Return every measurement by table and line, with the number of studies each takes."""
    many, few = 2 * repetitions, max(FEWEST, repetitions // 5)
    return {
        "Schemes that are all the same, 10 seeds": {
            f"{schemes} schemes, {law}": (same_schemes, (law, schemes, 10, repetitions))
            for schemes in (2, 4, 8)
            for law in ("normal", "skewed", "heavy tails", "some capped")
        },
        "Two schemes of the same mean loss, but of unlike laws, 10 seeds": {
            line: (unlike_schemes, (law, 10, repetitions))
            for line, law in (
                ("normal, spread 10 to 1", "normal"),
                ("skewed against normal, spread 10 to 1", "skewed"),
                ("strongly skewed against normal, spread 10 to 1", "strongly skewed"),
                ("5 % of the runs of one fail", "few capped"),
            )
        },
        f"10 seeds, up to {MOST} of those that may still be recommended": {
            "2 schemes, the same": (same_schemes, ("normal", 2, 10, few, MOST)),
            "8 schemes, the same": (same_schemes, ("normal", 8, 10, few, MOST)),
            "strongly skewed against normal, spread 10 to 1": (
                unlike_schemes,
                ("strongly skewed", 10, few, MOST),
            ),
            "5 % of the runs of one fail": (unlike_schemes, ("few capped", 10, few, MOST)),
        },
        "The same, planted effects of 0.5 standard deviations": {
            f"{schemes} schemes": (planted, (0.5, 10, schemes, few, MOST)) for schemes in (2, 8)
        },
        "The same, the same pick in another study": {
            f"{schemes} schemes, {ahead} standard deviations": (
                picked_again,
                (ahead, schemes, few, MOST),
            )
            for schemes in (2, 5)
            for ahead in (0.0, 0.5, 1.0)
        },
        "Coverage of 95 % intervals over fresh seeds": {
            f"{law}, {seeds} seeds": (mean_coverage, (law, seeds, many))
            for seeds in (5, 10, 20)
            for law in LAWS
        },
        "Coverage of 95 % intervals over tuning seeds": {
            f"{law}, {seeds} tuning seeds": (study_coverage, (law, seeds, repetitions))
            for seeds in (3, 5, 10)
            for law in ("normal", "skewed")
        },
        "Coverage of the 95 % interval of P(A > B), 10 seeds": {
            f"true gap {gap} standard deviations": (superiority_coverage, (gap, 10, many))
            for gap in (0.0, 0.5, 1.0, 2.0)
        },
        "Planted effects, 2 schemes": _power(2, repetitions),
        "Planted effects, 8 schemes": _power(8, repetitions // 2),
        "The same pick in another study, 10 seeds": {
            f"{schemes} schemes, {ahead} standard deviations": (
                picked_again,
                (ahead, schemes, repetitions // 2),
            )
            for schemes in (2, 5)
            for ahead in (0.0, 0.5, 1.0)
        },
        "A scheme that never trains": {"3 schemes, 10 seeds": (stalled, (repetitions,))},
    }


def _power(schemes: int, repetitions: int) -> dict[str, Task]:
    return {
        f"{effect} standard deviations, {seeds} seeds": (
            planted, (effect, seeds, schemes, repetitions),
        )
        for effect in (0.5, 1.0, 1.5, 2.0)
        for seeds in (10, 15, 20)
    }  # fmt: skip


def measure(repetitions: int, workers: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return all results by table, line and column; the same for any number of workers."""
    wanted = tasks(repetitions)
    with ProcessPoolExecutor(workers) as pool:
        running = {
            table: {line: pool.submit(call, *given) for line, (call, given) in lines.items()}
            for table, lines in wanted.items()
        }
        return {
            table: {line: future.result() for line, future in lines.items()}
            for table, lines in running.items()
        }


def as_markdown(results: dict[str, dict[str, dict[str, float]]], repetitions: int) -> str:
    """Return the tables of all results, shares as percentages."""
    parts = [
        f"{repetitions} studies per line (8 schemes half, means and P(A > B) twice as many; with "
        "more seeds a fifth)."
    ]
    for title, lines in results.items():
        columns = list(dict.fromkeys(name for row in lines.values() for name in row))
        parts.append(f"**{title}**\n\n" + "\n".join(_table(columns, lines)))
    return "\n\n".join(parts)


def _table(columns: Sequence[str], lines: dict[str, dict[str, float]]) -> list[str]:
    head = [f"| | {' | '.join(name.replace('_', ' ') for name in columns)} |"]
    rule = [f"|---|{'---|' * len(columns)}"]
    return head + rule + [
        f"| {line} | "
        + " | ".join(f"{100 * row[name]:.1f} %" if name in row else "" for name in columns)
        + " |"
        for line, row in lines.items()
    ]  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--repetitions", type=count, default=1000, help="studies per line, 2 or more")
    made.add_argument("--workers", type=count, default=2)
    add_write(made, PAGE)
    return made


def main() -> None:
    """Measure, print, and write into the documentation if asked."""
    options = parser().parse_args()
    if options.repetitions < FEWEST:
        parser().error(f"--repetitions: received {options.repetitions}; use {FEWEST} or more")
    started = time.perf_counter()
    text = as_markdown(measure(options.repetitions, options.workers), options.repetitions)
    print(text)
    print(f"\n{time.perf_counter() - started:.0f} s")
    if options.write:
        put(PAGE, {"calibration": text})


if __name__ == "__main__":
    main()
