"""How far the answer depends on the seeds that the rates were tuned on: study variance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from initsweep.core.numbers import loss, rate
from initsweep.core.records import RetuneRow
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.scheme_summary import Summary, summarize
from initsweep.statistics.selection import Choice, choose_on_validation
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The study as one tuning of all schemes leaves it."""

    summaries: Sequence[Summary]
    choice: Choice


def retunings(evidence: Sequence[Evidence], thresholds: Thresholds, study: Tuning) -> list[Tuning]:
    """Decide again with every re-tuning: the same fresh seeds, the first ones, which all have.

    Args:
        evidence: All records.
        thresholds: The margins.
        study: The decision of the study, over all fresh seeds.

    Returns:
        The study's own tuning over those seeds, then one entry per re-tuning.
    """
    counts = {len(one.confirm) for one in evidence}
    if not evidence[0].retunes:
        return [study]
    own = study if len(counts) == 1 else _decided(evidence, 0, min(counts), thresholds)
    indices = range(1, len(evidence[0].retunes) + 1)
    return [own, *(_decided(evidence, index, min(counts), thresholds) for index in indices)]


def _decided(
    evidence: Sequence[Evidence], index: int, first: int, thresholds: Thresholds
) -> Tuning:
    summaries = summarize([_retuned(one, index, first) for one in evidence], thresholds)
    return Tuning(summaries=summaries, choice=choose_on_validation(summaries, thresholds))


def _retuned(one: Evidence, index: int, first: int) -> Evidence:
    """Return a scheme as one of its tunings leaves it; 0 is the study's own."""
    if not index:
        return replace(one, confirm=one.confirm[:first], test_rows=None)
    retune = one.retunes[index - 1]
    return replace(one, selection=retune.selection, tuning=retune.tuning, confirm=retune.confirm)


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


def agreement(choice: Choice, tunings: Sequence[Tuning]) -> str | None:
    """Say in how many re-tunings the recommended scheme comes out.

    Returns:
        A sentence; None without re-tunings or recommended scheme.
    """
    again = tunings[1:]
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


def retuning_steps(tunings: Sequence[Tuning], choice: Choice) -> list[str]:
    """Return the step of the rule that says what the re-tunings led to; none without any."""
    pick, again = choice.pick, tunings[1:]
    if not again or pick is None:
        return []
    own = [next(s for s in tuning.summaries if s.scheme == pick) for tuning in tunings]
    seeds = counted(len(own[0].validation), "fresh seed")
    return [
        f"Tuned again {counted(len(again), 'time')} on other seeds, with the same {seeds} and "
        "without a look at test losses, the rule picks: "
        f"{', '.join(str(tuning.choice.pick) for tuning in again)}, and from the study's own "
        f"tuning {tunings[0].choice.pick}. {pick} was tuned to learning rates "
        f"{', '.join(rate(s.learning_rate) for s in own)}, its own first, with mean validation "
        f"losses {', '.join(loss(s.mean_validation) for s in own)}."
    ]


def retuning_caveats(tunings: Sequence[Tuning]) -> list[str]:
    """Say what tuning once, or tuning again with another outcome, leaves open.

    Returns:
        At most one sentence.
    """
    pick, again = tunings[0].choice.pick, tunings[1:]
    if pick is None:
        return []
    if not again:
        return [
            "Rates were tuned once, so how far they and the choice depend on the tuning seeds is "
            "not known; `tune.retunes: 2` would show it."
        ]
    others = [str(t.choice.pick) for t in again if t.choice.pick != pick]
    if not others:
        return []
    return [
        "The choice depends on the tuning seeds: tuned on others, the rule picks "
        f"{', '.join(sorted(set(others)))} instead of {pick} {_of(len(others), len(again))}."
    ]
