import pytest

from initsweep.core.errors import ParamsError
from initsweep.core.params import parse_params
from initsweep.core.sizes import at_size, check

CNN = {
    "name": "cnn", "channels": [16, 32], "kernel": 3, "activation": "relu", "dense": 64,
    "image": None,
}  # fmt: skip
LOOP = {
    "model": None,
    "optimizer": None,
    "training": {"function": "a:train", "options": {"width": 64, "heads": 4, "head": {"rows": 8}}},
}


def asked(vary, sizes=(32, 64, 128), targets=(512,)):
    return {"transfer": {"vary": vary, "sizes": list(sizes), "targets": list(targets)}}


@pytest.fixture
def params(changed):
    return lambda replacements: parse_params(changed(replacements))


def test_a_size_is_the_value_of_a_key_and_the_rest_stays(params):
    study = params(asked("model.width"))
    grown = at_size(study, 64)
    assert grown.model.options == {**study.model.options, "width": 64}
    assert grown.training == study.training
    assert grown.tune == study.tune
    assert not grown.transfer.sizes


def test_lists_and_further_keys_keep_their_proportion(params):
    study = params({"model": CNN, **asked(["model.channels", "model.dense"], (8, 16, 32), (64,))})
    options = at_size(study, 64).model.options
    assert (options["channels"], options["dense"], options["kernel"]) == ([64, 128], 256, 3)


def test_length_and_options_of_own_loops_grow(params):
    assert at_size(params(asked("training.epochs")), 7).training.epochs == 7
    study = params({**LOOP, **asked(["training.options.width", "training.options.head.rows"])})
    assert at_size(study, 32).loop.options == {"width": 32, "heads": 4, "head": {"rows": 4}}


def test_nothing_is_tuned_again_at_a_size(params):
    assert at_size(params({"tune.retunes": 2, **asked("model.width")}), 64).tune.retunes == 0


@pytest.mark.parametrize(
    ("vary", "more", "said"),
    [
        ("model.widht", {}, r"no 'model.widht' in the parameters. Did you mean 'width'\?"),
        ("model.activation", {}, "model.activation is 'relu', which cannot grow"),
        ("training.batch_size", {}, "'training.batch_size', which cannot grow"),
        (["model.width", "model.width"], {}, "names 'model.width' twice"),
        ("model.residual", {}, "model.residual is False, which cannot grow"),
        (
            "data.source",
            {},
            "'data.source', which cannot grow. .* one of model, or training.epochs",
        ),
        ("training.options.width", {}, "'training.options.width', which cannot grow"),
        ("model.width", LOOP, "'model.width', which cannot grow. .* one of training.options"),
        ("training.epochs", LOOP, "'training.epochs', which cannot grow"),
        (["model.width", "model.depth"], {}, "at model.width = 32, model.depth would be no whole"),
    ],
)
def test_what_cannot_grow_is_named(vary, more, said, params):
    with pytest.raises(ParamsError, match=said):
        check(params({**more, **asked(vary)}))


@pytest.mark.parametrize(
    ("sizes", "targets", "said"),
    [
        ([32, 64], [512], r"sizes: received \[32, 64\]; any law fits fewer than 3"),
        ([], [512], r"sizes: received \[\]"),
        ([64, 32, 128], [512], r"sizes must ascend, each once, received \[64, 32, 128\]"),
        ([32, 32, 64], [512], "sizes must ascend"),
        ([32, 64, 128], [], r"targets: received \[\]; .* beyond the largest of the sizes, 128"),
        ([32, 64, 128], [128], r"targets: received \[128\]"),
        ([32, 64, 128], [1024, 512], "targets must ascend"),
        ([0, 64, 128], [512], r"transfer.sizes.0: .* greater than or equal to 1"),
    ],
)
def test_sizes_that_predict_nothing_are_refused(sizes, targets, said, params):
    with pytest.raises(ParamsError, match=said):
        params(asked("model.width", sizes, targets))


@pytest.mark.parametrize("vary", [None, 3, [], [3], {}])
def test_what_grows_is_a_key_or_several(vary, params):
    with pytest.raises(ParamsError, match=r"transfer\.vary: received .*; name what grows") as error:
        params(asked(vary))
    assert str(error.value).count("vary") == 1


def test_parameters_from_before_ask_for_nothing(default_content):
    default_content.pop("transfer")
    assert not parse_params(default_content).transfer.sizes
