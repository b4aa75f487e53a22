"""`read_any` looks at a network on a batch of whatever form, with a loss that takes the batch."""

from collections import UserDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.any_batch import read_any
from initsweep.probes.reading import read

TOKENS = torch.randint(10, (6, 5), generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(6) % 4
MASK = torch.ones(6, 5)


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(10, 8)
        self.hidden = nn.Linear(8, 16)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens, mask=None):
        signal = self.table(tokens)
        signal = signal if mask is None else signal * mask[..., None]
        return self.head(self.hidden(signal.mean(1)).relu())


class OfOne(Reader):
    """Its one argument is the batch itself."""

    def forward(self, batch):
        return super().forward(batch["tokens"])


class OfObject(Reader):
    def forward(self, batch):
        return super().forward(batch.tokens)


class OfList(Reader):
    def forward(self, sequences):
        return torch.cat([Reader.forward(self, one[None]) for one in sequences])


@dataclass(frozen=True, slots=True)
class Batch:
    tokens: torch.Tensor
    wanted: torch.Tensor
    length: int = 5


Named = namedtuple("Named", "tokens wanted")
FORMS = {
    "named arguments": (Reader, {"tokens": TOKENS, "mask": MASK, "wanted": CLASSES}),
    "a mapping": (Reader, UserDict(tokens=TOKENS, wanted=CLASSES)),
    "arguments": (Reader, (TOKENS, MASK, CLASSES)),
    "a list from a loader": (Reader, [TOKENS, MASK, CLASSES]),
    "a dictionary as one argument": (OfOne, {"tokens": TOKENS, "wanted": CLASSES}),
    "a named tuple": (OfObject, Named(TOKENS, CLASSES)),
    "a dataclass": (OfObject, Batch(TOKENS, CLASSES)),
    "nested": (OfOne, {"tokens": TOKENS, "more": [{"wanted": CLASSES}]}),
}


def wanted(batch):
    if isinstance(batch, dict):
        return batch["wanted"] if "wanted" in batch else batch["more"][0]["wanted"]
    return batch.wanted if hasattr(batch, "wanted") else batch[2]


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_any_form_gives_the_reading_of_the_stage(form):
    kind, batch = FORMS[form]
    network = kind()
    network.train(False)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    found = read_any(network, batch, lambda scores, batch: functional.cross_entropy(
        scores, wanted(batch)))  # fmt: skip
    plain = Reader()
    state = dict(plain.named_parameters())
    assert found == read(plain, state, TOKENS, CLASSES, functional.cross_entropy)
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())
    assert not network.training


def test_sequences_of_different_lengths_are_one_argument():
    sequences = [torch.arange(length) for length in (3, 5, 2, 4)]
    found = read_any(OfList(), sequences, lambda scores, given: functional.cross_entropy(
        scores, torch.tensor([len(one) % 4 for one in given])), with_sharpness=False)  # fmt: skip
    assert found.names == ["hidden", "head"] * 4
    assert found.sharpness is None


@pytest.mark.parametrize(
    ("batch", "loss", "message"),
    [
        ({"tokens": TOKENS}, lambda scores, batch: scores, "one real number"),
        (
            {"tokens": TOKENS},
            lambda scores, batch: batch["y"],
            "or its loss fails .* KeyError: 'y'",
        ),
        ({"token": TOKENS}, lambda scores, _: scores.sum(), "fails on a batch of shape"),
        (object(), lambda scores, _: scores.sum(), "a dictionary or a dataclass"),
    ],
)
def test_what_cannot_be_read_is_named(batch, loss, message):
    with pytest.raises(InitsweepError, match=message):
        read_any(Reader(), batch, loss)
