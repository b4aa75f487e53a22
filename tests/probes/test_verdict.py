from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from initsweep.architectures import build_model
from initsweep.core.params import parse_params
from initsweep.initializers import make_initializer
from initsweep.initializers.apply import initial_state
from initsweep.probes import PROBES
from initsweep.probes.alarm_levels import alarms_for
from initsweep.probes.averages import evidence_of
from initsweep.probes.grounds import Evidence, Point, backward_ratio, forward_ratio
from initsweep.probes.judgement import is_alarming, judge
from initsweep.probes.reading import read

HEALTHY = {
    "forward_std": 1.0,
    "backward_std": 1.0,
    "saturated": 0.0,
    "dead": 0.0,
    "distinct_after_step": 1.0,
    "effective_rank": 20.0,
    "cosine": 0.1,
    "weight_gradient_norm": 1.0,
    "weight_norm": 1.0,
    "closed": 0.0,
}


def evidence(*hidden: dict[str, float], **changes: object) -> Evidence:
    layers = [HEALTHY | each for each in hidden] + [HEALTHY]
    names = [*(f"hidden.{i}" for i in range(len(hidden))), "head"]
    base = Evidence(
        names=names,
        layers=layers,
        trunk=[
            Point(
                name=name,
                layer=name,
                segment=0,
                forward_std=layer["forward_std"],
                backward_std=layer["backward_std"],
            )
            for name, layer in zip(names[:-1], layers, strict=False)
        ],
        input_scale=1.0,
        input_rank=30.0,
        initial_loss=2.5,
        constant_loss=2.3,
        gradient_norm=1.0,
        sharpness=1.0,
    )
    return replace(base, **changes)


def scales(probe: str, *values: float) -> Evidence:
    return evidence(*({probe: value} for value in values))


CASES = {
    "all alike": (evidence({}, {}, {}), "healthy", None),
    "copies": (evidence({}, {"distinct_after_step": 0.1}), "symmetric", "hidden.1"),
    "half copies": (evidence({}, {"distinct_after_step": 0.5}), "mildly symmetric", "hidden.1"),
    "few copies": (evidence({"distinct_after_step": 0.51}), "healthy", None),
    "all dead": (evidence({}, {"dead": 0.9}), "mildly dead", "hidden.1"),
    "half dead": (evidence({"dead": 0.6}), "healthy", None),
    "flat": (evidence({}, {}, {"saturated": 0.5}), "mildly saturated", "hidden.2"),
    "signal explodes": (scales("forward_std", 1.0, 9.0, 81.0), "exploding", "hidden.2"),
    "signal vanishes": (scales("forward_std", 1.0, 0.1, 0.01, 1e-3), "vanishing", "hidden.3"),
    "signal grows": (scales("forward_std", 1.0, 4.0, 20.0), "mildly exploding", "hidden.1"),
    "signal fades": (scales("forward_std", 1.0, 0.2), "mildly vanishing", "hidden.1"),
    "within half a decade": (scales("forward_std", 1.0, 3.0, 0.4), "healthy", None),
    "dip in the middle": (scales("forward_std", 1.0, 1e-3, 1.0), "vanishing", "hidden.1"),
    "gradient vanishes": (scales("backward_std", 1e-5, 0.01, 1.0), "vanishing", "hidden.0"),
    "gradient explodes": (scales("backward_std", 9e3, 90.0, 1.0), "exploding", "hidden.0"),
    "gradient fades": (scales("backward_std", 0.01, 0.3, 1.0), "mildly vanishing", "hidden.1"),
    "first layer": (evidence({}, {}, input_scale=20.0), "mildly vanishing", "hidden.0"),
    "one direction": (evidence({"effective_rank": 1.1}), "mildly collapsed rank", "hidden.0"),
    "poor input": (evidence({"effective_rank": 1.1}, input_rank=2.0), "healthy", None),
    "hot head": (evidence({}, {}, initial_loss=24.0), "mildly exploding", "head"),
    "free constant": (evidence({}, constant_loss=0.0), "healthy", None),
    "unknown constant": (evidence({}, constant_loss=None), "healthy", None),
    "zero head": (scales("backward_std", 0.0, 0.0), "healthy", None),
    "no hidden layer": (evidence(), "healthy", None),
    "no hidden layer, hot": (evidence(initial_loss=1e300), "mildly exploding", "head"),
    "no signal": (scales("forward_std", 0.0, 0.0), "vanishing", "hidden.0"),
    "gravest first": (evidence({"distinct_after_step": 0.1, "dead": 1.0}), "symmetric", "hidden.0"),
    "saturation before its consequences": (
        evidence({"saturated": 0.8, "backward_std": 1e6}, {}),
        "saturated",
        "hidden.0",
    ),
    "dead behind an alarm": (
        evidence({}, {"dead": 0.95, "forward_std": 1e-4}),
        "dead",
        "hidden.1",
    ),
}


@pytest.mark.parametrize(("case", "verdict", "layer"), CASES.values(), ids=CASES.keys())
def test_each_fault_has_its_verdict_and_first_layer(case, verdict, layer):
    finding = judge(case)
    assert (finding.verdict, finding.first_bad_layer) == (verdict, layer)


def test_the_reason_names_layer_number_and_losses():
    finding = judge(replace(scales("forward_std", 1.0, 9.0, 81.0), initial_loss=4123.0))
    assert finding.reason == (
        "hidden.2: the signal is 81 times that of hidden.0; "
        "initial loss 4123 against 2.3 of the constant predictor"
    )


def test_adam_bears_gradients_that_sgd_does_not():
    faint = scales("backward_std", 1e-6, 1e-3, 1.0)
    assert judge(faint, alarms_for("sgd")).verdict == "vanishing"
    for optimizer in ("adam", "adamw", "rmsprop"):
        assert judge(faint, alarms_for(optimizer)).verdict == "mildly vanishing"


def test_only_findings_that_are_not_mild_are_alarms():
    assert is_alarming("vanishing")
    assert not is_alarming("mildly vanishing")
    assert not is_alarming("healthy")


def test_ratios_run_with_the_signal():
    both = evidence(
        {"forward_std": 2.0, "backward_std": 3.0}, {"forward_std": 8.0, "backward_std": 12.0}
    )
    assert forward_ratio(both) == 4.0
    assert backward_ratio(both) == 0.25
    assert forward_ratio(evidence()) == backward_ratio(evidence()) == 1.0


def test_the_verdict_needs_no_probe_that_is_not_registered():
    assert set(HEALTHY) - {"closed"} <= set(PROBES.names())


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    features, targets = load_digits(return_X_y=True)
    features = torch.tensor(features[:256])
    spread = features.std(dim=0)
    features = (features - features.mean(dim=0)) / torch.where(spread > 0, spread, 1.0)
    return features.float(), torch.tensor(targets[:256])


def diagnose(params, scheme, digits, changes):
    options = {**params.model.options, **changes}
    model = build_model("mlp", options, n_features=64, n_outputs=10)
    state = initial_state(model, make_initializer(*params.initializer(scheme)), 0)
    reading = read(model, state, *digits, functional.cross_entropy, with_sharpness=False)
    return judge(evidence_of([reading], 2.3026))


@pytest.mark.parametrize(
    ("scheme", "changes", "verdict"),
    [
        ("zeros", {}, "symmetric"),
        ("constant", {}, "symmetric"),
        ("random_normal_small", {}, "mildly vanishing"),
        ("random_normal_large", {}, "exploding"),
        ("he_normal", {}, "healthy"),
        ("he_uniform", {}, "healthy"),
        ("orthogonal", {}, "healthy"),
        ("xavier_normal", {}, "healthy"),
        ("torch_default", {}, "mildly vanishing"),
        ("torch_default", {"depth": 30}, "vanishing"),
        ("xavier_normal", {"depth": 30}, "vanishing"),
        ("he_normal", {"depth": 30}, "healthy"),
        ("orthogonal", {"depth": 30}, "healthy"),
        ("random_normal_large", {"depth": 30}, "exploding"),
        ("random_normal_large", {"depth": 20, "activation": "tanh"}, "saturated"),
        ("zeros", {"residual": True}, "symmetric"),
        ("he_normal", {"depth": 10, "residual": True}, "exploding"),
        ("random_normal_large", {"norm": "layer"}, "healthy"),
        ("he_normal", {"activation": "sigmoid"}, "mildly vanishing"),
    ],
)
def test_known_schemes_on_real_data(default_content, digits, scheme, changes, verdict):
    finding = diagnose(parse_params(default_content), scheme, digits, changes)
    assert finding.verdict == verdict, finding.reason
