import pytest

SIZES = ("--features", "10", "--outputs", "4")


def failed(out):
    return [line for line in out.splitlines() if line.startswith("failed")]


def notes(out):
    return [line for line in out.splitlines() if line.startswith("note")]


@pytest.mark.parametrize("entry", ["mine:good", "he_normal", "orthogonal", "torch_default"])
def test_a_good_initializer_passes(command, entry):
    status, out, _ = command("check", entry)
    assert (status, failed(out)) == (0, [])
    assert out.endswith("All checks passed.\n")


@pytest.mark.parametrize(
    ("entry", "count", "expected"),
    [
        ("mine:global_torch", 2, "It draws from torch's global generator"),
        ("mine:global_numpy", 3, "It draws from NumPy's global generator"),
        ("mine:transposed", 1, "must have shape (1024, 64), received (64, 1024)"),
        (
            "mine:only_linear",
            1,
            "it fails on a convolution layer of shape (6, 2, 3, 3) (ValueError",
        ),
    ],
)
def test_a_bad_one_is_told_what_to_do(command, entry, count, expected):
    status, out, _ = command("check", entry)
    assert status == 1
    assert len(failed(out)) == count
    assert expected in out
    assert f"{count} of 5 checks failed" in out


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("mine:transposed", "must have shape (1024, 64)"),
        ("mine:raises", "ValueError: not today"),
        ("mine:returns_nothing", "must be a torch.Tensor, received None"),
    ],
)
def test_one_that_fills_nothing_is_told_so_once(command, entry, reason):
    status, out, _ = command("check", entry)
    assert (status, len(failed(out)), out.count(reason)) == (1, 1, 1)
    assert out.count("not checked, because of the failure above") == 4
    assert out.endswith("1 of 5 checks failed, 4 not run.\n")


@pytest.mark.parametrize("entry", ["mine:net", "mlp"])
def test_a_good_network_passes(command, entry):
    status, out, _ = command("check", entry, *SIZES)
    assert (status, failed(out)) == (0, [])
    assert "there is a way to train it: `" in out


def test_a_crooked_network_is_told_everything_at_once(command):
    status, out, err = command("check", "mine:Crooked", *SIZES)
    assert (status, err) == (1, "")
    assert len(failed(out)) == 2
    assert "statistics of the batch must not be used" in out
    assert "do not depend on unused.weight, unused.bias" in out
    assert "ok      there is a way to train it: `torch (one lane at a time)`, because" in out


APART = "examples do not see each other in evaluation"


@pytest.mark.parametrize(
    "options", [[], ["type=float32"], ["depth=4"]], ids=["float64", "float32", "deep"]
)
def test_what_a_network_makes_of_rounding_is_no_dependence(command, options):
    given = [part for option in options for part in ("--option", option)]
    status, out, _ = command("check", "mine:Siren", *SIZES, *given)
    assert (status, failed(out)) == (0, [])
    assert f"ok      {APART}\n" in out
    assert (
        "ok      copies can be trained as a stack: torch (vmap" in out
    )  # and by what, where faster


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ("mine:Siren", ["mixing=0.001"]),
        ("mine:Siren", ["mixing=0.001", "type=float32", "scale=1.0"]),
        ("mine:OverBatch", []),
        ("mine:Normed", []),
    ],
)
def test_a_dependence_on_the_batch_is_told_from_rounding(command, entry, options):
    given = [part for option in options for part in ("--option", option)]
    status, out, _ = command("check", entry, *SIZES, *given)
    assert status == 1
    assert f"{APART}: an example alone, or in a smaller batch, gives another output: " in out
    assert entry == "mine:Siren" or "cannot be stacked: it gives other outputs in eval" in out


def test_a_network_that_decides_by_values_is_a_note_and_no_failure(command):
    status, out, _ = command("check", "mine:Deciding", *SIZES)
    assert (status, failed(out)) == (0, [])
    stacked, served = notes(out)
    assert "Deciding cannot be stacked: its control flow depends on values" in stacked
    assert "It trains all the same, one network at a time" in stacked
    assert "`torch.where`" in stacked
    assert "the trained network can be served: " in served
    assert "at mine.py:" in served
    assert "(`return outputs if outputs.mean() > 0 else 2 * outputs`)" in served
    assert "github" not in out
    assert out.endswith("All checks passed, 2 with a note.\n")


def test_where_nothing_can_be_changed_nothing_is_advised(command):
    status, out, _ = command("check", "mine:Rough", *SIZES)
    (note,) = notes(out)
    assert status == 0
    assert note.endswith("depends on the stack. It trains all the same, one network at a time")


def test_a_softmax_at_the_end_is_noticed(command):
    status, out, _ = command("check", "mine:with_softmax", *SIZES)
    (note,) = notes(out)
    assert status == 0
    assert "sum to 1, as after a softmax" in note
    assert "sum to 1" in command("check", "mine:Half", *SIZES)[1]
    assert "sum to 1" not in command("check", "mine:with_softmax", "--features", "10",
                                     "--outputs", "1")[1]  # fmt: skip


def test_a_study_needs_a_function_of_sizes(command):
    status, out, _ = command("check", "mine:ready")
    (note,) = notes(out)
    assert status == 0
    assert "write it as `def ready(n_features, n_outputs)`" in note


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["mine:with_options", *SIZES, "--option", "hidden=64"], "parameters"),
        (["mlp", *SIZES, "--option", "depth=1", "--option", "width=5"], ": 79 parameters"),
        (["mine:of_any_width", "--option", "width=5"], ": 68 parameters"),
        (["mine:good", "--option", "scale=0.5"], "All checks passed"),
    ],
)
def test_options_are_given_on_the_command_line(command, arguments, expected):
    status, out, err = command("check", *arguments)
    assert (status, failed(out), err) == (0, [], "")
    assert expected in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["mine:with_options", *SIZES], "Give it as --option hidden=VALUE."),
        (["mine:with_options", *SIZES, "--option", "hiddn=3"], "--option hiddn: unknown key"),
        (["mine:ready", "--option", "hidden=3"], "--option hidden: unknown key, received 3. It"),
        (
            ["mine:by_position", "--option", "width=3"],
            "--option: it is called with options only, {'width': 3}: ",
        ),
        (["mine:good", "--option", "scale=[1]"], "--option takes name=value"),
        (["mine:with_options", *SIZES, "--option", "hidden"], "--option takes name=value"),
        (["mine:with_options", *SIZES, "--option", "hidden=[2"], "received 'hidden=[2'"),
        (["mine:with_options", *SIZES, "--option", "hidden=2020-01-01"], "Put text that looks"),
        (["mine:with_options", *SIZES, "--option", "hidden=[[1]]"], "received 'hidden=[[1]]'"),
    ],
)
def test_wrong_options_are_one_message(command, arguments, expected):
    status, out, err = command("check", *arguments)
    assert (status, out) == (2, "")
    assert expected in err
    assert "model" not in err


def test_free_and_frozen_parameters_are_named(command):
    status, out, _ = command("check", "mine:Token", *SIZES)
    assert (status, failed(out)) == (0, [])
    assert (
        "1 layers; 'token' (all 0) in no layer that initializers know, so every scheme leaves"
        in out
    )
    assert "frozen, so every scheme leaves it as built: 'linear.bias'" in out


def test_free_parameters_have_to_be_built_the_same(command):
    status, out, _ = command("check", "mine:Restless", *SIZES)
    assert (status, len(failed(out))) == (1, 1)
    assert "other values in parameter 'token', which initializers leave alone" in failed(out)[0]


def test_a_layer_that_initializers_do_not_know_is_one_failure_only(command):
    status, out, _ = command("check", "mine:Unknown", *SIZES)
    assert (status, len(failed(out))) == (1, 1)
    assert "No initializer knows these weights" in failed(out)[0]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "mine:wrong_size",
            "returned a tensor of shape (2, 5); it must return one tensor of shape",
        ),
        ("mine:Pair", "shape (2, 10), returned a tuple of 2; it must return one tensor of shape"),
        ("mine:failing", "RuntimeError: no such luck"),
    ],
)
def test_a_network_that_cannot_be_built_is_a_failed_check(command, entry, expected):
    status, out, _ = command("check", entry, *SIZES)
    assert (status, len(failed(out))) == (1, 1)
    assert expected in out


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("mine:nte", "Did you mean 'net'?"),
        ("nowhere:net", "no module named 'nowhere'"),
        ("he_nrmal", "is no initializer"),
        ("mine:instance", "builds a network from (n_features, n_outputs"),
        ("mine:net", "pass --features and --outputs"),
        ("random_normal:", "not of the form"),
    ],
)
def test_what_cannot_be_checked_is_one_message_and_status_2(command, entry, expected):
    status, out, err = command("check", entry)
    assert (status, out) == (2, "")
    assert expected in err
    assert len(err.splitlines()) == 1


def test_sizes_and_settings_come_from_the_parameters(command, with_params):
    status, out, _ = command("check", "mine:net")
    assert (status, failed(out)) == (0, [])
    assert "2,410 parameters" in out  # 64 inputs and 10 classes: the digits


def test_a_scheme_of_the_parameters_is_checked_with_its_options(command, with_params):
    status, out, _ = command("check", "random_normal_small")
    assert (status, failed(out)) == (0, [])
    assert "a scheme" in out


def test_a_network_that_is_built_from_nothing_is_checked(command):
    for sizes in ((), ("--features", "12", "--outputs", "3")):
        status, out, _ = command("check", "mine:ready", *sizes)
        assert (status, failed(out)) == (0, [])
        assert out.startswith("mine:ready, a network")


def test_a_function_in_the_style_of_torch_is_told_what_an_initializer_is(command):
    status, _, err = command("check", "mine:in_place")
    assert status == 2
    assert "'mine:in_place' takes (w). An initializer is a function (layer, generator) -> w" in err
