"""Networks that take anything are checked, diagnosed and explained from the shell."""

import pytest

NETS = """
import torch
from torch import nn
from tests.any_networks import CASES, GPT2


def gpt2():
    return GPT2()


def batch():
    tokens = torch.randint(20, (8, 6), generator=torch.Generator().manual_seed(0))
    return {"input_ids": tokens, "labels": tokens, "for the loss": [tokens]}


def loss(outputs, batch):
    return outputs.loss * len(batch["for the loss"])


class Lost(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, first, rest):
        noise = torch.rand(8, 4) if rest["noisy"].any() else 0
        return {"scores": self.used(first) + noise}


PAIR = (torch.ones(8, 4).cumsum(0), {"noisy": torch.zeros(8)})
NOISY = (PAIR[0], {"noisy": torch.ones(8)})


def fails():
    raise RuntimeError("no data")
"""


@pytest.fixture
def anything(command, tmp_path):
    (tmp_path / "anything.py").write_text(NETS)
    return command


def test_a_network_keeps_its_promises_on_a_batch_of_its_own(anything):
    given = ("anything:gpt2", "--batch", "anything:batch")
    status, out, _ = anything("check", *given, "--loss", "anything:loss")
    assert (status, out.count("\nok ")) == (0, 4)
    assert "logits (8, 6, 20), loss (), hidden.0 (8, 6, 16)" in out
    assert "of the loss given" in out
    status, out, _ = anything("check", "anything:gpt2", "--batch", "anything:batch")
    assert (status, "unexpected keyword argument 'for the loss'" in out) == (1, True)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ("anything:PAIR", "the outputs do not depend on unused.weight, unused.bias"),
        ("anything:NOISY", "two evaluations of the batch differ"),
    ],
)
def test_a_broken_promise_is_named(anything, batch, told):
    status, out, _ = anything("check", "anything:Lost", "--batch", batch)
    assert (status, told in out) == (1, True)


def test_diagnose_and_explain_take_a_batch_that_code_makes(anything):
    given = ("--batch", "anything:batch", "--loss", "anything:loss")
    status, out, _ = anything("diagnose", "anything:gpt2", *given, "--seeds", "1", "--check")
    assert (status, out.startswith("as_built: healthy")) == (0, True)
    case = ("anything:gpt2", "--scheme", "lsuv", "--batch", "anything:batch")
    status, _, err = anything("explain", *case)
    assert (status, "unexpected keyword argument 'for the loss'" in err) == (2, True)
    status, out, _ = anything("explain", "anything:Lost", "--scheme", "lsuv", "--batch",
                              "anything:PAIR")  # fmt: skip
    assert (status, "used" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "anything:gpt2", "--loss", "anything:loss"), "--loss is about a --batch"),
        (("check", "anything:gpt2", "--batch", "anything:fails"), "fails without arguments: Runt"),
        (
            ("diagnose", "anything:gpt2", "--batch", "anything:nothing"),
            "module 'anything' has no 'nothing'",
        ),
    ],
)
def test_a_batch_that_cannot_be_had_is_told(anything, arguments, told):
    status, _, err = anything(*arguments)
    assert (status, told in err) == (2, True)
