"""Which axis of the outputs holds the classes, and targets that do not fit."""

import pytest
import torch
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.targets import as_classes, as_numbers, class_axis, drawn, entropy


@pytest.mark.parametrize(
    ("outputs", "targets", "axis"),
    [
        ((8, 5), (8,), 1),
        ((8, 5), (8, 1), 1),
        ((8, 5, 3), (8, 3), 1),  # torch's cross_entropy
        ((8, 3, 5), (8, 3), 2),  # a sequence with its classes last
        ((8, 5, 5), (8, 5), 1),
        ((8, 5, 4, 3), (8, 4, 3), 1),
        ((8, 4, 3, 5), (8, 4, 3), 3),
        ((8, 1), (8,), None),
        ((8,), (8,), None),
        ((8, 5), (8, 5), None),
        ((8, 5, 4, 3), (8, 5), None),
    ],
)
def test_the_targets_tell_where_the_classes_are(outputs, targets, axis):
    assert class_axis(torch.Size(outputs), torch.Size(targets)) == axis


@pytest.mark.parametrize(
    ("outputs", "features", "targets", "words"),
    [
        ((8, 5), (8, 2), (8,), "5 classes"),
        ((8, 5, 4, 4), (8, 3, 4, 4), (8, 4, 4), "5 classes on axis 1"),
        ((8, 7, 5), (8, 7), (8, 7), "5 classes on axis 2"),  # tokens in
        ((8, 7, 5), (8, 7, 16), (8, 7), "5 classes on axis 2"),  # vectors in
        ((8, 5, 7), (8, 3, 7), (8, 7), "5 classes on axis 1"),  # a one-dimensional convolution
        ((8, 3, 7), (8, 3, 7), (8, 7), "3 classes on axis 1"),
        ((8, 1), (8, 2), (8, 1), "numbers"),
        ((8,), (8, 2), (8,), "numbers"),
    ],
)
def test_without_targets_the_shapes_tell(outputs, features, targets, words):
    found, said = drawn(torch.zeros(outputs), torch.zeros(features), None)
    assert (tuple(found.shape), said) == (targets, words)


def test_what_is_drawn_can_be_told():
    outputs, features = torch.zeros(8, 5), torch.zeros(8, 2)
    assert drawn(outputs, features, "regression")[0].shape == (8, 5)
    with pytest.raises(InitsweepError, match="one output per class"):
        drawn(torch.zeros(8, 1), features, "classification")


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (6, 4, 3, 2)])
def test_the_loss_is_cross_entropy_wherever_the_classes_are(shape):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = torch.randint(4, (shape[0], *shape[2:]), generator=generator)
    expected = functional.cross_entropy(outputs, targets)
    torch.testing.assert_close(entropy(outputs, targets), expected)
    torch.testing.assert_close(entropy(outputs.movedim(1, -1), targets), expected)


def test_whole_numbers_for_one_output_must_be_explained():
    counts, outputs = torch.arange(8), torch.zeros(8, 1)
    with pytest.raises(InitsweepError, match=r'task="regression" \(--task regression\)'):
        as_classes(counts, outputs)
    assert as_numbers(counts, outputs).dtype == torch.float32
    with pytest.raises(InitsweepError, match="one per output"):
        as_numbers(counts, torch.zeros(8, 2))


def test_classes_may_be_written_as_floats_but_not_as_fractions():
    outputs = torch.zeros(3, 4)
    assert as_classes(torch.tensor([0.0, 3.0, 1.0]), outputs).tolist() == [0, 3, 1]
    with pytest.raises(InitsweepError, match="not whole"):
        as_classes(torch.tensor([0.5, 1.0, 2.0]), outputs)
