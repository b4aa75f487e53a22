import dataclasses
import json
import runpy
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from initsweep.core import artifacts
from initsweep.core.params import load_params
from initsweep.stages import prepare
from tests.commands.export_fixture import study_of, verdict_of
from tests.conftest import replace_keys

SIZES = ("--model", "mine:net", "--features", "10", "--outputs", "4")


def test_the_file_runs_without_us(command, tmp_path):
    status, out, _ = command("export", "he_uniform", *SIZES, "--output", "start.py")
    assert (status, out) == (0, "Wrote start.py. Use: from start import initialize; "
                                "initialize(model)\n")  # fmt: skip
    code = (
        "import sys; sys.modules['initsweep'] = None; import mine, start; "
        "print(start.initialize(mine.net(10, 4), 1)[0].weight.std().item())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) == pytest.approx((2 / 10) ** 0.5, rel=0.1)


def test_schemes_of_the_parameters(command, with_params):
    status, out, _ = command("export", "random_normal_small")
    assert status == 0
    assert "mlp-3x128-relu" in out
    assert 'put("head.weight", nn.init.normal_, std=0.01)' in out


def test_the_recommended_scheme_of_a_study(command, with_params):
    prepare.run(load_params(with_params))
    verdict = verdict_of(recommended="he_normal")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    status, _, _ = command("export", "--output", "start.py")
    assert status == 0
    source = (with_params.parent / "start.py").read_text()
    assert "`he_normal` for mlp" in source
    assert max(map(len, source.splitlines())) <= 100
    namespace = runpy.run_path("start.py")
    assert (namespace["LEARNING_RATE"], namespace["USABLE_RATES"]) == (0.1, (0.01, 1.0))
    assert "mean cross entropy was within 0.05" in source.replace("\n# ", " ")
    # Another scheme, network or option is not what the rate was tuned for.
    assert "LEARNING_RATE" in command("export", "he_normal")[1]
    for other in (["he_uniform"], ["he_normal", "--option", "slope=0.1"], ["--model", "mine:net"]):
        status, out, _ = command("export", *other)
        assert status == 0
        assert "LEARNING_RATE" not in out
    none = dataclasses.replace(verdict, recommended=None)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", none)
    status, _, err = command("export")
    assert status == 2
    assert "recommends no scheme: So it is." in err


def test_the_rate_lies_in_the_range_that_is_written_beside_it(command, with_params):
    prepare.run(load_params(with_params))
    verdict = verdict_of(recommended="he_normal")
    refined = dataclasses.replace(verdict, learning_rate=0.00892, usable_rates=(0.01, 0.01))
    artifacts.write_json(artifacts.COMPARE / "verdict.json", refined)
    assert "USABLE_RATES = (0.00892, 0.01)\n" in command("export")[1]


def test_the_training_that_the_rate_holds_for_stands_beside_it(command, with_params):
    study_of(with_params, ["a,b,y", *(f"{i},{i * i % 7},{i % 2}" for i in range(60))],
             data__validation="fixed", optimizer__name="adamw", training__schedule="cosine",
             training__warmup_fraction=0.1, training__gradient_clip=2.5,
             training__batch_size=8)  # fmt: skip
    said = command("export")[1].replace("\n# ", " ")
    assert (
        "and training, by params.yaml: torch.optim.AdamW(lr=LEARNING_RATE, betas=(0.9, 0.999), "
        "eps=1e-08, weight_decay=0.0) on the cross entropy, 30 epochs, batches of 8 of 36 rows "
        "(shuffled every epoch, a partial one left out), cosine decay to 0, linear warm-up over "
        "10 % of the steps, gradient norm clipped at 2.5.\nLEARNING_RATE = 0.01\n"
    ) in said


def test_a_rate_without_what_it_holds_for_is_not_exported(command, with_params):
    verdict = verdict_of(recommended="he_normal")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    status, out, err = command("export")
    assert (status, out) == (2, "")
    assert "is missing, or of other data than 'params.yaml' names: by what the study stand" in err
    # Another network's inputs are its own affair.
    assert command("export", "he_normal", "--model", "mine:net", *SIZES[2:])[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("export",), "no study here"),
        (("export", "he_nrmal", *SIZES), "Did you mean 'he_normal'?"),
        (("export", "lsuv", *SIZES), "it measures signals of examples"),
        (("export", "mine:good", *SIZES), "a function of your own"),
        (("export", "--option", "slope=1"), "a scheme that is named"),
        (("export", "random_normal", *SIZES), "--option std: missing"),
        (("export", "zeros", *SIZES, "--output", "mine.py/x.py"), "Cannot write"),
    ],
)
def test_mistakes_are_one_message(command, arguments, expected):
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert expected in err


def test_a_rate_is_not_given_out_with_settings_that_were_edited_since(command, with_params):
    prepare.run(load_params(with_params))
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict_of(recommended="he_normal"))
    params = YAML(typ="safe", pure=True).load(with_params)
    of_tune = {"optimizer": params["optimizer"], "tune": params["tune"]}
    lock = {"schema": "2.0", "stages": {"compare": {"params": {"params.yaml": of_tune}}}}
    (with_params.parent / "dvc.lock").write_text(json.dumps(lock))
    assert "LEARNING_RATE" in command("export")[1]
    replaced(with_params, {"tune.refinement_trials": 3})  # says nothing of what the rate is for
    assert "LEARNING_RATE" in command("export")[1]
    replaced(with_params, {"optimizer.name": "adam"})
    status, out, err = command("export")
    assert (status, out) == (2, "")
    assert "'params.yaml' was edited since this study ran (optimizer.name)" in err
    assert command("export", "he_uniform")[0] == 0  # which has no rate


def replaced(params, changes):
    """Edit parameters in their file."""
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(params)
    replace_keys(content, changes)
    yaml.dump(content, params)
