"""Stacks are as small as leaves bits alone, and full where nothing smaller does."""

from types import SimpleNamespace

import pytest
import torch

from initsweep.engine.stack_sizes import StackSizes


@pytest.fixture
def sizes(make_problem):
    """Sizes of a stack of 16 whose lanes change when there are fewer than so many.

    Their outputs do, or their parameters in an update.
    """

    def build(bits_from, in_update):
        def new_stack(states, _):
            changes = 0.0 if len(states) >= bits_from else 2.0**-24
            change = 0.0 if in_update else changes
            sums = torch.stack([sum(one.sum() for one in state.values()) for state in states])
            return SimpleNamespace(
                losses_and_gradients=lambda *_: (sums, []),
                predict=lambda *_: sums * (1 + change) + change,
                constants={},
                blocks=[torch.zeros(len(states))],
                changes=changes,
            )

        def update(stack, _):
            stack.blocks[0] += stack.changes if in_update else 0.0

        return StackSizes(make_problem(), 32, 16, new_stack, update)

    return build


@pytest.mark.parametrize("in_update", [False, True])
@pytest.mark.parametrize(
    ("bits_from", "lanes", "size"),
    [(1, 1, 4), (1, 4, 4), (1, 5, 8), (1, 13, 16), (8, 3, 8), (13, 3, 16), (16, 16, 16)],
)
def test_the_smallest_with_room_that_keeps_bits(sizes, bits_from, lanes, size, in_update):
    assert sizes(bits_from, in_update).fitting(lanes) == size
