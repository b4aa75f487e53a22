"""Recurrent layers under `torch.func.vmap`, which has no rule for them: written out step by step.

What `nn.RNN` and `nn.GRU` compute, with the module's own weights. In a stack every operation
serves all lanes, which makes up for there being many of them: a lane takes half the time. That of
`nn.LSTM`, for which torch has a kernel of its own, would take 0.8, and is left alone.
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor
from torch.library import Library
from torch.nn.functional import dropout, linear

Cell = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From what the input and the hidden state each add to the gates, and that state, to the next."""


def _gru(of_input: Tensor, of_hidden: Tensor, hidden: Tensor) -> Tensor:
    """Return the next state.

    Source: Cho et al. (2014), eq. 5 to 8, in the form of `torch.nn.GRU`.
    """
    sizes = [2 * hidden.shape[-1], hidden.shape[-1]]
    (i, i_new), (h, h_new) = (torch.split(x, sizes, -1) for x in (of_input, of_hidden))
    reset, keep = (i + h).sigmoid().chunk(2, -1)
    new = (i_new + reset * h_new).tanh()
    return new + keep * (hidden - new)


CELLS: dict[str, Cell] = {
    "gru": _gru,
    "rnn_tanh": lambda of_input, of_hidden, _: (of_input + of_hidden).tanh(),
    "rnn_relu": lambda of_input, of_hidden, _: (of_input + of_hidden).relu(),
}


@cache
def let_vmap_stack_recurrent_layers() -> Library:
    """Give torch the rules, once in a process.

    Returns:
        What they last as long as; it is kept here.
    """
    library = Library("aten", "IMPL", "FuncTorchBatched")  # type: ignore[no-untyped-call]
    for name, cell in CELLS.items():
        library.impl(f"{name}.input", _layers(cell))  # type: ignore[no-untyped-call]
    return library


def _layers(cell: Cell) -> Callable[..., tuple[Tensor, Tensor]]:
    def run(
        x: Tensor,
        start: Tensor,
        weights: Sequence[Tensor],
        has_biases: bool,  # noqa: FBT001 - torch's signature
        num_layers: int,
        dropped: float,
        train: bool,  # noqa: FBT001
        bidirectional: bool,  # noqa: FBT001
        batch_first: bool,  # noqa: FBT001
    ) -> tuple[Tensor, Tensor]:
        x = x.transpose(0, 1) if batch_first else x
        directions, each, ends = 1 + bidirectional, 4 if has_biases else 2, list[Tensor]()
        for layer in range(num_layers):
            x = dropout(x, dropped, train) if layer else x
            sides = []
            for direction in range(directions):
                number = layer * directions + direction
                own = weights[number * each : (number + 1) * each]
                steps = _one_way(cell, x, start[number], own, backwards=direction > 0)
                sides.append(torch.stack(steps[::-1] if direction else steps))
                ends.append(steps[-1])
            x = torch.cat(sides, -1)
        return x.transpose(0, 1) if batch_first else x, torch.stack(ends)

    return run


def _one_way(
    cell: Cell, x: Tensor, hidden: Tensor, weights: Sequence[Tensor], *, backwards: bool
) -> list[Tensor]:
    """Return the hidden states of one layer in one direction, in their order."""
    of_input, of_hidden, *biases = weights
    first, second = biases or (None, None)
    steps, states = list(linear(x, of_input, first).unbind(0)), list[Tensor]()
    for step in reversed(steps) if backwards else steps:
        hidden = cell(step, linear(hidden, of_hidden, second), hidden)
        states.append(hidden)
    return states
