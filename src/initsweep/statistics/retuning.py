"""How far the answer depends on the seeds that the rates were tuned on: study variance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from initsweep.records import RetuneRow
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.selection import Choice, choose_on_validation
from initsweep.statistics.summary import Summary, summarize
from initsweep.statistics.wording import counted, listed, number, rate
from initsweep.statistics.yardstick import Yardstick


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The study as one tuning of all schemes leaves it."""

    summaries: Sequence[Summary]
    choice: Choice


def retunings(evidence: Sequence[Evidence], yardstick: Yardstick) -> list[Tuning]:
    """Decide again with every re-tuning: other tuning seeds, the same fresh seeds.

    Returns:
        One entry per re-tuning; none if the study was tuned once.
    """
    found = []
    for index in range(len(evidence[0].retunes)):
        again = [
            replace(
                one,
                selection=one.retunes[index].selection,
                tuning=one.retunes[index].tuning,
                confirm=one.retunes[index].confirm,
            )
            for one in evidence
        ]
        summaries = summarize(again, yardstick)
        choice = choose_on_validation(summaries, yardstick)
        found.append(Tuning(summaries=summaries, choice=choice))
    return found


def retune_rows(tunings: Sequence[Tuning]) -> list[RetuneRow]:
    """Return one row per scheme and tuning; the first tuning is the study's own."""
    return [
        RetuneRow(
            scheme=summary.scheme,
            tuning=index,
            learning_rate=summary.learning_rate,
            validation_loss=summary.mean_validation,
            basin_width=summary.basin_width,
            trainable=summary.untrainable is None,
            in_tie_set=summary.scheme in tuning.choice.tie_set,
            picked=summary.scheme == tuning.choice.pick,
        )
        for index, tuning in enumerate(tunings)
        for summary in tuning.summaries
    ]


def agreement(choice: Choice, again: Sequence[Tuning]) -> str | None:
    """Say in how many re-tunings the recommended scheme comes out.

    Returns:
        A sentence; None without re-tunings or recommended scheme.
    """
    if not again or choice.recommended is None:
        return None
    same = sum(tuning.choice.pick == choice.recommended for tuning in again)
    tied = sum(choice.recommended in tuning.choice.tie_set for tuning in again)
    text = f"Tuned again on other seeds, it is chosen {_of(same, len(again))}"
    return (
        f"{text}." if same == len(again) else f"{text} and among the best {_of(tied, len(again))}."
    )


def _of(count: int, total: int) -> str:
    return f"{count} of {counted(total, 'time')}"


def retuning_steps(
    summaries: Sequence[Summary], again: Sequence[Tuning], choice: Choice
) -> list[str]:
    """Return the step of the rule that says what the re-tunings led to; none without any."""
    pick = choice.pick
    if not again or pick is None:
        return []
    every = [Tuning(summaries=summaries, choice=choice), *again]
    own = [next(s for s in tuning.summaries if s.scheme == pick) for tuning in every]
    return [
        f"Tuned again {counted(len(again), 'time')} on other seeds, with the same fresh seeds and "
        "without a look at test losses, the rule picks: "
        f"{listed(str(tuning.choice.pick) for tuning in again)}. {pick} was tuned to learning "
        f"rates {listed(rate(s.learning_rate) for s in own)}, its own first, with mean validation "
        f"losses {listed(number(s.mean_validation) for s in own)}."
    ]


def retuning_caveats(choice: Choice, again: Sequence[Tuning]) -> list[str]:
    """Say what tuning once, or tuning again with another outcome, leaves open.

    Returns:
        At most one sentence.
    """
    if choice.pick is None:
        return []
    if not again:
        return [
            "Rates were tuned once, so how far they and the choice depend on the tuning seeds is "
            "not known; `tune.retunes: 2` would show it."
        ]
    others = [str(t.choice.pick) for t in again if t.choice.pick != choice.pick]
    if not others:
        return []
    return [
        "The choice depends on the tuning seeds: tuned on others, the rule picks "
        f"{listed(sorted(set(others)))} instead of {choice.pick} {_of(len(others), len(again))}."
    ]
