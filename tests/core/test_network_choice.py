import pytest

from initsweep.architectures import ARCHITECTURES
from initsweep.core.errors import ParamsError
from initsweep.core.network_choice import AUTOMATIC, with_network
from initsweep.core.records import Schema
from tests.statistics.study_builder import SCHEMA


def schema_of(*shape: int) -> Schema:
    values = {name: getattr(SCHEMA, name) for name in SCHEMA.__dataclass_fields__}
    return Schema(**{**values, "shape": list(shape)})


@pytest.mark.parametrize(
    ("shape", "name"),
    [((1, 28, 28), "cnn"), ((3, 4, 4), "cnn"), ((), "mlp"), ((1, 1, 64), "mlp")],
)
def test_auto_is_cnn_for_images_and_mlp_otherwise(small_params, shape, name):
    params = with_network(small_params({"model": {"name": "auto"}}), schema_of(*shape))
    assert params.model.name == name
    image = {"image": list(shape)} if name == "cnn" else {}
    assert params.model.options == {**AUTOMATIC[name], **image}
    ARCHITECTURES.get(name)(**AUTOMATIC[name])


def test_auto_gives_the_examples_of_the_architectures():
    for name, options in AUTOMATIC.items():
        assert ARCHITECTURES.get(name).example == options


def test_auto_takes_the_options_of_the_network_it_chooses(small_params):
    params = small_params({"model": {"name": "auto", "width": 7, "kernel": 5}})
    assert with_network(params, schema_of()).model.options["width"] == 7
    chosen = with_network(params, schema_of(1, 8, 8)).model
    assert chosen.options["kernel"] == 5
    assert "width" not in chosen.options


def test_an_option_of_neither_network_is_a_mistake(small_params):
    params = small_params({"model": {"name": "auto", "widthh": 7}})
    with pytest.raises(ParamsError, match=r"model\.widthh: unknown key .*Did you mean 'width'"):
        with_network(params, schema_of())


def test_a_named_network_stays_but_for_its_image(small_params):
    params = small_params({"model": {"name": "cnn", "channels": [4], "image": None}})
    assert with_network(params, schema_of(3, 8, 9)).model.options["image"] == [3, 8, 9]
    assert with_network(params, schema_of()).model.options["image"] is None
    plain = small_params()
    assert with_network(plain, schema_of(1, 8, 8)) == plain
