import dataclasses
import subprocess
import sys

import pytest

from initsweep import artifacts
from initsweep.records import Verdict
from tests.stages.study_fixture import PROVENANCE

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
    verdict = _verdict(recommended="he_normal")
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)
    status, _, _ = command("export", "--output", "start.py")
    assert status == 0
    source = (with_params.parent / "start.py").read_text()
    assert "`he_normal` for mlp" in source
    assert max(map(len, source.splitlines())) <= 100
    namespace = {}
    exec(compile(source, "start.py", "exec"), namespace)
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
    verdict = _verdict(recommended="he_normal")
    refined = dataclasses.replace(verdict, learning_rate=0.00892, usable_rates=(0.01, 0.01))
    artifacts.write_json(artifacts.COMPARE / "verdict.json", refined)
    assert "USABLE_RATES = (0.00892, 0.01)\n" in command("export")[1]


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


def _verdict(*, recommended):
    values = {
        "decision": "winner", "statement": "So it is.", "recommended": recommended,
        "learning_rate": 0.1, "usable_rates": (0.01, 1.0), "best_on_validation": "he_normal",
        "tie_set": [], "undecided": [], "repicked": 1.0, "firm": True, "picks": {}, "other": None,
        "untrainable": [], "rule": [], "caveats": [], "margin": 0.01,
        "basin_tolerance": 0.05, "constant_loss": 2.3, "loss_name": "cross_entropy",
        "score_name": "accuracy", "seeds": 10, "provenance": PROVENANCE,
    }  # fmt: skip
    return Verdict(**values)
