import re

import pytest
from pydantic import BaseModel

from initsweep.core.errors import ParamsError
from initsweep.core.params import Grid, Loop, Params, fingerprint, load_params, parse_params
from tests.conftest import ROOT

PARAMETERS = [ROOT / "params.yaml", *sorted(ROOT.glob("examples/*/params.yaml"))]


def message(content) -> str:
    with pytest.raises(ParamsError) as caught:
        parse_params(content)
    return str(caught.value)


def test_the_repository_s_own_file_is_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.tune.grid.points == 9
    assert len(params.confirm.seeds) == 10


def optional(section, before=""):
    """The dotted keys of a section that need not be there."""
    found = set()
    for name, field in section.model_fields.items():
        if not field.is_required():
            found.add(before + name)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= optional(field.annotation, f"{before}{name}.")
    return found


@pytest.mark.parametrize("file", PARAMETERS, ids=lambda file: file.parent.name)
def test_a_file_of_parameters_says_what_may_be_missing(file):
    head = [line[2:] for line in file.read_text("utf-8").splitlines() if line.startswith("# ")]
    said = re.search(r"What may be missing is then not used: (.*?), and of a", " ".join(head))
    of_a_loop = {"loop", "training.function"}  # these two tell it from the engine's training
    assert {*said[1].split(", ")} == optional(Params) - of_a_loop
    assert {*Loop.model_fields} - optional(Loop) == {"function"}


def test_what_may_be_missing_is_needed_where_it_is_used(changed):
    content = changed({"training.schedule": "cosine"})
    del content["training"]["decay_fraction"]
    parse_params(content)
    content["training"]["schedule"] = "wsd"
    assert "training: wsd needs decay_fraction" in message(content)


@pytest.mark.parametrize(
    ("replacements", "expected"),
    [
        ({"training.epcohs": 3}, ["training.epcohs", "unknown key", "'epochs'"]),
        ({"tune.grid.lwo": 1}, ["tune.grid.lwo", "unknown key", "'low'"]),
        ({"trainig": {}}, ["trainig", "unknown key", "'training'"]),
        ({"tune.grid.low": "1e-4"}, ["tune.grid.low", "'1e-4'", "without quotes", "0.0001"]),
        ({"training.epochs": -3}, ["training.epochs", "greater than or equal to 1", "-3"]),
        ({"training.epochs": 2.5}, ["training.epochs", "integer", "2.5"]),
        ({"training.epochs": "12"}, ["training.epochs", "'12'", "e.g. 12."]),
        ({"training.epochs": True}, ["training.epochs", "integer", "True"]),
        ({"training.gradient_clip": 0.0}, ["training.gradient_clip", "0.0"]),
        ({"data.test_fraction": 0.9}, ["data", "below 1", "0.9"]),
        ({"optimizer.name": "sdg"}, ["optimizer.name", "'sgd'", "'sdg'"]),
        ({"optimizer.momentum": 0.0, "optimizer.nesterov": True}, ["nesterov", "momentum"]),
        ({"tune.grid.low": float("nan")}, ["tune.grid.low", "finite"]),
        ({"tune.grid.low": 2.0}, ["tune.grid", "low must be below high"]),
        ({"runtime.device": "gpu"}, ["runtime: device must be auto, cpu", "'gpu'"]),
        ({"runtime.workers": "all"}, ["runtime.workers: ", "'auto'", "'all'"]),
        ({"initializers.constant": {"value": [1]}}, ["initializers.constant.value", "[1]"]),
        ({"confirm.seeds": [4, 100]}, ["confirm.seeds", "tune.seeds", "[4]", "fresh"]),
        ({"tune.seeds": [1, 1]}, ["tune.seeds", "repeats"]),
        (
            {"tune.retunes": 1, "confirm.seeds": [1_000_001]},
            ["tune.retunes", "re-tuning 1", "1000001", "confirm.seeds"],
        ),
        ({"tune.retunes": 2, "tune.seeds": [2**31 - 5]}, ["tune.retunes", "below 2**31"]),
        ({"tune.retunes": 1, "tune.seeds": [0, 1_000_000]}, ["tune.retunes", "neither in"]),
        ({"schemes": ["he_norml"]}, ["schemes", "'he_norml'", "Did you mean 'he_normal'"]),
        ({"schemes": ["zeros", "zeros"]}, ["schemes", "zeros", "more than once"]),
        ({"schemes": []}, ["schemes", "at least 1"]),
        ({"data.table.targett": 1}, ["data.table.targett", "unknown key", "'target'"]),
        ({"data.table.delimiter": ";;"}, ["data.table", "auto or one character", "';;'"]),
        ({"data.table.categorical": "age"}, ["data.table.categorical", "array", "'age'"]),
        (
            {"data.table.test_file": "a.csv", "data.table.split_column": "fold"},
            ["data.table", "test_file and split_column", "one to null"],
        ),
        (
            {"training.schedule": "wsd", "training.warmup_fraction": 0.9},
            ["training: warmup_fraction + decay_fraction", "0.9 + 0.2"],
        ),
        (
            {"optimizer.name": "schedule_free_sgd", "optimizer.momentum": 0.0},
            ["optimizer: schedule_free_sgd needs momentum > 0"],
        ),
        (
            {"initializers.zeros": {"optimizer": {"name": "muno", "momentun": 0.9}}},
            ["initializers.zeros.optimizer.name", "'muno'", "Did you mean 'momentum'"],
        ),
        (
            {"initializers.zeros": {"optimizer": "adamw"}},
            ["initializers.zeros.optimizer: received 'adamw'", "mapping such as {name: adamw}"],
        ),
        (
            {"initializers.zeros": {"optimizer": {"momentum": 0.0, "nesterov": True}}},
            ["initializers.zeros.optimizer: nesterov needs"],
        ),
        ({"initializers.zeros": {"optimiser": {"name": "sgd"}}}, ["zeros.optimiser: a mapping"]),
        ({"data.task": "regressio"}, ["data.task", "'regression'", "'regressio'"]),
    ],
)
def test_a_mistake_is_named_with_key_value_and_remedy(changed, replacements, expected):
    text = message(changed(replacements))
    for part in expected:
        assert part in text


def test_every_mistake_is_named_at_once(changed):
    text = message(changed({"training.epochs": 0, "model.name": 3, "tune.seeds": "all"}))
    assert all(key in text for key in ("training.epochs", "model.name", "tune.seeds"))


def test_a_missing_section_is_named(changed):
    content = changed({})
    del content["tune"]
    assert "tune: missing" in message(content)


def test_a_scheme_may_hold_a_table_of_rules_and_those_name_initializers(changed):
    rules = [
        {"match": ["a", "b"], "scheme": "mine:init"},
        {"std": "1 / width", "rate": {"adam": 2}},
    ]
    content = changed({"schemes": ["parts"]})
    content["initializers"]["parts"] = {"name": "by_part", "rules": rules}
    params = parse_params(content)
    assert params.initializer("parts") == ("by_part", {"rules": rules})
    assert ("initializers.parts.rules[0].scheme", "mine:init") in params.dotted_names
    content["initializers"]["parts"] = {"name": "by_part", "rules": {"match": "*"}}
    assert "initializers.parts.rules: a mapping means nothing here" in message(content)


def test_a_scheme_that_cannot_name_a_file_is_refused(changed):
    content = changed({"schemes": ["my:init"]})
    content["initializers"]["my:init"] = {}
    assert "names files and stages" in message(content)


def test_numbers_may_be_written_as_dvc_reads_them(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("low: 1.0e-4", "low: 1e-4")
    (tmp_path / "params.yaml").write_text(text)
    assert load_params(tmp_path / "params.yaml").tune.grid.low == 1e-4


def test_a_missing_file_and_a_broken_one_are_named(tmp_path):
    with pytest.raises(ParamsError, match=r"No parameter file '.*nowhere.yaml'"):
        load_params(tmp_path / "nowhere.yaml")
    with pytest.raises(ParamsError, match="Is a directory"):
        load_params(tmp_path)
    (tmp_path / "broken.yaml").write_text("data: [1, 2")
    with pytest.raises(ParamsError, match=r"broken.yaml' is not readable as YAML"):
        load_params(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ParamsError, match="must hold sections"):
        load_params(tmp_path / "list.yaml")


def test_the_grid_is_evenly_spaced_and_extends_on_the_same_lattice():
    grid = Grid(low=1e-4, high=1.0, points=9)
    rates = [grid.rate(i) for i in range(-2, 11)]
    assert rates[2] == 1e-4
    assert rates[10] == 1.0
    assert rates[0] == 1e-5
    assert rates[12] == 10.0
    assert rates[3] == pytest.approx(10**-3.5, rel=1e-9)


def test_a_scheme_s_initializer_defaults_to_its_own_name(small_params):
    params = small_params({"schemes": ["random_normal_small"]})
    assert params.initializer("random_normal_small") == ("random_normal", {"std": 0.01})
    assert params.initializer("he_normal") == ("he_normal", {})
    with pytest.raises(ParamsError, match="Did you mean 'he_normal'"):
        params.initializer("he_nrmal")


def test_fingerprints_ignore_key_order_and_see_every_value():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 1.5})


def test_an_arm_takes_from_the_section_what_it_does_not_say(small_params):
    own = {"name": "adamw", "weight_decay": 0.1}
    params = small_params({"initializers.he_normal": {"optimizer": own}, "optimizer.beta2": 0.95})
    arm, section = params.engine_optimizer("he_normal"), params.engine_optimizer("zeros")
    assert (arm.name, arm.weight_decay, arm.beta2) == ("adamw", 0.1, 0.95)
    assert section == params.optimizer
    assert params.arms == ["he_normal"]
    assert params.arm_options("he_normal") == {"optimizer": "adamw weight_decay=0.1"}
