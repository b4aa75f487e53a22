"""Stacks are as small as leaves bits alone, and full where nothing smaller does."""

from types import SimpleNamespace

import pytest
import torch

from initsweep.engine.stack_sizes import StackSizes


@pytest.fixture
def sizes(make_problem):
    """Sizes of a stack of 16 whose lanes change when there are fewer than so many."""

    def build(bits_from):
        def new_stack(states, _):
            change = 0.0 if len(states) >= bits_from else 2.0**-24
            sums = torch.stack([sum(one.sum() for one in state.values()) for state in states])
            return SimpleNamespace(
                losses_and_gradients=lambda *_: (sums, []),
                predict=lambda *_: sums * (1 + change) + change,
                constants={},
            )

        return StackSizes(make_problem(), 32, 16, new_stack)

    return build


@pytest.mark.parametrize(
    ("bits_from", "lanes", "size"),
    [(1, 1, 4), (1, 4, 4), (1, 5, 8), (1, 13, 16), (8, 3, 8), (13, 3, 16), (16, 16, 16)],
)
def test_the_smallest_with_room_that_keeps_bits(sizes, bits_from, lanes, size):
    assert sizes(bits_from).fitting(lanes) == size
