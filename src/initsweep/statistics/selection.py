"""Which scheme to recommend: chosen on validation, checked once on test, never revised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from initsweep.records import Decision, Outcome, PairRow, SchemeRow
from initsweep.statistics.comparison import compare_with, seeds_needed
from initsweep.statistics.summary import Summary, scheme_row
from initsweep.statistics.wording import number
from initsweep.statistics.yardstick import Yardstick


@dataclass(frozen=True, slots=True, kw_only=True)
class TieBreak:
    """One rule for choosing among tied schemes: the smallest key stays."""

    name: str
    key: Callable[[Summary], float | str]
    show: Callable[[Summary], str]


# Each decides only what the one before leaves tied. Widths are rounded because equal steps in
# log10 differ in their last digits. A basin that reaches the end of the rates tried counts with the
# width measured, because nothing is known about the rest.
TIE_BREAKS = (
    TieBreak(
        name="widest measured basin",
        key=lambda summary: -round(summary.basin_width, 6),
        show=lambda summary: f"{summary.scheme} {summary.basin_decades}",
    ),
    TieBreak(
        name="fewest failed fresh runs",
        key=lambda summary: summary.failed_runs,
        show=lambda summary: f"{summary.scheme} {summary.failed_runs}",
    ),
    TieBreak(
        name="smallest regret",
        key=lambda summary: summary.sensitivity.regret,
        show=lambda summary: f"{summary.scheme} {number(summary.sensitivity.regret)}",
    ),
    TieBreak(
        name="first name in the alphabet",
        key=lambda summary: summary.scheme,
        show=lambda summary: summary.scheme,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the choice came out, with everything it was made from.

    Attributes:
        best: The trainable scheme with the lowest mean validation loss on fresh seeds.
        tie_set: The best and all schemes not worse than it, by mean validation loss.
        pick: The member of the tie set that the tie-breaks leave; the reference of the test
            family. It is recommended unless there are too few seeds.
        tie_breaks: The tie-breaks that were needed, in order.
        tied_before: For each of them, the schemes that were still tied.
        seeds: Fresh seeds per scheme.
        seeds_needed: How many it takes to name a winner among this many schemes.
    """

    decision: Decision
    best: str | None
    tie_set: tuple[str, ...]
    pick: str | None
    tie_breaks: tuple[TieBreak, ...]
    tied_before: tuple[tuple[str, ...], ...]
    pairs: tuple[PairRow, ...]
    seeds: int
    seeds_needed: int

    @property
    def recommended(self) -> str | None:
        """The recommended scheme; None if none is trainable or there are too few seeds to say."""
        return self.pick if self.decision in {"winner", "tie"} else None

    def outcome(self, scheme: str) -> Outcome:
        """Return what the verdict table says of a trainable scheme."""
        if self.recommended is None:
            return "inconclusive"
        if scheme == self.recommended:
            return "recommended"
        return next(p.outcome for p in self.pairs if p.family == "test" and p.scheme == scheme)


def choose(summaries: Sequence[Summary], yardstick: Yardstick) -> Choice:
    """Choose among all schemes on validation, then compare the pick with all others on test.

    The test losses describe the pick and every other trainable scheme, and change nothing.

    Returns:
        The choice, with both families of comparisons.
    """
    choice = choose_on_validation(summaries, yardstick)
    if choice.pick is None:
        return choice
    trainable = (summary for summary in summaries if summary.untrainable is None)
    ranked = sorted(trainable, key=lambda summary: (summary.mean_validation, summary.scheme))
    test = {summary.scheme: summary.test for summary in ranked}
    compared = compare_with("test", choice.pick, test, yardstick)
    return replace(choice, pairs=(*choice.pairs, *compared))


def choose_on_validation(summaries: Sequence[Summary], yardstick: Yardstick) -> Choice:
    """Choose among all schemes without a look at test losses.

    The best on validation is compared with every other trainable scheme, seed by seed. All that
    are not worse than it are tied, and the tie-breaks pick one.

    The best is found on the runs it is compared with, which makes "worse" too easy to get: among
    13 equal schemes on 10 seeds some scheme is called worse in about 14 % of studies, not in 5 %.
    A false "worse" shortens the tie set; "better" and "worse" on test losses are not affected.

    Returns:
        The choice, with the comparisons on validation.
    """
    trainable = [summary for summary in summaries if summary.untrainable is None]
    seeds = len(summaries[0].validation)
    needed = seeds_needed(len(trainable) - 1, yardstick.decide.alpha)
    if not trainable:
        return _nothing(seeds, needed)
    trainable.sort(key=lambda summary: (summary.mean_validation, summary.scheme))
    best = trainable[0].scheme
    validation = {summary.scheme: summary.validation for summary in trainable}
    pairs = compare_with("validation", best, validation, yardstick)
    worse = {pair.scheme for pair in pairs if pair.outcome == "worse"}
    tied = [summary for summary in trainable if summary.scheme not in worse]
    remaining = break_tie(tied)
    pick = remaining[-1][0]
    return Choice(
        decision=_decision(len(tied), seeds, needed),
        best=best,
        tie_set=tuple(summary.scheme for summary in tied),
        pick=pick.scheme,
        tie_breaks=TIE_BREAKS[: len(remaining) - 1],
        tied_before=tuple(tuple(s.scheme for s in left) for left in remaining[:-1]),
        pairs=tuple(pairs),
        seeds=seeds,
        seeds_needed=needed,
    )


def _nothing(seeds: int, needed: int) -> Choice:
    return Choice(
        decision="none_trainable",
        best=None,
        tie_set=(),
        pick=None,
        tie_breaks=(),
        tied_before=(),
        pairs=(),
        seeds=seeds,
        seeds_needed=needed,
    )


def _decision(tied: int, seeds: int, needed: int) -> Decision:
    if seeds < needed:
        return "cannot_tell"
    return "winner" if tied == 1 else "tie"


def break_tie(tied: Sequence[Summary]) -> list[list[Summary]]:
    """Apply the tie-breaks until one scheme is left.

    Returns:
        The schemes still tied before the first tie-break, after it, and so on; the last entry
        holds one scheme.
    """
    remaining = [list(tied)]
    for tie_break in TIE_BREAKS:
        left = remaining[-1]
        if len(left) == 1:
            break
        keys = [tie_break.key(summary) for summary in left]
        smallest = sorted(keys)[0]
        remaining.append([s for s, key in zip(left, keys, strict=True) if key == smallest])
    return remaining


def pareto_front(trainable: Sequence[Summary]) -> set[str]:
    """Return the schemes that no other beats in tuned loss without a larger regret.

    A scheme is off the front if another is at least as good in both mean validation loss at its
    chosen rate and regret, and better in one of them. These are point estimates: a place on the
    front is no statistical finding. Regret measures every scheme against the same best loss;
    sensitivity, which measures each against its own, would reward a poor best.
    """
    places = {s.scheme: (s.mean_validation, s.sensitivity.regret) for s in trainable}

    def dominated(place: tuple[float, float]) -> bool:
        return any(
            other[0] <= place[0] and other[1] <= place[1] and other != place
            for other in places.values()
        )

    return {scheme for scheme, place in places.items() if not dominated(place)}


def scheme_rows(
    summaries: Sequence[Summary], choice: Choice, yardstick: Yardstick
) -> list[SchemeRow]:
    """Return the verdict table, schemes in the order given."""
    trainable = [summary for summary in summaries if summary.untrainable is None]
    front = pareto_front(trainable)
    return [
        scheme_row(
            summary,
            yardstick,
            outcome="untrainable" if summary.untrainable else choice.outcome(summary.scheme),
            in_tie_set=summary.scheme in choice.tie_set,
            pareto=summary.scheme in front,
        )
        for summary in summaries
    ]
