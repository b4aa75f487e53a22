"""Does a rate that is predicted for a larger network keep its promises? Made-up laws tell.

Thousands of schemes at three or four sizes, with laws that are known, on response curves of real
networks; each predicted at a larger size by the function that the transfer stage calls.

    python -m benchmarks.transfer_law                   # some minutes on 2 cores
    python -m benchmarks.transfer_law --write           # and into docs/transfer.md
    python -m benchmarks.transfer_law --repetitions 1   # tiny
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.common import ROOT, add_write, count, parser_of, put
from benchmarks.transfer_studies import (
    MARGIN,
    SKILL,
    TOLERANCE,
    Scheme,
    World,
    draw_studies,
    truth_at_target,
)
from initsweep.statistics.transfer import SchemeTransfer, predict

PAGE = ROOT / "docs/transfer.md"
FOUR = (32, 64, 128, 256)
QUARTER = 0.25

WORLDS = {
    "exponent 0": World(exponent=0.0),
    "exponent -0.5": World(),
    "exponent -1": World(exponent=-1.0),
    "exponents from -1 to 0": World(spread=0.5),
    "exponent -1, one of four as muP": World(exponent=-1.0, own=1),
    "one scheme": World(schemes=1),
    "eight schemes": World(schemes=8),
    "four sizes": World(sizes=FOUR),
    "four sizes, eight schemes": World(sizes=FOUR, schemes=8),
    "responses 10 % narrower per doubling": World(steep=0.1),
    "some best rates at the edge of the grid": World(lowest=-3.0, highest=0.0),
    "exponent falls by 0.1 per doubling": World(bend=-0.1),
    "exponent falls by 0.1 per doubling, four sizes": World(bend=-0.1, sizes=FOUR),
    "exponent falls by 0.3 per doubling, four sizes": World(bend=-0.3, sizes=FOUR),
    "exponent falls by 0.5 per doubling, four sizes": World(bend=-0.5, sizes=FOUR),
    "exponent falls by 1 per doubling, four sizes": World(bend=-1.0, sizes=FOUR, lowest=-7.0),
}


def measured(name: str, repetitions: int) -> dict[str, float]:
    """Return how often predictions of one world held; per scheme, of those that are trusted."""
    world = WORLDS[name]
    rows, refused, total = [], 0, 0
    for schemes, runs in draw_studies(world, name, repetitions):
        found = predict(runs, world.target, tolerance=TOLERANCE, margin=MARGIN, skill=SKILL)
        total += len(schemes)
        refused += len(schemes) - sum(one.trusted for one in found.schemes)
        for one in found.schemes:
            if one.trusted:
                rows.append(_held(one, schemes[int(one.scheme[1:])]))
    held = np.array(rows).reshape(-1, 6).mean(axis=0) if rows else np.full(6, np.nan)
    columns = ("rate in interval", "within 1/4 decade", "promise kept", "loss in interval")
    return {
        **dict(zip(columns, held, strict=False)),
        "refused": refused / total,
        "interval, decades": float(held[4]),
        "promise (mean share)": float(held[5]),
    }


def _held(one: SchemeTransfer, scheme: Scheme) -> tuple[float, ...]:
    truth = truth_at_target(scheme)
    low, high = np.log10(one.rate_interval)
    rate = float(np.log10(one.rate))
    return (
        low <= truth.rate <= high,
        abs(rate - truth.rate) <= QUARTER,
        truth.excess(rate) <= one.promised_share,
        one.loss_interval[0] <= truth.loss <= one.loss_interval[1],
        high - low,
        one.promised_share,
    )


def as_markdown(results: dict[str, dict[str, float]], repetitions: int) -> str:
    """Return the table of all results."""
    names = list(next(iter(results.values())))
    lines = [
        f"{repetitions} studies per line. Where the line says nothing else, sizes 32, 64 and 128 "
        "predict 512 for four schemes, with exponents of -0.5 on average that differ by 0.2; four "
        "sizes go to 256. `refused` is the share of schemes that are not trusted, or not predicted "
        "at all; the other columns are of the trusted ones.",
        "",
        f"| law | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for law, row in results.items():
        lines.append(f"| {law} | {' | '.join(_cell(name, row[name]) for name in names)} |")
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    if name == "interval, decades":
        return f"{value:.2f}"
    return f"{100 * value:.1f} %"


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--repetitions", type=count, default=50, help="studies per line")
    made.add_argument("--workers", type=count, default=2)
    add_write(made, PAGE)
    return made


def main() -> None:
    """Measure, print, and write into the documentation if asked."""
    options = parser().parse_args()
    started = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        running = {law: pool.submit(measured, law, options.repetitions) for law in WORLDS}
        results = {law: future.result() for law, future in running.items()}
    text = as_markdown(results, options.repetitions)
    print(text)
    print(f"\n{time.perf_counter() - started:.0f} s")
    if options.write:
        put(PAGE, {"calibration": text})


if __name__ == "__main__":
    main()
