"""What is unusual about inputs and targets, before any layer is looked at."""

from dataclasses import dataclass

import torch
from torch import Tensor

from initsweep.core.errors import few
from initsweep.core.numbers import plain
from initsweep.diagnosis.findings import CONSTANT, Finding
from initsweep.diagnosis.task import Task
from initsweep.graph.forms import Inputs

LARGE, SMALL = 8.0, 0.03
"""Root mean square of inputs, or size of targets, from which and up to which they are suspected."""
OFFSET = 10.0  # a mean over the standard deviation around it
UNEVEN = 30.0  # a column's root mean square over the median column's


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """Numbers that may be better scaled.

    Attributes:
        what: The sentence with the number.
        remedy: The line of code.
        scaled: The numbers, scaled by it.
    """

    what: str
    remedy: str
    scaled: Tensor


def unscaled_inputs(features: Inputs) -> list[Scaling]:
    """Return what could be done about inputs of unusual size; nothing if they are usual."""
    if not isinstance(features, Tensor) or not features.is_floating_point():
        return []
    found = _described(features)
    if not found:
        return []
    scalings = []
    if float(features.min()) >= 0 and 100 < float(features.max()) <= 255:
        what, remedy = f"{found}, as pixels of 0 to 255 have", "divide the inputs by 255"
        scalings.append(Scaling(what=what, remedy=remedy, scaled=features / 255))
    if features.dim() == 2:
        std = features.std(0)
        clamp = ".clamp_min(1e-8)" if bool((std == 0).any()) else ""
        remedy = f"standardize the inputs: x = (x - x.mean(0)) / x.std(0){clamp}"
        scaled = (features - features.mean(0)) / std.clamp_min(1e-8)
    else:
        remedy = "standardize the inputs: x = (x - x.mean()) / x.std()"
        scaled = (features - features.mean()) / features.std().clamp_min(1e-8)
    tokens = features.dim() == 2 and _whole(features) and float(features.max()) > 255
    if tokens:
        remedy += "; if they are token numbers, look them up with nn.Embedding instead"
    return [*scalings, Scaling(what=found, remedy=remedy, scaled=scaled)]


def _described(features: Tensor) -> str:
    """Return what is unusual about the size of the inputs, "" if nothing is."""
    size = float(features.double().square().mean().sqrt())
    if features.dim() == 2:
        columns = features.double().square().mean(0).sqrt()
        first = int(columns.argmax())
        usual = float(columns[columns > 0].median()) if bool((columns > 0).any()) else 0.0
        if float(columns[first]) > UNEVEN * usual and float(columns[first]) > LARGE:
            mean, std = float(features[:, first].mean()), float(features[:, first].std())
            return (
                f"column {first} of the inputs has mean {plain(mean)} and std {plain(std)}, the "
                f"median column a size of {plain(usual)}"
            )
    if SMALL < size < LARGE and not _offset(features):
        return ""
    mean, std = float(features.mean()), float(features.std())
    return f"the inputs have mean {plain(mean)} and std {plain(std)}"


def _offset(numbers: Tensor) -> bool:
    """Return whether most columns lie far from 0 for how much they vary."""
    columns = numbers.double().flatten(1) if numbers.dim() > 1 else numbers.double()[:, None]
    std, mean = columns.std(0), columns.mean(0).abs()
    varied = std > 0
    return bool(varied.any()) and bool((mean > OFFSET * std)[varied].double().mean() > 0.5)


def unscaled_targets(targets: Inputs) -> list[Scaling]:
    """Return what could be done about numbers to predict of unusual size."""
    if not isinstance(targets, Tensor) or not targets.is_floating_point() or len(targets) < 2:
        return []
    mean, std = targets.mean(0), targets.std(0)
    size = float(targets.double().square().mean().sqrt())
    usual = SMALL < size < LARGE and not _offset(targets)
    if usual or not bool((std > 0).any()):
        return []
    of_all = [plain(float(one)) for one in (targets.mean(), targets.std())]
    what = f"the targets have mean {of_all[0]} and std {of_all[1]}"
    return [
        Scaling(
            what=what,
            remedy="standardize the targets: t = (t - t.mean(0)) / t.std(0)",
            scaled=(targets - mean) / std.clamp_min(1e-8),
        )
    ]


def constants(task: Task) -> list[Finding]:
    """Return remarks on what is the same for every example."""
    features, targets, found = task.features, task.targets, list[Finding]()
    if not isinstance(features, Tensor) or not isinstance(targets, Tensor):
        return found
    # A column of zeros does nothing.
    same = (features == features[:1]).all(0) & (features[0] != 0)
    if features.dim() == 2 and bool(same.any()) and not bool(same.all()):
        names = [str(index) for index in same.nonzero().flatten().tolist()]
        reason = f"column {few(names)} of the inputs has the same value in every example"
        found.append(_remark(reason, "leave it out, unless other batches differ"))
    if task.compared_with != "the batch" and bool((targets == targets[:1]).all()):
        reason = (
            "all targets of the batch are the same, so that a constant is all there is to learn"
        )
        found.append(_remark(reason, "shuffle the data: DataLoader(..., shuffle=True)"))
    return found


def _remark(reason: str, remedy: str) -> Finding:
    return Finding(cause="data", verdict=CONSTANT, reason=reason, remedy=remedy, alarm=False)


def _whole(features: Tensor) -> bool:
    return bool((features == torch.round(features)).all()) and float(features.min()) >= 0
