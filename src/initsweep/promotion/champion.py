"""A scheme of this study against the last decision, on the test losses of both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from initsweep.core import numbers
from initsweep.core.decisions import Challenge, Decision, Standing
from initsweep.core.records import Interval
from initsweep.statistics.comparison import FEWEST_SEEDS, outcome_of, sign_flip_p
from initsweep.statistics.intervals import mean_interval
from initsweep.statistics.two_samples import permutation_p, unpaired_interval

_RULES = "decide."
# The same rows under other weights, or a score instead of the loss, give numbers of another unit.
_UNITS = ("task.class_weights", "task.select_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What may take the champion's place.

    Attributes:
        losses: Capped test loss of each fresh seed, by seed.
        results_sha: As in `Decision`.
    """

    scheme: str
    learning_rate: float
    losses: Mapping[int, float]
    results_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what a comparison rests: this study's data, settings, margin and significance level.

    Attributes:
        loss_name: What runs are compared by, which may be how far a score stays below 1.
        margin: The smallest difference of practical interest, in that unit.
    """

    data_sha: str
    loss_name: str
    settings: Mapping[str, str]
    margin: float
    alpha: float


def challenge(decision: Decision | None, candidate: Candidate | None, terms: Terms) -> Challenge:
    """Compare a candidate with the last decision.

    Args:
        decision: The last decision, None if there is none.
        candidate: The scheme of this study, None if the study recommends none.
        terms: On what the comparison rests.

    Returns:
        How the candidate stands, in numbers and in words.
    """
    if decision is None:
        return _without_champion(candidate, terms)
    if candidate is None:
        text = f"This study recommends nothing that could replace {_named(decision)}: keep it."
        return _challenge("no_candidate", text, decision, None, terms)
    if candidate.results_sha == decision.results_sha:
        text = f"{_named(decision, 'The')} is what this study found: there is nothing to change."
        return _challenge("same", text, decision, candidate, terms)
    if terms.data_sha != decision.data_sha:
        text = (
            f"{_named(decision, 'The')} was tested on other rows ({decision.source}, "
            f"{decision.data_sha}) than this study ({terms.data_sha}), so that their losses cannot "
            "be compared. Decide anew, or run the champion's settings on this data first."
        )
        return _challenge("not_comparable", text, decision, candidate, terms)
    units = _other_units(decision, terms)
    if units:
        text = (
            f"{_named(decision)} was compared by something else than this study's schemes "
            f"({', '.join(units)}), so that the numbers cannot be compared. Decide anew, or run "
            "the champion's settings with this task first."
        )
        return _challenge("not_comparable", text, decision, candidate, terms)
    return _measured(decision, candidate, terms)


def _other_units(decision: Decision, terms: Terms) -> list[str]:
    """Return what makes the unit of the compared numbers another, one `key: then → now` each."""
    then = {"loss": decision.loss_name, **{k: decision.settings.get(k, "not set") for k in _UNITS}}
    now = {"loss": terms.loss_name, **{k: terms.settings.get(k, "not set") for k in _UNITS}}
    return changed_settings(then, now)


def _without_champion(candidate: Candidate | None, terms: Terms) -> Challenge:
    text = "No decision has been recorded yet."
    if candidate is not None:
        text += f" Record one: `initsweep promote {candidate.scheme} --by NAME --because TEXT`."
    return _challenge("no_champion", text, None, candidate, terms)


def _measured(decision: Decision, candidate: Candidate, terms: Terms) -> Challenge:
    then = dict(zip(decision.seeds, decision.test_losses, strict=True))
    shared = sorted({*then} & {*candidate.losses})
    paired = len(shared) == min(len(then), len(candidate.losses))  # one may have more than both
    if paired:
        seeds = shared
        differences = np.array([candidate.losses[seed] - then[seed] for seed in seeds])
        interval, p_value = mean_interval(differences), sign_flip_p(differences)
    else:
        new, old = np.array([*candidate.losses.values()]), np.array([*then.values()])
        interval, p_value = unpaired_interval(new, old), permutation_p(new, old)
    fewest = len(shared) if paired else min(len(then), len(candidate.losses))
    outcome = outcome_of(interval, p_value, terms.margin, terms.alpha)
    # With fewer seeds an interval is too narrow to be believed: see `FEWEST_SEEDS`.
    standing: Standing = "inconclusive" if fewest < FEWEST_SEEDS else outcome  # type: ignore[assignment]
    text = _sentence(standing, interval, decision, candidate, terms, paired=paired, seeds=fewest)
    found = (interval, p_value, paired, fewest)
    return _challenge(standing, text, decision, candidate, terms, found=found)


_SAYS: Mapping[Standing, str] = {
    "better": "has a lower test {loss} than",
    "worse": "has a higher test {loss} than",
    "equivalent": "does as well as",
    "inconclusive": "cannot be told apart from",
}


def _sentence(
    standing: Standing,
    found: Interval,
    decision: Decision,
    candidate: Candidate,
    terms: Terms,
    *,
    paired: bool,
    seeds: int,
) -> str:
    how = f"{seeds} paired seeds" if paired else "seeds that differ, unpaired"
    measured = (
        f"{numbers.difference(found.estimate)}, 95 % interval {numbers.difference(found.low)} to "
        f"{numbers.difference(found.high)}; {how}; differences below {numbers.loss(terms.margin)} "
        "do not matter"
    )
    advice = "Change." if standing == "better" else "There is no reason to change."
    if standing == "inconclusive":
        advice = "Keep the champion until more seeds decide."
        if seeds < FEWEST_SEEDS:
            advice = f"Keep the champion: at least {FEWEST_SEEDS} seeds each are needed to decide."
    says = _SAYS[standing].format(loss=terms.loss_name.replace("_", " "))
    return (
        f"{candidate.scheme} at learning rate {numbers.rate(candidate.learning_rate)} {says} "
        f"{_named(decision)} (difference {measured}). {advice}"
    )


def _named(decision: Decision, article: str = "the") -> str:
    return (
        f"{article} champion {decision.scheme} at learning rate "
        f"{numbers.rate(decision.learning_rate)} in {decision.network}"
    )


def changed_settings(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what is set otherwise, one `key: then → now` each."""
    # Earlier records hold no rules of deciding, so that nothing can be said about those.
    unknown = not any(key.startswith(_RULES) for key in then)
    keys = sorted(
        key
        for key in {*then, *now}
        if then.get(key) != now.get(key) and not (unknown and key.startswith(_RULES))
    )
    return [f"{key}: {then.get(key, 'not set')} → {now.get(key, 'not set')}" for key in keys]


def _challenge(
    standing: Standing,
    statement: str,
    decision: Decision | None,
    candidate: Candidate | None,
    terms: Terms,
    *,
    found: tuple[Interval, float, bool, int] | None = None,
) -> Challenge:
    interval, p_value, paired, seeds = found or (None, None, None, None)
    settings = [] if decision is None else changed_settings(decision.settings, terms.settings)
    return Challenge(
        standing=standing,
        change=standing in {"better", "no_champion"} and candidate is not None,
        statement=statement,
        candidate=None if candidate is None else candidate.scheme,
        champion=None if decision is None else decision.scheme,
        decided_by=None if decision is None else decision.by,
        decided_when=None if decision is None else decision.when,
        decided_because=None if decision is None else decision.because,
        difference_low=None if interval is None else interval.low,
        difference=None if interval is None else interval.estimate,
        difference_high=None if interval is None else interval.high,
        p_value=p_value,
        paired=paired,
        seeds=seeds,
        margin=terms.margin,
        changed_settings=settings,
    )
