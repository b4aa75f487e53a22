import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep.probes.attention import can_open, open_attentions
from initsweep.probes.capture import capture


def ignore(*_):
    pass


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("other", [None, 5])
def test_attention_written_out_is_torchs_attention(batch_first, other):
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first, kdim=other, vdim=other)
    query, key = torch.randn(4, 4, 8), torch.randn(4, 4, other or 8)
    mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
    padding = torch.zeros(4, 4, dtype=torch.bool)
    padding[0, -1] = True
    arguments = {"attn_mask": mask, "key_padding_mask": padding}
    expected = attention(query, key, key, **arguments)
    unbatched = attention(query[0], key[0], key[0], need_weights=False)[0]
    open_attentions(attention, ignore)
    found = attention(query, key, key, **arguments)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two)
    torch.testing.assert_close(
        attention(query[0], key[0], key[0], need_weights=False)[0], unbatched
    )


def test_attention_with_extra_tokens_is_left_alone():
    assert can_open(nn.MultiheadAttention(8, 2))
    assert not can_open(nn.MultiheadAttention(8, 2, add_bias_kv=True))
    assert not can_open(nn.MultiheadAttention(8, 2, add_zero_attn=True))


def test_a_transformer_is_seen_projection_by_projection():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    net = nn.Sequential(layer, nn.Flatten(), nn.Linear(16 * 5, 3))
    features, targets = torch.randn(9, 5, 16), torch.randint(3, (9,))
    parameters = dict(net.named_parameters())
    shot = capture(net, parameters, features, targets, functional.cross_entropy, {})
    names = [each.name for each in shot.layers]
    assert names == [
        "0.self_attn.query", "0.self_attn.key", "0.self_attn.value", "0.self_attn.out_proj",
        "0.linear1", "0.linear2", "2",
    ]  # fmt: skip
    assert shot.unseen == ()
    assert shot.layers[4].activation is not None  # called as a function, F.relu
    loss = functional.cross_entropy(net(features), targets)
    loss.backward()
    packed = torch.cat([each.weight_gradient for each in shot.layers[:3]])
    torch.testing.assert_close(packed.float(), layer.self_attn.in_proj_weight.grad)
    total = torch.cat([p.grad.flatten() for p in net.parameters()]).norm()
    assert shot.gradient_norm == pytest.approx(float(total), rel=1e-4)


def test_parameters_that_no_layer_owns_are_named():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift, self.fc = nn.Parameter(torch.zeros(4)), nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x + self.shift)

    net = Shifted()
    shot = capture(
        net, dict(net.named_parameters()), torch.randn(5, 4), torch.randint(2, (5,)),
        functional.cross_entropy, {},
    )  # fmt: skip
    assert shot.unseen == ("shift",)
