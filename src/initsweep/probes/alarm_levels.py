"""The numbers at which the checks fire.

Alarms hang on the fitted ones. `benchmarks/diagnosis_calibration.py` finds them on networks that
were then trained, and `docs/diagnosis.md` says how often they are wrong on networks that had no
part in the fit. A check that is missing did not help there.
"""

from collections.abc import Mapping

from initsweep.core.errors import UnknownNameError
from initsweep.core.multipliers import OPTIMIZER_KINDS, kind_of
from initsweep.core.registry import did_you_mean

ALARMS: Mapping[str, Mapping[str, float]] = {
    # A gradient step of SGD is as small as the gradient; that of Adam is not.
    "sgd": {
        "signal_grown": 25.0,
        "signal_faded": 220.0,
        "gradient_grown": 6600.0,
        "gradient_faded": 4e4,
    },
    "adam": {
        "signal_grown": 25.0,
        "signal_faded": 2.7e8,
        "jump_up": 6.5,
        "gradient_grown": 6600.0,
    },
}
"""By family of optimizers; "adam" stands for all that scale each step by the gradient's size."""

FACTS: Mapping[str, float] = {"tied": 0.9}
"""Alarms without a fit: a layer of copies stays one, whatever else the network has."""

# What to call a network on which there is an alarm: the gravest of these that holds, else the
# alarm's own word. Without an alarm they are mild findings. Conventions, each with its reason:
# half of the units are copies; ReLU units split about evenly into always-on and always-off when
# examples become alike with depth, so that only clearly more dead ones are a fault; most pairs of
# example and unit are flat, of which unit-variance tanh has 3 %; one direction is left. Half of the
# queries attend to one key, so that their scores have no gradient.
CAUSES: Mapping[str, float] = {"tied": 0.5, "dead": 0.9, "saturated": 0.5}
SIGNS: Mapping[str, float] = {
    **CAUSES, "decided": 0.5, "jump_up": 10.0, "jump_down": 10.0, "cost": 10.0,
}  # fmt: skip
ONE_DIRECTION, ALIKE = 1.5, 0.99
"""Effective rank up to which, and mean cosine between examples from which, they are alike."""
LATE_SIGNS: Mapping[str, float] = {"alike": 1 / ONE_DIRECTION}

# Pilot runs found ratios within [0.5, 2] healthy in shallow networks; half a decade leaves room
# for the noise of narrow layers and for 1/√2 per layer over three layers. No alarm hangs on it.
MILD_RATIO = 10**0.5


def alarms_for(optimizer: str) -> Mapping[str, float]:
    """Return the alarms for an optimizer by its name in `params.yaml`, or in torch.

    Raises:
        UnknownNameError: If there is no such optimizer.
    """
    if (kind := kind_of(optimizer)) is None:
        known = list(OPTIMIZER_KINDS)
        raise UnknownNameError(
            f"Unknown optimizer '{optimizer}'.{did_you_mean(optimizer, known)} "
            f"Known: {', '.join(known)}."
        )
    fitted = ALARMS["sgd" if kind == "sgd" else "adam"]
    return {name: min(FACTS.get(name, at), at) for name, at in {**FACTS, **fitted}.items()}
