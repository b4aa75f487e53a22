"""Which scheme to recommend: chosen on validation, checked once on test, never revised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Decision, LookRow, Outcome, PairRow, Standing
from initsweep.statistics.comparison import (
    FEWEST_SEEDS,
    Runs,
    compare_with,
    family_size,
    paired_difference,
    seeds_needed,
)
from initsweep.statistics.forgiving import most_forgiving, repicked
from initsweep.statistics.intervals import mean_of
from initsweep.statistics.scheme_summary import Summary
from initsweep.statistics.thresholds import Thresholds

FIRM = 0.8
"""The share of redrawn studies that must pick the same scheme for a choice to be called firm."""

REDRAWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the choice came out, with everything it was made from.

    Attributes:
        best: The trainable scheme with the lowest mean validation loss on fresh seeds, of those
            that have the most of them.
        tie_set: The best, and all schemes as good as far as matters: not shown to be worse, and
            with a mean within the margin. By how far behind the best they are.
        undecided: The trainable schemes that are neither tied nor shown to be worse.
        forgiving: Those of the tie set not shown to have a narrower basin than the widest.
        behind: By how much the mean loss of each trainable scheme is behind that of the best, over
            the seeds that both have.
        pick: Of these the one with the lowest mean; the reference of the test family. It is
            recommended unless there are too few seeds.
        comparisons: How many of them Holm's correction counts on validation: one for each law.
        picks: How often other studies of the same data would pick each scheme; empty where there
            is nothing to choose.
        seeds: Fresh seeds of the best, and of all that may still be recommended.
        seeds_needed: How many it takes to name a winner among this many schemes.
    """

    decision: Decision
    best: str | None = None
    tie_set: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    forgiving: tuple[str, ...] = ()
    behind: Mapping[str, float] = field(default_factory=dict)
    pick: str | None = None
    picks: Mapping[str, float] = field(default_factory=dict)
    pairs: tuple[PairRow, ...] = ()
    comparisons: int = 0
    seeds: int
    seeds_needed: int

    @property
    def recommended(self) -> str | None:
        """The recommended scheme; None if none is trainable or there are too few seeds to say."""
        return self.pick if self.decision in {"winner", "lead", "tie"} else None

    @property
    def repicked(self) -> float:
        """The share of other studies of the same data that would pick the same scheme."""
        return 0.0 if self.pick is None else self.picks.get(self.pick, 0.0)

    @property
    def firm(self) -> bool:
        """Whether most other studies of the same data would pick the same scheme."""
        return round(self.repicked, 2) >= FIRM  # as it is written, in whole per cent

    def outcome(self, scheme: str) -> Outcome:
        """Return what the verdict table says of a trainable scheme."""
        if self.recommended is None:
            return "inconclusive"
        if scheme == self.recommended:
            return "recommended"
        return next(p.outcome for p in self.pairs if p.family == "test" and p.scheme == scheme)

    def standing(self, scheme: str) -> Standing:
        """Return where a trainable scheme stands on validation."""
        if scheme in self.tie_set:
            return "tied"
        return "undecided" if scheme in self.undecided else "worse"


def choose(summaries: Sequence[Summary], thresholds: Thresholds) -> Choice:
    """Choose among all schemes on validation, then compare the pick with all others on test.

    The test losses describe the pick and every other trainable scheme, and change nothing.

    Returns:
        The choice, with both families of comparisons.
    """
    choice = choose_on_validation(summaries, thresholds)
    if choice.pick is None:
        return choice
    trainable = (summary for summary in summaries if summary.untrainable is None)
    ranked = sorted(trainable, key=lambda summary: (summary.mean_validation, summary.scheme))
    test = {
        one.scheme: Runs(losses=one.test, failed=one.failed, rows=one.test_rows) for one in ranked
    }
    compared = compare_with("test", choice.pick, test, thresholds)
    return replace(choice, pairs=(*choice.pairs, *compared))


def unsettled(summaries: Sequence[Summary], thresholds: Thresholds) -> list[LookRow]:
    """Return which schemes get the next block of fresh seeds, and why; none if all is settled.

    The best and the recommended scheme, so that a share of runs that fail is seen; and those that
    are neither shown to be worse than the best nor to be as good, or are ahead of it. A few seeds
    show neither. Schemes that are one law have the same number.

    Returns:
        For each of them, in the order given, how many seeds it has then.
    """
    choice = choose_on_validation(summaries, thresholds)
    whys = {choice.pick: "recommended so far", choice.best: "best so far"}
    for pair in choice.pairs:
        open_ = pair.outcome == "inconclusive" or pair.seeds < FEWEST_SEEDS
        if open_ or pair.mean_difference < 0:
            whys.setdefault(pair.scheme, f"not told apart from {choice.best}")
    counts = {summary.scheme: len(summary.validation) for summary in summaries}
    following = {name: [n for n in thresholds.looks if n > have] for name, have in counts.items()}
    wanted = {name: following[name][0] for name in counts if name in whys and following[name]}
    for law in laws_of(summaries):
        named = max((name for name in law if name in wanted), key=wanted.__getitem__, default="")
        for name in law if named else ():
            if counts[name] < wanted[named]:
                wanted[name] = wanted[named]
                whys.setdefault(name, f"the same law as {named}")
    return [LookRow(scheme=n, seeds=wanted[n], why=whys[n]) for n in counts if n in wanted]


def sure(choice: Choice, summaries: Sequence[Summary], thresholds: Thresholds) -> Choice:
    """Return the choice with how often other studies of the same data would make it."""
    by_name = {summary.scheme: summary for summary in summaries}
    # In the order of the choice, so that of schemes that are equal the same one is picked here.
    left = [by_name.pop(scheme) for scheme in (*choice.tie_set, *choice.undecided)]
    worse = [one for one in by_name.values() if one.untrainable is None]
    if not left:
        return choice
    stream = numpy_stream("statistics", "repicked", choice.seeds)
    picks = repicked([*left, *worse], thresholds, REDRAWN, stream, len(worse))
    return replace(choice, picks=picks)


def choose_on_validation(summaries: Sequence[Summary], thresholds: Thresholds) -> Choice:
    """Choose among all schemes without a look at test losses.

    The best on validation is compared with every other trainable scheme, seed by seed. Those whose
    mean is within the margin of the best and that are not shown to be worse are tied. Among them
    the more forgiving ones stay, as far as the tuning seeds can tell, and the lowest mean is
    picked.

    The best is found on the runs it is compared with, which makes "worse" too easy to get: among
    13 equal schemes on 10 seeds some scheme is called worse in about 14 % of studies, not in 5 %.
    A false "worse" shortens the tie set; "better" and "worse" on test losses are not affected.

    Returns:
        The choice, with the comparisons on validation.
    """
    trainable = [summary for summary in summaries if summary.untrainable is None]
    seeds = max(len(summary.validation) for summary in trainable or summaries)
    needed = seeds_needed(len(laws_of(trainable)) - 1, thresholds.level(seeds))
    if not trainable:
        return Choice(decision="none_trainable", seeds=seeds, seeds_needed=needed)
    best = _best_of(trainable)
    behind = {one.scheme: _behind(one, best) for one in trainable}
    trainable.sort(key=lambda summary: (behind[summary.scheme], summary.scheme))
    runs = {summary.scheme: summary.fresh for summary in trainable}
    pairs = compare_with("validation", best.scheme, runs, thresholds)
    worse = {pair.scheme for pair in pairs if pair.outcome == "worse"}
    left = [summary for summary in trainable if summary.scheme not in worse]
    tied = [one for one in left if behind[one.scheme] <= thresholds.margin("validation")]
    forgiving = most_forgiving(tied, thresholds)
    return Choice(
        decision=_decision(len(tied), len(left), seeds, needed),
        best=best.scheme,
        tie_set=_names(tied),
        undecided=_names(summary for summary in left if summary not in tied),
        forgiving=_names(forgiving),
        behind=behind,
        pick=forgiving[0].scheme,
        pairs=tuple(pairs),
        comparisons=family_size(best.scheme, runs),
        seeds=seeds,
        seeds_needed=needed,
    )


def _best_of(trainable: Sequence[Summary]) -> Summary:
    """Return the scheme with the lowest mean of those with the most seeds."""
    most = max(len(summary.validation) for summary in trainable)
    leading = (summary for summary in trainable if len(summary.validation) == most)
    return min(leading, key=lambda summary: (summary.mean_validation, summary.scheme))


def _behind(summary: Summary, best: Summary) -> float:
    """Return how far the mean loss is behind that of the best, over the seeds that both have."""
    return mean_of(paired_difference(summary.validation, best.validation))


def _names(summaries: Iterable[Summary]) -> tuple[str, ...]:
    return tuple(summary.scheme for summary in summaries)


def _decision(tied: int, left: int, seeds: int, needed: int) -> Decision:
    if seeds < needed:
        return "cannot_tell"
    if tied > 1:
        return "tie"
    return "winner" if left == 1 else "lead"


def laws_of(trainable: Sequence[Summary]) -> list[list[str]]:
    """Return the schemes by law: those with the same runs, one by one, are one law here."""
    laws: dict[tuple[object, ...], list[str]] = {}
    first = min((len(summary.validation) for summary in trainable), default=0)
    for summary in trainable:
        fresh = [*summary.validation[:first].tolist(), *summary.test[:first].tolist()]
        tuning = summary.evidence.tuning
        seen = sorted((r.kind, r.learning_rate, r.seed, r.capped_loss) for r in tuning)
        laws.setdefault((summary.learning_rate, *seen, *fresh), []).append(summary.scheme)
    return list(laws.values())


def pareto_front(trainable: Sequence[Summary]) -> set[str]:
    """Return the schemes that no other beats in tuned loss without a larger regret.

    A scheme is off the front if another is at least as good in both mean validation loss at its
    chosen rate, over the seeds that it shares with the best, and regret, and better in one of them.
    These are point estimates: a place on the front is no statistical finding. Regret measures every
    scheme against the same best loss; sensitivity, which measures each against its own, would
    reward a poor best.
    """
    if not trainable:
        return set()
    best = _best_of(trainable)
    places = {s.scheme: (_behind(s, best), s.sensitivity.regret) for s in trainable}

    def dominated(place: tuple[float, float]) -> bool:
        return any(
            other[0] <= place[0] and other[1] <= place[1] and other != place
            for other in places.values()
        )

    return {scheme for scheme, place in places.items() if not dominated(place)}
