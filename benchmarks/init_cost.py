"""What `initsweep init` costs before anything is trained: the median of a few rounds.

    python -m benchmarks.init_cost
    python -m benchmarks.init_cost --rounds 1 --rows 60   # tiny

For a made-up table of ten columns of numbers and two of text. Counts the processor time of all
processes, DVC's and git's included, which other work on the machine hardly changes.
"""

import argparse
import csv
import random
import statistics
import tempfile
from pathlib import Path

from benchmarks.common import count, parser_of
from benchmarks.timed_study import INITSWEEP, timed


def write_table(file: Path, rows: int) -> None:
    """Write a table whose target follows from its columns, but for noise."""
    draws = random.Random(0)
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(f"x{column}" for column in range(10)), "colour", "town", "target"])
        for _ in range(rows):
            numbers = [round(draws.gauss(0, 1), 4) for _ in range(10)]
            colour, town = draws.choice(["red", "green", "blue"]), draws.choice(["Bonn", "Ulm"])
            value = numbers[0] + numbers[1] ** 2 + (colour == "red") + draws.gauss(0, 0.3)
            writer.writerow([*numbers, colour, town, "yes" if value > 1 else "no"])


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--rounds", type=count, default=3)
    made.add_argument("--rows", type=count, default=1000)
    return made


def main() -> None:
    """Print a row of figures."""
    options = parser().parse_args()
    found = []
    with tempfile.TemporaryDirectory() as place:
        write_table(Path(place) / "table.csv", options.rows)
        for number in range(options.rounds):
            command = [*INITSWEEP, "init", f"study-{number}", "--data", "table.csv"]
            found.append(timed([*command, "--target", "target"], Path(place))[1])
    cpu, wall = (statistics.median(getattr(one, of) for one in found) for of in ("cpu", "wall"))
    print("| table | processor, s | elapsed, s |\n|---|---|---|")
    print(f"| {options.rows} rows | {cpu:.1f} | {wall:.1f} |")


if __name__ == "__main__":
    main()
