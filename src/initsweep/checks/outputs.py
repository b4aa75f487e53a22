"""What a network promises of its outputs."""

import torch
from torch import Tensor

from initsweep.architectures.returned import in_words
from initsweep.checks.network_under_test import Subject
from initsweep.checks.outcome import BrokenPromiseError, Note
from initsweep.diagnosis.endings import are_probabilities
from initsweep.graph.rounding import agree, in_float64, rounding, rounding_unit


def maps_in_both_modes(subject: Subject) -> str:
    """Check shape and finiteness of the outputs.

    Returns:
        Nothing to remark.

    Raises:
        BrokenPromiseError: If the outputs are of another shape or not finite.
    """
    model, batch = subject.filled(), subject.batch()
    for training, mode in ((True, "training"), (False, "evaluation")):
        with torch.no_grad():
            outputs = model.train(training)(batch)
        expected = (len(batch), subject.n_outputs)
        if not isinstance(outputs, Tensor) or tuple(outputs.shape) != expected:
            raise BrokenPromiseError(
                f"in {mode} it returned {in_words(outputs)}; it must return one tensor of shape "
                f"{expected}"
            )
        if not bool(outputs.isfinite().all()):
            raise BrokenPromiseError(f"in {mode} outputs are not finite under he_normal")
    return ""


def examples_are_independent(subject: Subject) -> str:
    """Check that an example's output does not depend on what else is in the batch.

    In float64 where the network runs so, as rounding hides little there.

    Returns:
        Nothing to remark.

    Raises:
        BrokenPromiseError: If it does, or if two evaluations differ.
    """
    model, batch = in_float64(subject.filled().eval(), subject.batch())
    with torch.no_grad():
        outputs, again = model(batch), model(batch)
    if not torch.equal(outputs, again):
        raise BrokenPromiseError(
            "two evaluations of one batch differ; randomness such as dropout must stop in `eval()`"
        )
    allowed = rounding(model, batch)
    # In a smaller batch first: what takes statistics of the batch may refuse a single example.
    for part in (slice(0, 4), slice(2, 3)):
        with torch.no_grad():
            apart = model(batch[part])
        if not agree(apart, outputs[part], allowed):
            difference = float((apart - outputs[part]).abs().max())
            raise BrokenPromiseError(
                f"an example alone, or in a smaller batch, gives another output: {difference:.2g} "
                "apart, more than rounding does; statistics of the batch must not be used in "
                "`eval()`"
            )
    return ""


def gives_scores(subject: Subject) -> str:
    """Look for a softmax at the end, which cross-entropy would apply a second time.

    Returns:
        A note if there seems to be one.
    """
    model = subject.filled().eval()
    with torch.no_grad():
        outputs = model(subject.batch())
    if not are_probabilities(outputs, rounding_unit(model, subject.batch())):
        return ""
    return Note(
        "its outputs are 0 or more and sum to 1, as after a softmax, and cross-entropy applies one "
        "itself. Leave it out: with two, the network learns slowly and is never sure. The served "
        "model gives probabilities all the same"
    )
