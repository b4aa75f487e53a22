"""What torch says of a network that it cannot stack or trace, as we say it."""

import pytest
import torch
from torch import fx, nn
from torch.func import functional_call, vmap
from torch.nn.utils.rnn import pack_padded_sequence

from initsweep.engine.reasons import in_words, remedy


class Forward(nn.Module):
    def __init__(self, work) -> None:
        super().__init__()
        self.linear, self.work = nn.Linear(4, 2), work

    def forward(self, inputs):
        return self.work(self.linear(inputs))


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(1, 2, batch_first=True)

    def forward(self, inputs):
        lengths = torch.full((len(inputs),), 4)
        packed = pack_padded_sequence(inputs.unsqueeze(-1), lengths, batch_first=True)
        return self.recurrent(packed)[1][0]


def accumulated(values):
    total = torch.zeros(values.shape[-2:])
    total += values
    return total


def stacked(model: nn.Module) -> None:
    states = {name: torch.stack([one, one + 1]) for name, one in model.named_parameters()}
    vmap(lambda state, rows: functional_call(model, state, (rows,)), in_dims=(0, None))(
        states, torch.randn(3, 4)
    )


@pytest.mark.parametrize(
    ("model", "words", "advice"),
    [
        (Forward(lambda x: 2 * x if x.mean() > 0 else x), "control flow depends", "torch.where"),
        (Forward(lambda x: x * x.mean().item()), "calls `.item()`", "operations on tensors"),
        (Forward(lambda x: x * x[x > 0].sum()), "shape of a tensor in it depends", "torch.where"),
        (Forward(accumulated), "changes a tensor in place", "`+=`"),
        (Forward(nn.Dropout(0.5)), "draws at random", ""),
        (Forward(nn.RReLU()), "torch.func has no rule for aten::rrelu", ""),
        (Packed(), "torch.func has no rule for aten::lstm.data", ""),
    ],
)
def test_what_hinders_a_stack_is_said_in_our_words(model, words, advice):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - torch's own, of several types
        stacked(model)
    said = in_words(caught.value)
    assert words in said
    assert "vmap" not in said
    assert len(said) < 100
    found = remedy(f"Net cannot be stacked: {said}")
    assert advice in found
    assert bool(advice) == bool(found)


def test_what_hinders_a_trace_is_said_in_our_words():
    with pytest.raises(fx.proxy.TraceError) as caught:
        fx.symbolic_trace(Forward(lambda x: 2 * x if x.mean() > 0 else x))
    assert in_words(caught.value).startswith("control flow, in it or in one of its layers")


def test_anything_else_is_its_first_line():
    assert in_words(ValueError("one\ntwo")) == "one"
    assert in_words(ValueError()) == "ValueError"
    assert remedy("one") == ""
