"""Which single change makes a network learn: it is the remedy, and it tells the cause.

Everything is tried, by some steps of the optimizer on the given batch (`trial`): the network as it
is, scaled numbers, other rates, other schemes, normalized layers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from initsweep.core.numbers import plain
from initsweep.diagnosis.few_steps import ENOUGH, PATIENT, STEPS, Outcome
from initsweep.diagnosis.findings import INPUTS, STUCK, TARGETS, TOO_LARGE, TOO_SMALL, Finding
from initsweep.diagnosis.scales import Scaling
from initsweep.diagnosis.suspect import DOWN, UP, Case
from initsweep.graph.forms import tensors_in
from initsweep.probes.judgement import DEAD, DETACHED, MILD, SYMMETRIC, is_alarming

HOPELESS = 1000.0
"""How many times too small a rate must be for an alarm: a hundred thousand steps to begin with."""
HARDLY = 0.82  # of what is bearable: it learns so little that a lower rate is tried
COSTLY = 3.0  # initial loss over the constant one from which the weights are suspected first


_ATTACH = (
    "let it take part in the loss, hold layers in nn.ModuleList or nn.ModuleDict and other weights "
    "as nn.Parameter, or freeze what is not to be trained, with requires_grad_(False)"
)


def explained(case: Case, *, wired: bool) -> list[Finding]:
    """Return what is wrong with a scheme, and what helps; nothing if it is expected to train.

    Args:
        case: The scheme.
        wired: Whether a fault of wiring is known: with one, trials say nothing.
    """
    verdict, alarming = case.row.verdict, is_alarming(case.row.verdict)
    if wired:  # which may be why nothing reaches some weights
        known = not alarming or verdict in {DEAD, DETACHED}
        return [] if known else [_initialization(case, "")]
    if verdict == DETACHED:
        return [replace(_initialization(case, _ATTACH), cause="wiring")]
    if case.rate is None and not (case.inputs or case.targets):
        return [_initialization(case, _untried(case))] if alarming else []
    outcomes = [case.bench.run(rate) for rate in case.rates]
    best = min(outcomes, key=lambda one: one.end)
    if case.bench.went_well(best) and not (case.rate is None and outcomes[0].burst):
        return _learns(case, best)
    if found := _data(case, [*case.rates, case.rates[-1] * UP[0]]):
        return found
    if alarming:
        return [_initialization(case, _scheme(case, [*case.rates, *case.others(best)]))]
    if case.rate is None:
        found = [_unscaled(one, INPUTS, alarm=False) for one in case.inputs[:1]]
        return found + [_unscaled(one, TARGETS, alarm=False) for one in case.targets]
    return _tried(case, case.rate, best)


def _untried(case: Case) -> str:
    """Return the first scheme whose signals give no alarm, or what stands in for one."""
    name = next(iter(case.candidates), None)
    return _behind(case) + ", or add skips" if name is None else _filled(case, name)


def _learns(case: Case, outcome: Outcome) -> list[Finding]:
    """Return what to say where the loss falls: signals may give an alarm all the same."""
    if is_alarming(case.row.verdict):
        return [_initialization(case, _untried(case))]
    if case.rate is not None and outcome.flew:
        found = _lower(case, case.rate, outcome)
        return [found] if found else []
    if case.rate is None or outcome.end < HARDLY * case.bench.bearable:
        return []
    lower = case.bench.run(case.rate * DOWN[0]).end
    return [_too_large(case.rate, outcome, case.rate * DOWN[0], lower)] if lower < ENOUGH else []


def _initialization(case: Case, remedy: str) -> Finding:
    return Finding(
        cause="initialization",
        verdict=case.row.verdict,
        reason=case.row.reason,
        remedy=remedy,
        scheme=case.row.scheme,
    )


def _data(case: Case, rates: Sequence[float]) -> list[Finding]:
    """Return the scaling that makes it learn at one of these rates."""
    for rate, (inputs, targets) in product(rates, _scalings(case)):
        bench = replace(
            case.bench,
            features=inputs.scaled if inputs else case.bench.features,
            targets=targets.scaled if targets else case.bench.targets,
        )
        if bench.learns(rate):
            found = [_unscaled(inputs, INPUTS)] if inputs else []
            found += [_unscaled(targets, TARGETS)] if targets else []
            return [replace(one, remedy=_with_rate(one.remedy, case, rate)) for one in found]
    return []


def _scalings(case: Case) -> Iterator[tuple[Scaling | None, Scaling | None]]:
    yield from ((one, None) for one in case.inputs)
    yield from ((None, one) for one in case.targets)
    yield from ((one, other) for one in case.inputs for other in case.targets)


def _unscaled(scaling: Scaling, verdict: str, *, alarm: bool = True) -> Finding:
    return Finding(
        cause="data", verdict=verdict, reason=scaling.what, remedy=scaling.remedy, alarm=alarm
    )


def _scheme(case: Case, rates: Sequence[float]) -> str:
    """Return the scheme that makes it learn, or that normalized layers do, or ""."""
    found = (_filling(case, rate) or _normalizing(case, rate) for rate in rates)
    return next((remedy for remedy in found if remedy), "")


def _filling(case: Case, rate: float) -> str:
    for name, state in case.candidates.items():
        if case.bench.under(state).learns(rate):
            return _with_rate(_filled(case, name), case, rate)
    return ""


def _normalizing(case: Case, rate: float) -> str:
    # Normalized copies are still copies.
    states = {} if case.row.verdict != SYMMETRIC else case.candidates
    name, state = next(iter(states.items()), ("", None))
    bench = case.bench if state is None else case.bench.under(state)
    if not replace(bench, normalized=True).learns(rate):
        return ""
    remedy = _behind(case)
    return _with_rate(f"{remedy} and {_filled(case, name)}" if name else remedy, case, rate)


def _behind(case: Case) -> str:
    images = any(one.dim() == 4 for one in tensors_in(case.bench.features))
    layer = "nn.BatchNorm2d" if images else "nn.BatchNorm1d"
    return f"put {layer} (or nn.LayerNorm) behind every hidden layer"


def _filled(case: Case, name: str) -> str:
    keep = ', unknown="keep"' if case.keeps else ""
    return f'initialize_(model, "{name}", 0{keep})'


def _with_rate(remedy: str, case: Case, rate: float) -> str:
    return remedy if rate in case.rates else f"{remedy}, and learning rate {plain(rate, 2)}"


def _tried(case: Case, rate: float, outcome: Outcome) -> list[Finding]:
    """Return what to change where the signals are as they should be, and it does not learn."""
    row = case.row
    costly = row.verdict.startswith(MILD) and outcome.start > COSTLY
    if costly and (remedy := _filling(case, rate)):
        return [_initialization(case, remedy)]
    if outcome.moved and not outcome.burst and case.bench.learns(rate, PATIENT):
        found = _higher(case, rate, outcome)
        return [replace(found, alarm=False)] if found else []
    if outcome.moved and (found := _lower(case, rate, outcome)) is not None:
        return [found]
    if remedy := _filling(case, rate):
        return [_stuck(case, rate, remedy)]
    if (found := _higher(case, rate, outcome)) is not None:
        return [found]
    others = case.others(outcome)
    if scaled := _data(case, others):
        return scaled
    if remedy := _scheme(case, [rate, *others]):
        return [_stuck(case, rate, remedy)]
    return [_hopeless(case, rate)] if case.bench.bearable < 1 else []


def _stuck(case: Case, rate: float, remedy: str) -> Finding:
    reason = (
        f"within {STEPS} steps at {plain(rate)} the loss of the batch does not fall below that of "
        "a constant prediction; with the remedy it does"
    )
    return replace(_initialization(case, remedy), verdict=STUCK, reason=reason)


def _hopeless(case: Case, rate: float) -> Finding:
    """Return what is left where nothing helps: a bug."""
    reason = (
        f"the loss of the batch does not fall below that of a constant prediction, neither at "
        f"{plain(rate)} nor at other rates, under other schemes or with normalized layers"
    )
    if case.bench.is_affine():
        reason, remedy = f"{reason}; the network is linear", "put activations between the layers"
    else:
        remedy = "check that inputs and targets belong together, and what `forward` does with them"
    return Finding(cause="wiring", verdict=STUCK, reason=reason, remedy=remedy)


def _lower(case: Case, rate: float, outcome: Outcome) -> Finding | None:
    tried = {}
    for factor in DOWN:
        tried[rate * factor] = lower = case.bench.run(rate * factor)
        if lower.end < ENOUGH:
            break
    best = min(tried, key=lambda one: tried[one].end)
    if not case.bench.went_well(tried[best]):
        return None
    return _too_large(rate, outcome, best, tried[best].end)


def _too_large(rate: float, outcome: Outcome, better: float, end: float) -> Finding:
    constant = "that of a constant prediction"
    told = f"{'rises' if outcome.flew else 'goes'} to {plain(outcome.reached)} times {constant}"
    told = "overflows" if outcome.end == math.inf else told
    reason = (
        f"within {STEPS} steps at {plain(rate)} the loss of the batch {told}, at "
        f"{plain(better, 2)} to {plain(end, 2)} times"
        f"{f' {constant}' if outcome.end == math.inf else ''}"
    )
    return _rate(TOO_LARGE, reason, f"learning rate {plain(better, 2)} or less")


def _higher(case: Case, rate: float, outcome: Outcome) -> Finding | None:
    highest = case.highest
    for factor in UP:
        if rate * factor > highest * 1.001:
            break
        if case.bench.learns(rate * factor):
            larger = plain(rate * factor, 2)
            reason = (
                f"{STEPS} steps at {plain(rate)} leave the loss of the batch at "
                f"{plain(outcome.end, 4)} times that of a constant prediction; at {larger} it falls"
            )
            found = _rate(TOO_SMALL, reason, f"learning rate {larger}")
            return replace(found, alarm=factor >= HOPELESS)
    return None


def _rate(verdict: str, reason: str, remedy: str) -> Finding:
    return Finding(cause="rate", verdict=verdict, reason=reason, remedy=remedy)
