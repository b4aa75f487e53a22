"""A study of a small table, prepared and decided, for `initsweep export`."""

import dataclasses
import random

from ruamel.yaml import YAML

from initsweep.core import artifacts
from initsweep.core.params import load_params
from initsweep.core.records import Verdict
from initsweep.stages import prepare
from tests.conftest import replace_keys
from tests.made_study import PROVENANCE


def verdict_of(*, recommended):
    values = {
        "decision": "winner", "statement": "So it is.", "recommended": recommended,
        "learning_rate": 0.1, "usable_rates": (0.01, 1.0), "best_on_validation": "he_normal",
        "tie_set": [], "undecided": [], "repicked": 1.0, "firm": True, "picks": {}, "other": None,
        "untrainable": [], "rule": [], "caveats": [], "margin": 0.01,
        "basin_tolerance": 0.05, "constant_loss": 2.3, "loss_name": "cross_entropy",
        "score_name": "accuracy", "seeds": 10, "provenance": PROVENANCE,
    }  # fmt: skip
    return Verdict(**values)


def study_of(params, lines, **changes):
    """Prepare a study of a table whose last column is called y."""
    table = params.parent / "data/raw/my.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(lines))
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(params)
    replace_keys(
        content,
        {
            "data.source": "csv:data/raw/my.csv",
            "data.table.target": "y",
            **{key.replace("__", "."): value for key, value in changes.items()},
        },
    )
    yaml.dump(content, params)
    prepare.run(load_params(params))
    verdict = dataclasses.replace(verdict_of(recommended="he_normal"), learning_rate=0.01)
    artifacts.write_json(artifacts.COMPARE / "verdict.json", verdict)


def columns_of(count, rows=120):
    """Return rows of raw columns, the first of which has the largest numbers."""
    draw = random.Random(0)
    scales = [1e4, 0.01, *[50.0] * (count - 2)]
    return [[draw.gauss(3 * scale, scale) for scale in scales] for _ in range(rows)]
