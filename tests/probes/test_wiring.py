"""Faults between inputs, outputs, loss and targets are found on one batch, and nothing else is."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from initsweep import diagnose
from initsweep.diagnosis.constants import constant_loss
from initsweep.diagnosis.endings import ending_of
from initsweep.diagnosis.losses import expects
from initsweep.diagnosis.targets import is_binary
from initsweep.diagnosis.task import make_task
from initsweep.diagnosis.wiring import wiring

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(32, 6, generator=GENERATOR)
CLASSES = torch.randint(3, (32,), generator=GENERATOR)
BITS = torch.randint(2, (32, 1), generator=GENERATOR).float()
NUMBERS = torch.randn(32, 1, generator=GENERATOR)


class Then(nn.Module):
    """A small network whose `forward` does more."""

    def __init__(self, outputs, then=lambda z: z, before=lambda x: x):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, outputs))
        self.then, self.before = then, before

    def forward(self, x):
        return self.then(self.body(self.before(x)))


def by_hand(scores):
    return scores.exp() / scores.exp().sum(1, keepdim=True)


def batch_norm():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.Linear(8, 3)
    )


class Recurrent(nn.Module):
    def __init__(self, *, batch_first):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.GRU(3, 8, batch_first=batch_first), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body(x)[0][:, -1])


def verdicts(model, features, targets, loss=None):
    task = make_task(model, features, targets, loss)
    return [one.verdict for one in wiring(model, task)]


@pytest.mark.filterwarnings("ignore:Using a target size")  # torch says it too
@pytest.mark.parametrize(
    ("model", "targets", "loss", "verdict"),
    [
        (Then(3, lambda z: z.softmax(1)), CLASSES, None, "squashed scores"),
        (Then(3, by_hand), CLASSES, None, "squashed scores"),
        (Then(3, torch.relu), CLASSES, nn.CrossEntropyLoss(), "squashed scores"),
        (Then(3, lambda z: z.softmax(0)), CLASSES, None, "squashed scores"),
        (Then(1, torch.sigmoid), BITS, nn.BCEWithLogitsLoss(), "squashed scores"),
        (Then(1, torch.sigmoid), NUMBERS * 4, functional.mse_loss, "targets out of reach"),
        (Then(1), NUMBERS[:, 0], functional.mse_loss, "broadcast"),
        (Then(1, lambda z: z[:, 0]), NUMBERS, functional.l1_loss, "broadcast"),
        (Then(1), NUMBERS[:, 0], lambda z, t: ((z - t) ** 2).mean(), "broadcast"),
        (Then(3), CLASSES, functional.nll_loss, "wrong loss"),
        (Then(3, lambda z: z.softmax(1)), CLASSES, functional.nll_loss, "wrong loss"),
        (Then(1), BITS, functional.cross_entropy, "wrong loss"),
        (Then(3, lambda z: z.detach()), CLASSES, None, "detached"),
        (Then(1), BITS, lambda z, t: (((z > 0).float() - t) ** 2).mean(), "detached"),
        (Then(3).requires_grad_(requires_grad=False), CLASSES, None, "nothing to train"),
        (Then(1, lambda z: z.softmax(1)), BITS, nn.BCELoss(), "blind to the inputs"),
        (Then(3, before=lambda x: x * 0), CLASSES, None, "blind to the inputs"),
        (Then(3, before=lambda x: x.t().reshape(-1, 6)), CLASSES, None, "examples mixed"),
    ],
)  # fmt: skip
def test_a_fault_is_named(model, targets, loss, verdict):
    found = diagnose(model, X, targets, loss)
    assert [one.verdict for one in found.findings if one.alarm] == [verdict]
    assert found.cause == "wiring"
    assert found.remedy
    assert not found.healthy


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    ("model", "targets", "loss"),
    [
        (Then(3), CLASSES, nn.CrossEntropyLoss(label_smoothing=0.1)),
        (Then(3, lambda z: z.log_softmax(1)), CLASSES, nn.CrossEntropyLoss()),
        (Then(3, lambda z: z.log_softmax(1)), CLASSES, functional.nll_loss),
        (Then(3, lambda z: z.softmax(1)), CLASSES, lambda z, t: functional.nll_loss(z.log(), t)),
        (Then(1, torch.sigmoid), BITS, nn.BCELoss()),
        (Then(1, torch.sigmoid), BITS, functional.mse_loss),
        (Then(1), NUMBERS[:, 0], lambda z, t: functional.mse_loss(z[:, 0], t)),
        (Then(1, torch.tanh), NUMBERS.clamp(-1, 1), nn.HuberLoss(reduction="sum")),
        (Then(3, torch.relu), torch.rand(32, 3), functional.mse_loss),
        (batch_norm(), CLASSES, None),
        (nn.Sequential(*[layer for _ in range(20) for layer in (nn.Linear(6, 6), nn.Sigmoid())],
                       nn.Linear(6, 3)), CLASSES, None),
    ],
)  # fmt: skip
def test_what_is_wired_well_is_not_blamed(model, targets, loss):
    assert verdicts(model, X, targets, loss) == []


def test_a_recurrent_layer_must_know_which_axis_is_the_batch():
    sequences = torch.randn(32, 5, 3, generator=torch.Generator().manual_seed(1))
    assert verdicts(Recurrent(batch_first=False), sequences, CLASSES) == ["examples mixed"]
    assert verdicts(Recurrent(batch_first=True), sequences, CLASSES) == []


def test_one_output_and_targets_of_0_and_1_are_two_classes():
    for targets in (BITS, BITS[:, 0].long()):
        found = diagnose(Then(1), X, targets)
        assert "binary cross-entropy with logits" in str(found)
        assert found.schemes[0].constant_loss < 0.7
        assert (found.cause, found.findings) == (None, [])
    assert "of probabilities" in str(diagnose(Then(1, torch.sigmoid), X, BITS))
    assert "one output" not in str(diagnose(Then(1), X, BITS, task="regression"))
    assert not is_binary(torch.zeros(4, 1), torch.tensor([0.0, 1.0, 0.5, 1.0]))


def test_a_shape_that_the_usual_loss_takes_and_torchs_does_not_is_a_remark():
    found = diagnose(Then(1), X, NUMBERS[:, 0])
    assert [(one.verdict, one.alarm) for one in found.findings] == [("broadcast", False)]
    assert found.healthy
    assert "remark on wiring: broadcast" in str(found)


def test_an_end_is_seen_through_changes_of_shape():
    z = torch.randn(4, 3, requires_grad=True)
    assert ending_of(z.sigmoid().squeeze().reshape(3, 4)).kind == "sigmoid"
    assert ending_of(z.softmax(-1)).axis == 1
    assert ending_of(z * 2) is None


def test_what_a_loss_expects_is_found_by_asking_it():
    z, dense = torch.randn(8, 3), torch.randn(8, 3, 4)
    classes = torch.randint(3, (8,))
    assert expects(functional.cross_entropy, z, classes) == "scores"
    assert expects(functional.cross_entropy, dense, torch.randint(3, (8, 4))) == "scores"
    assert expects(functional.cross_entropy, z, z.softmax(1)) == "scores"
    assert expects(functional.nll_loss, z, classes) == "log-probabilities"
    bits = torch.tensor([0.0, 1.0] * 4)
    logits = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))
    assert expects(logits, z[:, :1], bits[:, None]) == "log-odds"
    assert expects(functional.mse_loss, z[:, :1], bits[:, None]) == "anything"
    assert expects(functional.mse_loss, z[:, :1], bits[:, None] * 1e6) == "anything"
    assert expects(nn.CosineEmbeddingLoss(), z, bits) == "anything"


def test_the_best_constant_prediction_is_found_for_the_usual_losses():
    numbers = torch.randn(64, 2) * 3 + 7
    outputs = torch.zeros(64, 2)
    spread = float(numbers.var(0, correction=0).mean())
    assert constant_loss(functional.mse_loss, outputs, numbers) == pytest.approx(spread, rel=1e-4)
    classes = torch.tensor([0, 0, 0, 1])
    entropy = -(0.75 * torch.tensor(0.75).log() + 0.25 * torch.tensor(0.25).log())
    found = constant_loss(functional.cross_entropy, torch.zeros(4, 2), classes)
    assert found == pytest.approx(float(entropy), rel=1e-4)
    bits = torch.tensor([[0.0], [0.0], [0.0], [1.0]])
    for loss in (functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits):
        assert constant_loss(loss, torch.zeros(4, 1), bits) == pytest.approx(
            float(entropy), rel=1e-4
        )
