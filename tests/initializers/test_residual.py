"""Residual branches, and the schemes that silence them: Fixup and zero-gamma."""

import pytest
import torch
from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.core.randomness import torch_stream
from initsweep.initializers import initial_state, initialize_, make_initializer
from initsweep.initializers.branches import residual_of
from tests.initializers.networks import PostActivation, PreActivation

IMAGES = torch.randn(16, 1, 8, 8, generator=torch_stream("images"))
HE, FIXUP, ZERO_GAMMA = (make_initializer(n, {}) for n in ("he_normal", "fixup", "zero_gamma"))


class Branch(nn.Module):
    """signal + branch(signal), then a head; the branch is given."""

    def __init__(self, *branch):
        super().__init__()
        self.branch, self.head = nn.Sequential(*branch), nn.Linear(4, 2)

    def forward(self, inputs):
        return self.head(inputs + self.branch(inputs))


class Transformer(nn.Module):
    """Token and position tables are added too, but are no residual branch."""

    def __init__(self):
        super().__init__()
        self.tokens, self.place = nn.Embedding(11, 8), nn.Embedding(5, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.wide, self.narrow, self.head = nn.Linear(8, 32), nn.Linear(32, 8), nn.Linear(8, 11)

    def forward(self, tokens):
        signal = self.tokens(tokens) + self.place(torch.arange(5))[: tokens.shape[1]]
        signal = signal + self.attention(signal, signal, signal)[0]
        signal = signal + self.narrow(torch.tanh(self.wide(signal)))
        return self.head(signal)


def test_branches_are_found_with_and_without_a_layer_around_them():
    residual = residual_of(PostActivation())
    assert [branch.layers for branch in residual.branches] == [
        ("first.one", "first.two"),
        ("second.one", "second.two"),
    ]
    assert residual.branches[0].norms == ("first.norm1", "first.norm2")
    assert all(branch.ends_in_norm and not branch.blocked for branch in residual.branches)
    assert residual.head == "head"
    pre = residual_of(PreActivation(depth=3))
    assert [branch.layers for branch in pre.branches] == [
        (f"blocks.{i}.one", f"blocks.{i}.two") for i in range(3)
    ]
    assert not any(branch.ends_in_norm for branch in pre.branches)


def test_branches_of_a_transformer():
    residual = residual_of(Transformer())
    assert [branch.layers for branch in residual.branches] == [("attention",), ("wide", "narrow")]


def test_fixup_scales_branches_and_silences_their_ends():
    network = PostActivation(norm=False)
    he, fixup = initial_state(network, HE, 0), initial_state(network, FIXUP, 0)
    for name, value in fixup.items():
        if name in {"first.two.weight", "second.two.weight", "head.weight"}:
            assert not value.any()
        elif name in {"first.one.weight", "second.one.weight"}:
            torch.testing.assert_close(value, he[name] * 2 ** (-1 / 2), rtol=1e-6, atol=0)
        else:
            assert torch.equal(value, he[name])


def test_fixup_counts_attention_as_four_weights():
    he, fixup = (initial_state(Transformer(), one, 0) for one in (HE, FIXUP))
    ratio = fixup["attention.in_proj_weight"] / he["attention.in_proj_weight"]
    assert float(ratio.mean()) == pytest.approx(2 ** (-1 / 6), rel=1e-5)
    ratio = fixup["wide.weight"] / he["wide.weight"]
    assert float(ratio.mean()) == pytest.approx(2 ** (-1 / 2), rel=1e-5)
    for name in ("attention.out_proj.weight", "narrow.weight", "head.weight"):
        assert not fixup[name].any()
    assert torch.equal(fixup["tokens.weight"], he["tokens.weight"])


def test_a_deep_network_starts_at_the_signal_of_its_stem_and_every_branch_learns():
    network = initialize_(PreActivation(depth=30), FIXUP, 0)
    stem = network.stem(IMAGES).detach()
    signal = stem
    for block in network.blocks:
        signal = block(signal)
    assert torch.equal(signal.detach(), stem)
    nn.init.normal_(network.head.weight)  # the head learns first; then all else does
    network(IMAGES).square().sum().backward()
    assert all(bool(block.two.weight.grad.any()) for block in network.blocks)


def test_zero_gamma_silences_the_last_norm_of_each_branch_only():
    network = PostActivation()
    he, zero = initial_state(network, HE, 0), initial_state(network, ZERO_GAMMA, 0)
    for name, value in zero.items():
        if name in {"first.norm2.weight", "second.norm2.weight"}:
            assert not value.any()
        else:
            assert torch.equal(value, he[name])


@pytest.mark.parametrize("scheme", [FIXUP, ZERO_GAMMA])
@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), "has no residual branch"),
        (nn.ModuleList([nn.Linear(4, 4)]), "cannot be found: its forward cannot be traced"),
        (
            Branch(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()),
            r"end of a residual branch.*follows it inside the branch and has no slope at 0",
        ),
    ],
)
def test_networks_of_another_kind_are_refused(scheme, network, reason):
    with pytest.raises(InitsweepError, match=reason):
        initial_state(network, scheme, 0)


def test_an_activation_with_slope_at_zero_may_end_a_branch():
    state = initial_state(Branch(nn.Linear(4, 4), nn.LayerNorm(4), nn.Tanh()), ZERO_GAMMA, 0)
    assert not state["branch.1.weight"].any()


@pytest.mark.parametrize(
    "branch",
    [(nn.Linear(4, 4),), (nn.LayerNorm(4), nn.Linear(4, 4)),
     (nn.Linear(4, 4), nn.LayerNorm(4, elementwise_affine=False))],
)  # fmt: skip
def test_zero_gamma_wants_a_norm_at_the_end(branch):
    with pytest.raises(InitsweepError, match=r"'branch\.\d' has no norm.*Choose `fixup`"):
        initial_state(Branch(*branch), ZERO_GAMMA, 0)
