"""The diagnosis runs on every valid network, and leaves it and its batch as they were."""

import re
from collections import UserDict

import pytest
import torch
from torch import nn

from initsweep import assert_healthy, diagnose
from initsweep.core.errors import InitsweepError
from initsweep.probes.reading import look
from tests import odd_networks as odd

IMAGES = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
ROWS = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
CLASSES = torch.arange(16) % 5


def seen(network, batch):
    """What one pass shows."""
    torch.manual_seed(0)
    parameters = dict(network.named_parameters())
    return look(network, parameters, batch, None, lambda outputs, _: outputs.square().mean())


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize("kind", odd.MIXING)
def test_what_mixes_or_changes_no_numbers_is_no_activation(kind):
    network = odd.around(odd.MIXING[kind]())
    assert seen(network, IMAGES).layers[0].activation is None
    assert len(diagnose(network, IMAGES).layers) == 3


@pytest.mark.parametrize("kind", odd.POINTWISE)
def test_what_acts_on_each_number_alone_is_an_activation(kind):
    first = seen(odd.around(odd.POINTWISE[kind]()), IMAGES).layers[0]
    torch.testing.assert_close(first.activations, first.activation(first.pre_activations.clone()))
    assert not torch.equal(first.activations, first.pre_activations)


def test_a_normalization_with_an_activation_inside_is_seen_as_both():
    first = seen(odd.around(odd.NormedAndActivated(8)), IMAGES).layers[0]
    assert first.normalized
    torch.testing.assert_close(first.pre_activations.mean(dim=0), torch.zeros(8).double())
    torch.testing.assert_close(first.activations, first.pre_activations.relu())


@pytest.mark.parametrize("kind", odd.LAYERS)
def test_a_layer_with_a_forward_of_its_own_shows_what_it_multiplies(kind):
    torch.manual_seed(0)
    build, axes = odd.LAYERS[kind]
    network, batch = build(), IMAGES if axes == 4 else ROWS
    given = []
    network[1].register_forward_hook(lambda module, args, _: given.append(args[0].detach()))
    for _ in range(30):  # until power iterations have settled
        network.train()(batch)
    shot = seen(network, batch)
    first = shot.layers[0]
    rows = given[-1].movedim(1, -1).flatten(0, -2).double()
    torch.testing.assert_close(first.pre_activations, rows, rtol=1e-3, atol=1e-4)
    assert first.weight_gradient.any()
    assert first.activation is not None
    assert shot.unseen == ()
    assert diagnose(network, batch).layers


def test_a_layer_that_returns_more_than_its_product_is_looked_at():
    assert [row.name for row in diagnose(odd.flat(odd.Summed()), ROWS).layers] == ["0.pair", "2"]


def test_a_standardized_weight_is_the_one_that_is_looked_at():
    first = seen(odd.LAYERS["standardizes"][0](), IMAGES).layers[0]
    torch.testing.assert_close(first.weight.mean((1, 2, 3)), torch.zeros(8).double())


PRECISIONS = {
    "float64": (small, ROWS, ""),
    "tables": (odd.Tables, ROWS, ""),
    "complex": (odd.Fourier, ROWS, ""),
    "double": (lambda: small().double(), ROWS, ""),
    "half": (lambda: small().half(), ROWS.half(), ""),
    "cast": (odd.Singly, ROWS, "in float32: in float64, RuntimeError: mat1 and mat2"),
    "state": (odd.Stateful, ROWS, "in float32: in float64, RuntimeError: "),
    "one hot": (odd.OneHot, CLASSES, "in float32: in float64, RuntimeError: "),
    "quietly": (odd.Quietly, ROWS, "in float32: in float64, 'a' gives float32"),
    "bfloat16": (odd.Halved, ROWS, "in its own precision: in float64, RuntimeError: "),
}


@pytest.mark.parametrize("kind", PRECISIONS)
def test_networks_run_in_the_precision_that_they_take(kind):
    torch.manual_seed(0)
    build, batch, note = PRECISIONS[kind]
    network = build()
    found = diagnose(network, batch)
    lowered = [one for one in found.notes if one.startswith("computed")]
    assert (lowered[0].startswith(f"computed {note}")) if note else not lowered
    dtype = next(one.dtype for one in network.parameters() if not one.is_complex())
    with torch.no_grad():
        outputs = network(batch.to(dtype) if batch.is_floating_point() else batch)
    head = seen(network, batch).layers[-1].pre_activations
    torch.testing.assert_close(head, outputs.double(), rtol=0.05, atol=0.02)


def test_curvature_of_complex_parameters_and_of_torchs_attention():
    torch.manual_seed(0)
    assert diagnose(odd.Fourier(), ROWS).schemes[0].sharpness > 0
    assert diagnose(odd.Attending(), ROWS).schemes[0].sharpness > 0


def test_wrapped_networks_are_looked_at_inside():
    network = small()
    plain, wrapped = diagnose(network, ROWS), diagnose(nn.DataParallel(network), ROWS)
    assert wrapped.layers == plain.layers
    assert set(wrapped.notes) - set(plain.notes) == {
        "looked at the network inside the DataParallel"
    }
    assert diagnose(lambda: nn.DataParallel(small()), ROWS, seeds=[0]).layers[0].name == "0"


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_scripted_networks_are_told_what_to_give_instead():
    scripted = torch.jit.script(small())
    with pytest.raises(InitsweepError, match=r"The network is scripted.*before torch\.jit\.script"):
        diagnose(scripted, ROWS)
    with pytest.raises(InitsweepError, match="'0' of Sequential is scripted"):
        diagnose(nn.Sequential(scripted, nn.Linear(3, 3)), ROWS)
    network = nn.Sequential(nn.Linear(6, 8), torch.jit.script(nn.ReLU()), nn.Linear(8, 3))
    assert len(diagnose(network, ROWS).layers) == 2


ERRORS = (None, KeyError("x"), AttributeError("y"), NotImplementedError(), Exception("z"))


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_a_network_or_a_loss_raises_is_no_verdict(error):
    said = repr(error).partition("(")[0] if error else "AssertionError: three channels, please"

    def loss(outputs, targets):
        return odd.Careful(error)(outputs[:, :2])

    with pytest.raises(InitsweepError, match="Careful fails") as of_network:
        assert_healthy(odd.Careful(error), ROWS)
    with pytest.raises(InitsweepError, match="Sequential or its loss fails") as of_loss:
        assert_healthy(small(), ROWS, CLASSES, loss)
    for caught in (of_network, of_loss):
        assert not isinstance(caught.value, AssertionError)
        assert f"fails on a batch of shape (16, 6): {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda outputs, _: outputs.square(), r"one real number, received shape \(16, 3\)"),
        (lambda outputs, _: 1.0, "one real number, received 1.0"),
    ],
)
def test_a_loss_that_cannot_be_one_is_named(loss, message):
    with pytest.raises(InitsweepError, match=message):
        diagnose(small(), ROWS, CLASSES, loss)


FORMS = {
    "tuple": (ROWS, CLASSES),
    "arrays": (ROWS.numpy(), CLASSES.numpy()),
    "names": {"x": ROWS, "tokens": CLASSES, "mask": None, "scale": 1.0},
    "mapping": UserDict(x=ROWS, tokens=CLASSES),
}


@pytest.mark.parametrize("form", FORMS)
def test_several_inputs_are_the_arguments_of_forward(form):
    torch.manual_seed(0)
    network = odd.Several()
    found = assert_healthy(network, FORMS[form])
    plain = seen(network, (ROWS, CLASSES))
    assert [row.name for row in found.layers] == ["a", "head"]
    assert found.schemes[0].gradient_norm > 0
    assert plain.layers[1].inputs.shape == (16, 8)
    assert "lsuv: " in str(diagnose(network, FORMS["mapping"], schemes="lsuv"))


def test_nested_inputs_are_handed_on_as_they_are():
    network = odd.Listening()
    for named in ({"tokens": CLASSES}, [{"tokens": CLASSES}]):
        assert len(diagnose(network, ([ROWS, ROWS[:, :2]], named)).layers) == 2


ANSWERS = {
    "'0' of it, of shape (16, 3)": lambda hidden, logits: (logits, hidden),
    "returns dict: 'logits'": lambda hidden, logits: {"hidden": hidden, "logits": logits},
    "returns Named: 'logits'": odd.Named,
    "returns Record: 'states.0'": lambda hidden, logits: odd.Record(1, [logits, hidden]),
    "the loss is the one": lambda hidden, logits: {"loss": logits.square().mean(), "x": hidden},
    "network computes itself": lambda hidden, logits: logits.square().mean(),
}


@pytest.mark.parametrize("note", ANSWERS)
def test_outputs_have_any_form_and_a_note_says_what_is_compared(note):
    torch.manual_seed(0)
    found = assert_healthy(odd.Answering(ANSWERS[note]), ROWS)
    assert note in str(found)
    assert found.schemes[0].gradient_norm > 0


def test_a_loss_gets_outputs_and_targets_in_their_forms():
    def loss(outputs, targets):
        return (outputs["logits"] - targets["wanted"]).square().mean()

    network = odd.Answering(ANSWERS["returns dict: 'logits'"])
    found = diagnose(network, ROWS, {"wanted": ROWS[:, :3]}, loss)
    assert found.schemes[0].sharpness > 0


@pytest.mark.parametrize("form", [lambda h, z: z.argmax(1), lambda h, z: torch.complex(z, z)])
def test_outputs_without_real_numbers_need_a_loss(form):
    with pytest.raises(InitsweepError, match=r"no real numbers .* give targets and a loss"):
        diagnose(odd.Answering(form), ROWS)


def state_of(network):
    """All that is not to change, by name."""
    values = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    kept = {name: value.detach().clone() for name, value in values.items()}
    kept |= {f"{name}.grad": p.grad.clone() for name, p in network.named_parameters()
             if p.grad is not None}  # fmt: skip
    flags = {name: (module.training, len(module._forward_hooks), len(module._forward_pre_hooks))
             for name, module in network.named_modules()}  # fmt: skip
    trained = [p.requires_grad for p in network.parameters()]
    own = (network.count, len(network.seen), list(network.heard), network.last.tolist())
    return kept, flags, trained, own


def test_nothing_of_a_network_or_its_batch_changes():
    torch.manual_seed(0)
    network, batch = odd.Restless(), ROWS.clone()
    network(batch.clone()).sum().backward()
    network.train()
    network.norm.eval()
    before, drawn = state_of(network), torch.get_rng_state()
    first = diagnose(network, batch)
    assert diagnose(network, batch) == first
    after = state_of(network)
    assert all(torch.equal(after[0][name], value) for name, value in before[0].items())
    assert after[0].keys() == before[0].keys()
    assert after[1:] == before[1:]
    assert torch.equal(batch, ROWS)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_parts_that_are_unused_shared_repeated_or_without_gradient():
    torch.manual_seed(0)
    found = diagnose(odd.Loose(), ROWS)
    assert [row.name for row in found.layers] == ["a", "twice", "twice", "off", "head"]
    assert "not looked at: unused.weight, unused.bias" in str(found)
    found = diagnose(odd.Experts(), ROWS)
    assert [row.name for row in found.layers] == ["parts.1", "parts.2", "head"]
    assert "not looked at: parts.0.weight, parts.0.bias" in str(found)


def test_a_sequence_that_is_told_apart_has_random_classes():
    network = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))
    assert "(3 classes)" in str(diagnose(network, torch.randn(8, 3, 8)))


def test_theory_has_no_rule_for_a_forward_of_the_users():
    padded = diagnose(odd.LAYERS["pads itself"][0](), IMAGES).layers
    normed = diagnose(odd.around(odd.NormedAndActivated(8)), IMAGES).layers
    plain = diagnose(odd.around(nn.BatchNorm2d(8)), IMAGES).layers
    known = [[row.forward_predicted is not None for row in one] for one in (padded, normed, plain)]
    assert known == [[False, True], [False, True, True], [True, True, True]]


def test_theory_ends_where_the_axis_of_examples_changes():
    torch.manual_seed(0)
    network = odd.Merging()
    found = diagnose(network, torch.randn(8, 5, 6))
    assert len(found.layers) == 3
    assert re.search("healthy|mildly", found.schemes[0].verdict)


class Turned(nn.Module):
    """A linear layer whose weight is kept as (in, out), as GPT-2 has them."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(fan_in, fan_out) / fan_in**0.5)
        self.bias = nn.Parameter(torch.zeros(fan_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return rows.view(*x.shape[:-1], -1)


class Own(nn.Module):
    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(fan_out, fan_in) / fan_in**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.kernel)


@pytest.mark.parametrize("kind", [Turned, Own])
def test_layers_of_the_user_s_own_are_seen_by_their_products(kind):
    torch.manual_seed(0)
    model = nn.Sequential(kind(6, 9), nn.Tanh(), kind(9, 7), nn.Tanh(), nn.Linear(7, 3))
    plain = nn.Sequential(
        nn.Linear(6, 9, bias=kind is Turned), nn.Tanh(),
        nn.Linear(9, 7, bias=kind is Turned), nn.Tanh(), nn.Linear(7, 3),
    )  # fmt: skip
    with torch.no_grad():
        for theirs, ours in zip(plain.parameters(), model.parameters(), strict=True):
            theirs.copy_(ours if theirs.shape == ours.shape else ours.T)
    batch = torch.randn(32, 6)
    found, expected = (diagnose(one, batch, torch.arange(32) % 3) for one in (model, plain))
    for ours, theirs in zip(found.layers, expected.layers, strict=True):
        assert ours.forward_std == pytest.approx(theirs.forward_std)
        assert ours.backward_std == pytest.approx(theirs.backward_std)
        assert ours.weight_gradient_norm == pytest.approx(theirs.weight_gradient_norm)
        assert ours.saturated == pytest.approx(theirs.saturated)
