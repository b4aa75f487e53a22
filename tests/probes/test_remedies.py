"""What the diagnosis advises is done: the network as reported fails, then it learns."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.diagnosis_report_failing import FAILING
from benchmarks.diagnosis_report_training import TRAINING
from benchmarks.diagnosis_reports import judged
from initsweep import assert_healthy, diagnose
from initsweep.commands.main import main
from initsweep.core.errors import InitsweepError, UnhealthyError

CASES = {case.name: replace(case, steps=300) for case in [*FAILING, *TRAINING]}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    ("name", "verdict", "remedy"),
    [
        ("biases of -10", "dead", 'initialize_(model, "he_normal", 0)'),
        ("every weight 0.1", "symmetric", "nn.BatchNorm1d"),
        ("linear regression of 200 inputs, SGD at 0.5", "rate too large", "learning rate 0.05"),
        ("SGD at 1e-6", "rate too small", "learning rate 0.1"),
        ("inputs of std 100, NaN", "unscaled inputs", "x = (x - x.mean(0)) / x.std(0)"),
        ("prices of 250,000", "unscaled targets", "t = (t - t.mean(0)) / t.std(0)"),
        ("softmax before cross-entropy", "squashed scores", "remove the softmax"),
        ("(n, 1) against (n,)", "broadcast", "targets.reshape(outputs.shape)"),
        ("ReLU output, negative targets", "targets out of reach", "remove the ReLU"),
        ("scores into NLLLoss", "wrong loss", "nn.CrossEntropyLoss()"),
        ("all frozen", "nothing to train", "requires_grad_(True)"),
    ],
)
def test_the_cause_is_named_and_its_remedy_works(name, verdict, remedy):
    done = judged(CASES[name])
    first = done.found.findings[0]
    assert (first.cause, first.verdict, first.alarm) == (CASES[name].cause, verdict, True)
    assert remedy in first.remedy
    assert (done.fails, done.helped) == (True, True)


@pytest.mark.parametrize(
    "name", ["raw tumours with a norm first", "one output, sigmoid and BCE", "ReLU, Adam at 1e-4"]
)
def test_a_network_that_trains_gives_no_alarm(name):
    case = CASES[name]
    features, targets = case.data()
    torch.manual_seed(0)
    found = assert_healthy(
        case.build(), features[:64], targets[:64], case.loss,
        optimizer=case.optimizer, rate=case.rate,
    )  # fmt: skip
    assert (found.cause, found.remedy) == (None, None)


@pytest.mark.parametrize(("rate", "alarm"), [(10.0, True), (0.01, False)])
def test_a_rate_that_learns_only_the_batch_by_heart_is_too_large(rate, alarm):
    features = torch.randn(128, 16, generator=torch.Generator().manual_seed(0))
    targets = (features[:, :4].sum(1) > 0).long() + 2 * (features[:, 4] > 0).long()
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                            nn.Linear(64, 4))  # fmt: skip
    found = diagnose(network, features, targets, optimizer="adam", rate=rate).findings
    assert [(one.verdict, one.remedy) for one in found if one.alarm] == [
        ("rate too large", "learning rate 0.1 or less")
    ] * alarm


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(64, 6, generator=generator)
    return features, (features[:, 0] > 0).long()


def net(*end):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2), *end)


def test_the_network_and_the_generator_stay_as_they_are(batch):
    model = net()
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    found = diagnose(model, *batch, rate=1e4)
    assert found.findings[0].verdict == "rate too large"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(one.grad is None for one in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert diagnose(model, *batch, rate=1e4) == found


def test_verdicts_on_data_wiring_and_rate_fail_a_test_suite_unless_allowed(batch):
    with pytest.raises(
        UnhealthyError, match=r"wiring: squashed scores\. .*Remedy: remove the soft"
    ):
        assert_healthy(net(nn.Softmax(1)), *batch)
    assert not assert_healthy(net(nn.Softmax(1)), *batch, allow="squashed scores").healthy
    with pytest.raises(UnhealthyError, match=r"rate too large.*Remedy: learning rate"):
        assert_healthy(net(), *batch, rate=1e4)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf"), "fast"])
def test_a_rate_is_a_number_above_0(batch, rate):
    with pytest.raises(InitsweepError, match="rate: received"):
        diagnose(net(), *batch, rate=rate)


def test_random_targets_need_not_be_learnt_but_a_rate_can_be_too_large(batch):
    assert diagnose(net(), batch[0], rate=1e-3).healthy
    assert diagnose(net(), batch[0], rate=1e4).cause == "rate"


def test_a_bug_is_what_is_left_when_nothing_helps(batch):
    features = batch[0]
    xor = (features[:, 0] * features[:, 1] > 0).long()
    twice = torch.cat([features, -features, features * torch.tensor([-1.0] + [1.0] * 5)])
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 2))
    found = diagnose(linear, twice, torch.cat([xor, xor, 1 - xor]), rate=0.05)
    assert (found.cause, found.remedy) == ("wiring", "put activations between the layers")


def test_the_command_takes_a_rate_and_puts_the_answer_first(tmp_path, monkeypatch, capsys, batch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net_of_reports.py").write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))\n"
    )
    import numpy as np

    np.save("x.npy", batch[0].numpy())
    np.save("y.npy", batch[1].numpy())
    given = ["diagnose", "net_of_reports:net", "--batch", "x.npy", "--targets", "y.npy"]
    assert main([*given, "--rate", "10000", "--check", "--seeds", "1"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("rate too large\n  within 100 steps at 1e+04 the loss of the batch ")
    assert "\n  Remedy: learning rate 1 or less\n" in out
    assert "as_built: healthy" in out
    assert main([*given, "--rate", "0.1", "--check", "--seeds", "1"]) == 0


def test_pixels_columns_and_constants_are_named(batch):
    features, targets = batch
    wide = features.clone()
    wide[:, 2] = features[:, 2] * 1e4
    wide[:, 4] = 3.0
    found = diagnose(net(), wide, targets, rate=0.05)
    assert found.findings[0].verdict == "unscaled inputs"
    assert "column 2 of the inputs has mean" in found.findings[0].reason
    assert "clamp_min" in found.findings[0].remedy
    assert "column 4 of the inputs has the same value" in str(found)
    pixels = ((features.clamp(-2, 2) + 2) * 63.75).round()
    found = diagnose(net(), pixels, targets, rate=0.5)
    assert "as pixels of 0 to 255 have" in found.findings[0].reason


def test_small_inputs_are_no_matter_of_initialization(batch):
    found = diagnose(net(), batch[0] * 1e-3, batch[1], functional.cross_entropy, rate=0.1)
    assert (found.cause, found.findings[0].verdict) == ("data", "unscaled inputs")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_lucky_start_is_not_taken_for_learning(optimizer):
    torch.manual_seed(0)
    features = torch.randn(128, 6)
    targets = (features[:, 1] > 0).long()
    model = nn.Linear(6, 2)
    with torch.no_grad():
        model.weight[1, 1] = model.weight[0, 1] + 0.5  # a little better than a constant
    found = diagnose(model, features, targets, rate=1e-7, optimizer=optimizer)
    assert [one.verdict for one in found.findings if one.alarm] == ["rate too small"]
    with torch.no_grad():
        model.weight[1, 1] += 20  # and one that has learnt before has learnt
    assert diagnose(model, features, targets, rate=0.01, optimizer=optimizer).healthy


def test_a_small_rate_from_a_lucky_start_is_not_told_to_be_smaller():
    torch.manual_seed(0)
    features = torch.randn(128, 6)
    targets = (features[:, 1] > 0).long()
    model = nn.Linear(6, 2)
    with torch.no_grad():
        model.weight[1, 1] = model.weight[0, 1] + 0.5
    found = diagnose(model, features, targets, rate=3e-5)
    assert [one.verdict for one in found.findings] == ["rate too small"]
