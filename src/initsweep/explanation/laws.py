"""Recognizes the law that a tensor was drawn from: structure first, then family, then scale."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from initsweep.core.numbers import plain
from initsweep.explanation.families import Fit, best_fit
from initsweep.explanation.scale_rules import matching_rules, may_be_torch_default, torch_name
from initsweep.explanation.structure import structure_of
from initsweep.initializers.layers import Layer

TOO_SMALL = "too small to tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What a tensor looks like.

    Attributes:
        text: The law in a few words: one of our scheme's names where family and scale are its, a
            family with its scale otherwise.
        also: Other names of the same law for this layer: `lecun_normal` and `xavier_normal` are
            one where fan_in equals fan_out.
        sure: Whether there are enough values to tell this law from others.
        mean: Mean of the values.
        std: Standard deviation of the values, as measured: after any truncation.
    """

    text: str
    also: tuple[str, ...] = ()
    sure: bool = True
    mean: float
    std: float

    @property
    def root_mean_square(self) -> float:
        """What scales the signal: sqrt(mean² + std²)."""
        return math.hypot(self.mean, self.std)

    def __str__(self) -> str:
        return self.text


def identify(values: Tensor, layer: Layer, *, role: str = "weight") -> Law:
    """Return the law that the values of a layer's weight or bias look like.

    Constants, orthogonal and identity matrices are recognized from their structure. Among normal,
    truncated normal (at two standard deviations) and uniform, the likelihood chooses and a
    Kolmogorov-Smirnov distance may reject the choice. The scale is then compared with the rules
    that follow from the layer's fans, and with PyTorch's defaults: a uniform law by its largest
    value, which n draws determine to about 1/n, the others by their standard deviation, which n
    draws determine to sqrt((kurtosis - 1) / 4n).

    Args:
        values: The values, on any device and of any type of numbers.
        layer: The layer that they fill.
        role: "weight" or "bias".
    """
    return observe(values, layer, role=role)[0]


def observe(values: Tensor, layer: Layer, *, role: str = "weight") -> tuple[Law, Fit | None]:
    """Return the law as `identify` does, and the family that it is named by, None for none."""
    flat = values.detach().to("cpu", torch.float64).flatten()
    mean = float(flat.mean()) if len(flat) else 0.0
    std = float(flat.std(correction=0)) if len(flat) else 0.0
    if not math.isfinite(mean) or not math.isfinite(std):
        return Law(text="not finite", mean=mean, std=std), None
    if structure := structure_of(values, layer, role):
        return Law(text=structure, mean=mean, std=std), None
    # Rounding of half-precision numbers is a law of its own if it is looked at too closely.
    precision = torch.finfo(values.dtype).eps if values.is_floating_point() else 0.0
    fit = best_fit(flat, precision)
    if fit is None:
        # Too few to tell families apart, but not to see that PyTorch's default is possible.
        possible = role == "bias" and may_be_torch_default(flat, layer)
        text = f"{torch_name(layer)}?" if possible else f"{TOO_SMALL} (n = {len(flat)})"
        return Law(text=text, sure=False, mean=mean, std=std), None
    if not fit.accepted:
        return Law(text=f"no known law, mean {plain(mean, 2)}", mean=mean, std=std), fit
    rules = matching_rules(fit, layer, role)
    if not rules:
        return Law(text=_generic(fit), mean=mean, std=std), fit
    first, *others = rules
    same = tuple(rule.name for rule in others if math.isclose(rule.std, first.std, rel_tol=1e-6))
    unsure = [rule.name for rule in others if rule.name not in same]
    text = f"{first.name} or {unsure[0]}" if unsure else first.name
    return Law(text=text, also=same, sure=not unsure, mean=mean, std=std), fit


def _generic(fit: Fit) -> str:
    around = f"{plain(fit.centre)} " if fit.centre else ""
    if fit.family == "uniform":
        ends = fit.centre - fit.reach, fit.centre + fit.reach
        # An end as near to 0 as n draws can tell is 0.
        low, high = (0.0 if abs(end) < 12 * fit.reach / fit.count else end for end in ends)
        found = f"{plain(low)} to {plain(high)}" if fit.centre else f"±{plain(fit.reach)}"
        return f"uniform {found}"
    if fit.family == "truncated_normal":
        return f"truncated normal {around}±{plain(fit.reach)}"
    return f"normal {around}± {plain(fit.std)}" if around else f"normal, std {plain(fit.std)}"
