import json

import numpy as np
import pytest


def test_the_network_of_the_parameters(command, with_params):
    status, out, _ = command("explain", "--scheme", "he_normal")
    assert status == 0
    assert "mlp-3x128-relu" in out
    assert "shown as PyTorch would have filled it" in out
    assert "torch default U(±1/√fan_in)" in out
    assert max(map(len, out.splitlines())) <= 100


def test_networks_of_one_s_own(command):
    for entry in (("mine:net", "--features", "10", "--outputs", "4"), ("mine:of_no_size",),
                  ("mine:instance",)):  # fmt: skip
        status, out, _ = command("explain", *entry)
        assert status == 0
        assert "torch default" in out
        assert "shown as" not in out


def test_for_scripts(command, with_params):
    status, out, _ = command("explain", "mine:net", "--scheme", "random_normal_small", "--json")
    assert status == 0
    record = json.loads(out)
    assert record["network"] == "mine:net"
    assert [layer["layer"] for layer in record["layers"]] == ["0", "2"]
    assert record["under_scheme"][0]["std"] == 0.01


def test_values_that_are_not_finite_are_null_in_json(command, tmp_path):
    (tmp_path / "broken.py").write_text(
        "from torch import nn\ndef net():\n    layer = nn.Linear(3, 4)\n"
        "    nn.init.constant_(layer.weight, float('nan'))\n    return layer\n"
    )
    status, out, _ = command("explain", "broken:net", "--json")
    assert status == 0
    (layer,) = json.loads(out)["layers"]
    assert (layer["law"]["text"], layer["std"], layer["ratio_after"]) == ("not finite", None, None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "No parameter file 'params.yaml'"),
        (["mine:net"], "pass --features and --outputs"),
        (["mine:nte"], "Did you mean 'net'?"),
        (["mine:of_no_size", "--scheme", "he_nrmal"], "Did you mean 'he_normal'?"),
        (
            ["mine:of_no_size", "--scheme", "random_normal"],
            "--option std: missing. Add it; there are no hidden defaults. For example: "
            "--option std=0.01",
        ),
        (
            ["mine:of_no_size", "--scheme", "random_normal", "--option", "sd=1"],
            "--option sd: unknown key. Did you mean 'std'?",
        ),
        (["mine:instance", "--scheme", "he_normal", "--option", "slope"], "received 'slope'"),
        (["mine:instance", "--scheme", "he_normal", "--option", "slope=[1]"], "takes name=value"),
        (["mine:instance", "--option", "std=1"], "name one with --scheme"),
        (["mine:instance", "--batch", "batch.npy"], "name one with --scheme"),
        (["mine:instance", "--scheme", "lsuv"], "pass --batch FILE.npy, or run in a study"),
        (
            ["mine:instance", "--scheme", "lsuv", "--batch", "no.npy"],
            "--batch: there is no file 'no.npy'",
        ),
        (["mine:net", "--features", "0", "--outputs", "4"], "must be 1 or more"),
    ],
)
def test_mistakes_are_one_message(command, arguments, expected):
    status, out, err = command("explain", *arguments)
    assert (status, out) == (2, "")
    assert expected in err


def test_options_and_a_batch_of_one_s_own(command, tmp_path):
    np.save(tmp_path / "batch.npy", np.random.default_rng(0).normal(0, 5, (80, 3)))
    np.save(tmp_path / "wide.npy", np.zeros((80, 4)))
    status, out, _ = command("explain", "mine:instance", "--scheme", "lsuv", "--batch", "batch.npy")
    assert status == 0
    assert "orthogonal, gain 0.2" in out
    status, out, err = command(
        "explain", "mine:instance", "--scheme", "lsuv", "--batch", "wide.npy"
    )
    assert (status, out) == (2, "")
    assert "Linear fails on examples of shape (80, 4)" in err
    status, out, _ = command(
        "explain", "mine:instance", "--scheme", "random_normal", "--option", "std=0.3", "--json"
    )
    assert (status, json.loads(out)["under_scheme"][0]["std"]) == (0, 0.3)


def test_options_of_the_command_line_come_before_those_of_the_file(command, with_params):
    scheme = ("--scheme", "random_normal_small", "--option", "std=0.4", "--json")
    status, out, _ = command("explain", *scheme)
    assert (status, json.loads(out)["under_scheme"][0]["std"]) == (0, 0.4)


def test_free_and_frozen_parameters_under_a_scheme(command):
    sizes = ("--features", "10", "--outputs", "4")
    status, out, _ = command("explain", "mine:Token", *sizes, "--scheme", "he_normal")
    assert status == 0
    assert "left as built, as it is in no layer that initializers know: token." in out
    assert "Frozen, so left as built: linear.bias." in out


def test_what_is_no_network_is_named(command):
    status, _, err = command("explain", "mine:number")
    assert status == 2
    assert "'mine:number' must be a network, or a function or class that builds one; rec" in err


def test_a_question_mark_says_why_and_a_tied_weight_its_other_name(command):
    _, out, _ = command("explain", "mine:Tied")
    assert "  tied: also out.weight\n" in out
    reason = "its output goes to 'fft_fft', which is not a known operation"
    assert f"then is ? for middle: {reason}." in out
    _, out, _ = command("explain", "mine:Tied", "--json")
    table, middle = json.loads(out)["layers"]
    assert (table["also"], middle["also"]) == (["out.weight"], [])
    assert middle["after"] == {"name": "?", "gain": None, "why": reason}
    assert table["after"]["why"] == ""


def test_another_framework_s_name_is_told_ours(command):
    _, _, err = command("explain", "mine:ready", "--scheme", "kaiming_normal_")
    assert "'kaiming_normal_' is called 'he_normal' here." in err
    assert "Did you mean" not in err
