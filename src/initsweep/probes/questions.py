"""The questions that a verdict asks, each as one number per layer: the larger, the worse.

At which number a check fires is not said here; see `thresholds`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from initsweep.core.numbers import plain
from initsweep.probes.grounds import Evidence, Measurements, ratio, spoken

Values = Sequence[tuple[str, float]]
"""Layer names with their numbers, in the order in which the fault spreads."""

RICH_RANK = 3.0  # an input of fewer directions cannot collapse


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One fault that an untrained network can have.

    Attributes:
        name: Name of its threshold.
        verdict: What the fault is called.
        values: The layers' numbers.
        explain: Evidence, layer and number to the sentence that gives the number.
        extreme: The number of another layer, where it is largest, in words that go on from that
            sentence.
    """

    name: str
    verdict: str
    values: Callable[[Evidence], Values]
    explain: Callable[[Evidence, str, float], str]
    extreme: Callable[[float], str] | None = None

    def worst(self, evidence: Evidence) -> float:
        """Return the largest number of any layer; 0 where there is none."""
        return max((value for _, value in self.values(evidence)), default=0.0)

    def told(self, evidence: Evidence, name: str, value: float) -> str:
        """Return the sentence on the first layer it fires for, and where it is worst."""
        sentence = f"{spoken(name)}: {self.explain(evidence, name, value)}"
        if self.extreme is None:
            return sentence
        where, worst = max(self.values(evidence), key=lambda one: one[1])
        if where == name or not worst > value:
            return sentence
        return f"{sentence}, at {spoken(where)} {self.extreme(worst)}"


def _hidden(measure: Callable[[Measurements], float]) -> Callable[[Evidence], Values]:
    return lambda evidence: [(name, measure(layer)) for name, layer in evidence.open]


def _tied(evidence: Evidence) -> Values:
    """Return the share of copies; weights that are zero and will not stay so are none."""
    return [
        (name, 1 - layer["distinct_after_step"])
        for name, layer in evidence.hidden
        if layer["closed"] < 0.5 or layer["weight_norm"] > 0
    ]


def _inverse(value: float) -> float:
    return 1 / value if value > 0 else math.inf


def _drift(probe: str, *, upwards: bool) -> Callable[[Evidence], Values]:
    """Return the scale at each place of the trunk over that where its segment starts.

    Forward it starts at the first place, backward at the last one.
    """

    def values(evidence: Evidence) -> Values:
        found = []
        for order in along(evidence, probe):
            origin = order[0][1]
            if origin > 0:
                changes = [(name, ratio(scale, origin)) for name, scale in order]
                found += changes if upwards else [(name, _inverse(one)) for name, one in changes]
            # Without any gradient (a zero head) nothing can be said about its way down.
            elif probe == "forward_std":
                found.append((order[0][0], 0.0 if upwards else math.inf))
        return found

    return values


def along(evidence: Evidence, probe: str) -> list[Values]:
    """Return the scales on the trunk in the direction of the signal, or of the gradient.

    Cut where a normalization sets the scale anew.
    """
    onwards = 1 if probe == "forward_std" else -1
    return [
        [(point.name, getattr(point, probe)) for point in part[::onwards]]
        for part in evidence.segments[::onwards]
    ]


def _jump(*, upwards: bool) -> Callable[[Evidence], Values]:
    """Return the scale at each place of the trunk over that below, or of the input."""

    def values(evidence: Evidence) -> Values:
        below, found = evidence.input_scale, []
        for order in along(evidence, "forward_std"):
            for name, scale in order:
                if below > 0:
                    change = scale / below
                    found.append((name, change if upwards else _inverse(change)))
                below = scale
            below = 0.0  # a normalization has set the scale anew
        return found

    return values


def _alike(evidence: Evidence) -> Values:
    if evidence.input_rank <= RICH_RANK:
        return []
    return [(name, _inverse(layer["effective_rank"])) for name, layer in evidence.open]


def _cost(evidence: Evidence) -> Values:
    if not evidence.names or evidence.constant_loss is None or evidence.constant_loss <= 0:
        return []
    return [(evidence.names[-1], evidence.initial_loss / evidence.constant_loss)]


def _weighted(evidence: Evidence, measure: Callable[[Measurements], float]) -> Values:
    return [(name, measure(one)) for name, one in evidence.open if one["weight_norm"] > 0]


def _faint(evidence: Evidence) -> Values:
    """Return the loss over what a change of a layer's weights by their own size does to it.

    To first order and at most: loss / (‖∂L/∂W‖ ‖W‖), a number without units.
    """
    return _weighted(
        evidence,
        lambda layer: _inverse(
            ratio(layer["weight_gradient_norm"], evidence.initial_loss) * layer["weight_norm"]
        ),
    )


def _stiff(evidence: Evidence) -> Values:
    """Return the steps at rate 2/λ after which a layer's weights have moved by their own size.

    ‖W‖ λ / (2 ‖∂L/∂W‖): the largest rate that the sharpest direction allows, against the rate
    that this layer needs.
    """
    curvature = evidence.sharpness
    if curvature is None or curvature <= 0:
        return []
    return _weighted(
        evidence,
        lambda layer: (
            layer["weight_norm"] * curvature / 2 * _inverse(layer["weight_gradient_norm"])
        ),
    )


def _drift_words(what: str, probe: str, verb: str) -> Callable[[Evidence, str, float], str]:
    def explain(evidence: Evidence, name: str, value: float) -> str:
        orders = along(evidence, probe)
        origin = next(order[0][0] for order in orders if any(name == one for one, _ in order))
        factor = value if verb == "grown" else ratio(1.0, value)
        return f"the {what} is {_times(factor)} that of {spoken(origin)}"

    return explain


def _times(factor: float) -> str:
    return f"{plain(factor)} times"


def _jump_words(*, upwards: bool) -> Callable[[Evidence, str, float], str]:
    def explain(evidence: Evidence, name: str, value: float) -> str:
        source = "the input's" if name == evidence.names[0] else "the layer's below"
        return f"the signal is {plain(value if upwards else ratio(1.0, value))} times {source}"

    return explain


CHECKS: tuple[Check, ...] = (
    Check(
        name="tied",
        verdict="symmetric",
        values=_tied,
        explain=lambda _, __, value: (
            f"only {1 - value:.2%} of the units are different from each other, "
            "and one gradient step does not tell the others apart"
        ),
    ),
    Check(
        name="dead",
        verdict="dead",
        values=_hidden(lambda layer: layer["dead"]),
        explain=lambda _, __, value: f"{value:.0%} of the units are the same on every example",
    ),
    Check(
        name="saturated",
        verdict="saturated",
        values=_hidden(lambda layer: layer["saturated"]),
        explain=lambda _, __, value: f"{value:.0%} of the activations are on the flat part",
    ),
    Check(
        name="decided",
        verdict="saturated",
        values=lambda evidence: evidence.attentions,
        explain=lambda _, __, value: f"{value:.0%} of the queries attend to a single key",
    ),
    *(
        Check(
            name=f"{what}_{verb}",
            verdict="exploding" if verb == "grown" else "vanishing",
            values=_drift(probe, upwards=verb == "grown"),
            explain=_drift_words(what, probe, verb),
            extreme=_times if verb == "grown" else lambda value: _times(ratio(1.0, value)),
        )
        for what, probe in (("signal", "forward_std"), ("gradient", "backward_std"))
        for verb in ("grown", "faded")
    ),
    Check(
        name="jump_up", verdict="exploding", values=_jump(upwards=True),
        explain=_jump_words(upwards=True),
    ),
    Check(
        name="jump_down", verdict="vanishing", values=_jump(upwards=False),
        explain=_jump_words(upwards=False),
    ),
    Check(
        name="cost",
        verdict="exploding",
        values=_cost,
        explain=lambda _, __, v: f"the outputs cost {plain(v)} times the constant predictor",
    ),
    Check(
        name="faint",
        verdict="vanishing",
        values=_faint,
        explain=lambda _, __, value: (
            "changing the weights by their own size changes the loss by at most "
            f"{plain(ratio(1.0, value))} of it"
        ),
    ),
    Check(
        name="stiff",
        verdict="vanishing",
        values=_stiff,
        explain=lambda _, __, value: (
            f"the weights move by their own size in {plain(value)} steps of the largest rate that "
            "the sharpness allows"
        ),
    ),
    Check(
        name="alike",
        verdict="collapsed rank",
        values=_alike,
        explain=lambda evidence, _, value: (
            f"the activations have an effective rank of {plain(ratio(1.0, value))}, the input "
            f"{plain(evidence.input_rank)}"
        ),
    ),
)  # fmt: skip
