"""On which tuning seeds each rate was tried: on all, or in a race on the first few of them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from initsweep.core.records import RunRow
from initsweep.statistics.wording import counted


def uneven(runs: Iterable[RunRow], chosen: float | None) -> str | None:
    """Say which rate was not tried on the seeds that it should have been.

    Args:
        runs: The tuning runs of one scheme, in the order in which they were trained.
        chosen: The chosen rate, if rates raced: it must have all seeds, and every other one the
            first of them. None if each must have all.

    Returns:
        The problem in words, or None.
    """
    seeds: dict[tuple[str, float], list[int]] = {}
    for run in runs:
        seeds.setdefault((run.kind, run.learning_rate), []).append(run.seed)
    every = max(seeds.values(), key=len, default=[]) if chosen else next(iter(seeds.values()), [])
    for (kind, rate), found in seeds.items():
        first = every[: len(found)] if chosen and rate != chosen else every
        if found != first and (chosen or sorted(found) != sorted(first)):
            return (
                f"learning rate {rate!r} ({kind}) has seeds {sorted(found)}, "
                f"{'expected' if chosen else 'others'} {sorted(first)}"
            )
    return None


def left_early(tried: Sequence[int]) -> str | None:
    """Say how many rates left a race, and after how many seeds.

    Args:
        tried: On how many seeds each rate was tried.

    Returns:
        Such as "5 rates after 1 seed, 2 rates after 2 seeds"; None if all have the same.
    """
    counts = Counter(seeds for seeds in tried if seeds < max(tried))
    return (
        ", ".join(
            f"{counted(rates, 'rate')} after {counted(seeds, 'seed')}"
            for seeds, rates in sorted(counts.items())
        )
        or None
    )
