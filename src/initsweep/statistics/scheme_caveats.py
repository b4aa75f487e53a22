"""What limits the results of single schemes. Every sentence is said only where it is true."""

from collections.abc import Callable, Sequence

from initsweep.core.numbers import percent, rate
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.seeds_tried import left_early
from initsweep.statistics.sensitivity import evenly_spaced
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import counted

Detail = Callable[[Summary, Thresholds], str | None]


def scheme_caveats(trainable: Sequence[Summary], thresholds: Thresholds) -> list[str]:
    """List what limits the results of single schemes, each sentence naming those it holds for.

    Returns:
        One sentence for each limit that applies to any scheme.
    """
    found = []
    for text, detail in _PER_SCHEME:
        details = [(summary.scheme, detail(summary, thresholds)) for summary in trainable]
        named = ", ".join(f"{scheme} ({what})" for scheme, what in details if what is not None)
        if named:
            found.append(f"{text}: {named}.")
    return found


def _edge_optimum(summary: Summary, _: Thresholds) -> str | None:
    censored = summary.evidence.selection.censored
    return None if censored == "no" else f"{censored} end"


def _basin_edge(summary: Summary, _: Thresholds) -> str | None:
    basin = summary.sensitivity.basin
    return None if basin is None or basin.censored == "no" else basin.censored


def _outside_grid(summary: Summary, _: Thresholds) -> str | None:
    shared = [point.learning_rate for point in summary.points if point.kind == "grid"]
    chosen = summary.learning_rate
    if shared[0] <= chosen <= shared[-1]:
        return None
    return f"{rate(chosen)}; grid {rate(shared[0])} to {rate(shared[-1])}"


def _left_early(summary: Summary, _: Thresholds) -> str | None:
    return left_early([len(point.losses) for point in summary.points])


def _danger_zone(summary: Summary, _: Thresholds) -> str | None:
    basin = summary.sensitivity.basin
    if basin is None:
        return None
    rates = [
        f"{rate(point.learning_rate)}: {percent(point.failure_rate)}"
        for point in evenly_spaced(summary.points)
        if basin.low <= point.learning_rate <= basin.high and 0 < point.failure_rate < 1
    ]
    return "; ".join(rates) or None


def _beyond_stable(summary: Summary, _: Thresholds) -> str | None:
    unstable = summary.sensitivity.first_unstable_rate
    if unstable is None or summary.learning_rate < unstable:
        return None
    return f"{rate(summary.learning_rate)}; first failure at {rate(unstable)}"


def _failed_fresh(summary: Summary, _: Thresholds) -> str | None:
    if not summary.failed_runs:
        return None
    return f"{summary.failed_runs} of {counted(len(summary.validation), 'run')}"


def _overconfident(summary: Summary, _: Thresholds) -> str | None:
    if not summary.overconfident_runs:
        return None
    return f"{summary.overconfident_runs} of {counted(len(summary.validation), 'run')}"


def _no_score(summary: Summary, _: Thresholds) -> str | None:
    if summary.scores is not None:
        return None
    without = sum(run.test_score is None for run in summary.evidence.confirm)
    return f"{without} of {counted(len(summary.test), 'run')}"


_PER_SCHEME: tuple[tuple[str, Detail], ...] = (
    ("The best rate lies at the end of the rates tried, so a better one may lie beyond",
     _edge_optimum),
    ("The basin reaches the end of the rates tried, so its true width is at least the one given",
     _basin_edge),
    ("The chosen rate lies outside the grid that all schemes share", _outside_grid),
    ("Rates left the race early; on the seeds left out they are taken to be as far behind as on "
     "their own, so basins and intervals are less certain than they look", _left_early),
    ("Within the basin some tuning seeds fail and others do not (share failed)", _danger_zone),
    ("On the tuning seeds some run already failed at the chosen rate or below it",
     _beyond_stable),
    ("Some fresh runs failed (diverged, or no better than guessing by loss and by score) at the "
     "chosen rate", _failed_fresh),
    ("Some fresh runs are overconfident: better than guessing by score and not by loss",
     _overconfident),
    ("A mean test score is not given, because diverged runs have none", _no_score),
)  # fmt: skip
