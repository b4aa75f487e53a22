"""Readings of several seeds become rows: one per layer, and one with the verdict."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace

from initsweep.core.records import DiagnosisRow, LayerRow
from initsweep.probes.alarm_levels import alarms_for
from initsweep.probes.grounds import Evidence, Measurements, Point, backward_ratio, forward_ratio
from initsweep.probes.judgement import HEALTHY, NOT_JUDGED, judge
from initsweep.probes.questions import CHECKS
from initsweep.probes.reading import Reading
from initsweep.probes.sharpness import rate_ceiling

# Numbers beyond this, infinities and NaN of an overflow are written as this: tables hold finite
# numbers only, and averages and ratios of such numbers stay finite too.
LARGEST = 1e300

# Columns `<stem>_low` and `<stem>_high` of the layer table, and the probe they are of.
RANGES = {
    "forward": "forward_std",
    "backward": "backward_std",
    "saturated": "saturated",
    "dead": "dead",
    "effective_rank": "effective_rank",
    "cosine": "cosine",
}

# The ceiling of the rate is relied on in networks of so few layers, whose signal and gradient
# stay within such a factor of where they start.
SHALLOW, LEVEL = 6, 2.0
HUGE = 1e100  # what lies above may overflow in the next layer
DRIFTS = ("signal_grown", "signal_faded", "gradient_grown", "gradient_faded")


def layer_table(scheme: str, readings: Sequence[Reading]) -> list[LayerRow]:
    """Return one row per layer, averaged over seeds."""
    columns = {field.name for field in fields(LayerRow)}
    rows = []
    for index, name in enumerate(readings[0].names):
        measured = [reading.layers[index] for reading in readings]
        values = {probe: value for probe, value in means(measured).items() if probe in columns}
        for stem, probe in RANGES.items():
            seeds = [bounded(layer[probe]) for layer in measured]
            values |= {f"{stem}_low": min(seeds), f"{stem}_high": max(seeds)}
        rows.append(
            LayerRow(
                scheme=scheme,
                layer=index,
                name=name,
                forward_predicted=_predicted("forward_std", index, readings),
                backward_predicted=_predicted("backward_std", index, readings),
                **values,
            )
        )
    return rows


def evidence_of(readings: Sequence[Reading], constant_loss: float | None) -> Evidence:
    """Return what the verdict is based on: the averages over seeds."""
    first = readings[0]
    curvatures = [reading.sharpness for reading in readings if reading.sharpness is not None]
    return Evidence(
        names=first.names,
        layers=[
            means([reading.layers[index] for reading in readings])
            for index in range(len(first.names))
        ],
        input_scale=first.input_scale,
        input_rank=first.input_rank,
        initial_loss=mean([reading.loss for reading in readings]),
        constant_loss=constant_loss,
        gradient_norm=mean([reading.gradient_norm for reading in readings]),
        sharpness=mean(curvatures) if curvatures else None,
        trunk=_trunk(readings),
        asleep=_mostly([reading.asleep for reading in readings]),
        detached=_mostly([reading.detached for reading in readings]),
        attentions=_attentions(readings),
        not_finite=_not_finite(readings),
    )


def _trunk(readings: Sequence[Reading]) -> list[Point]:
    """Return the mean scales along the trunk, over the draws that have the first one's."""
    named = [point.name for point in readings[0].trunk]
    alike = [one.trunk for one in readings if [point.name for point in one.trunk] == named]
    return [
        replace(
            points[0],
            forward_std=mean([point.forward_std for point in points]),
            backward_std=mean([point.backward_std for point in points]),
        )
        for points in zip(*alike, strict=True)
    ]


def _attentions(readings: Sequence[Reading]) -> list[tuple[str, float]]:
    every = [reading.attentions for reading in readings]
    if len({len(attentions) for attentions in every}) != 1:
        return list(every[0])
    return [
        (calls[0][0], mean([share for _, share in calls])) for calls in zip(*every, strict=True)
    ]


def _mostly(draws: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names that more than half of the draws have."""
    counts = Counter(name for names in draws for name in names)
    return tuple(name for name, count in counts.items() if 2 * count > len(draws))


def _not_finite(readings: Sequence[Reading]) -> str | None:
    """Return the first layer whose signal is no number, or "the loss"; None if there is none.

    What overflows after it has grown is an explosion, of which the scales tell.
    """
    for reading in readings:
        before = reading.input_scale
        for name, layer in zip(reading.names, reading.layers, strict=True):
            if before > HUGE:
                return None
            if not math.isfinite(layer["forward_std"]):
                return name
            before = layer["forward_std"]
        if not math.isfinite(reading.loss) and before <= HUGE:
            return "the loss"
    return None


def diagnosis(
    scheme: str,
    readings: Sequence[Reading],
    constant_loss: float | None,
    optimizer: str = "sgd",
    *,
    one_rate: bool = True,
) -> DiagnosisRow:
    """Return the verdict on one scheme, for training with this optimizer.

    Where the scheme puts factors on rates, parameters have more than `one_rate`, and the sharpness
    is no ceiling of any.
    """
    evidence = evidence_of(readings, constant_loss)
    finding = judge(evidence, alarms_for(optimizer))
    if finding.verdict == HEALTHY and not evidence.hidden and readings[0].unseen:
        finding = replace(finding, verdict=NOT_JUDGED)
    losses = [bounded(reading.loss) for reading in readings]
    norms = [bounded(reading.gradient_norm) for reading in readings]
    curvatures = [bounded(r.sharpness) for r in readings if r.sharpness is not None]
    scales = [r.depth_scale for r in readings if r.depth_scale is not None]
    whole = len(scales) == len(readings)
    ceiling = bounded(rate_ceiling(mean(curvatures))) if curvatures and one_rate else None
    return DiagnosisRow(
        scheme=scheme,
        verdict=finding.verdict,
        reason=finding.reason,
        first_bad_layer=finding.first_bad_layer,
        initial_loss=evidence.initial_loss,
        initial_loss_low=min(losses),
        initial_loss_high=max(losses),
        constant_loss=constant_loss,
        forward_ratio=bounded(forward_ratio(evidence)),
        backward_ratio=bounded(backward_ratio(evidence)),
        gradient_norm=evidence.gradient_norm,
        gradient_norm_low=min(norms),
        gradient_norm_high=max(norms),
        sharpness=mean(curvatures) if curvatures else None,
        sharpness_low=min(curvatures, default=None),
        sharpness_high=max(curvatures, default=None),
        rate_ceiling=ceiling,
        ceiling_reliable=ceiling is not None and _reliable(evidence),
        chi=bounded(mean([scale.chi for scale in scales])) if whole else None,
        depth_scale=bounded(mean([scale.xi for scale in scales])) if whole else None,
        unseen=", ".join(readings[0].unseen),
    )


def _reliable(evidence: Evidence) -> bool:
    """Return whether the sharpness at the start says something about training.

    Elsewhere the largest rate that SGD could use lay up to four decades from the ceiling, in both
    directions: `docs/diagnosis.md`.
    """
    drift = max(check.worst(evidence) for check in CHECKS if check.name in DRIFTS)
    return drift <= LEVEL and len(evidence.names) <= SHALLOW


def bounded(value: float) -> float:
    """Return `value`, or 1e300 with its sign where it is larger, infinite or NaN."""
    if math.isnan(value):
        return LARGEST
    return max(-LARGEST, min(LARGEST, value))


def means(measured: Sequence[Measurements]) -> dict[str, float]:
    """Return the mean of each number."""
    return {probe: mean([values[probe] for values in measured]) for probe in measured[0]}


def mean(values: Sequence[float]) -> float:
    """Return the mean of numbers, each bounded first."""
    return math.fsum(bounded(value) / len(values) for value in values)


def _predicted(quantity: str, index: int, readings: Sequence[Reading]) -> float | None:
    """Return the mean prediction, or None where some seed has none."""
    found = [reading.predictions[index] for reading in readings if reading.predictions is not None]
    values = [getattr(each, quantity) for each in found if each is not None]
    return bounded(mean(values)) if len(values) == len(readings) else None
